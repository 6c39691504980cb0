"""The local list of a station: what is sent, in which order, and what is believed afterwards."""

from __future__ import annotations

import pytest

from domain.event import Refusal
from domain.locallist import Entry, Limits, LocalList, Part, stream
from tests.scenario import NOW, SOMEBODY, Step, given, refused

FEW = Limits(items=2)
PLENTY = Limits()


def blank() -> LocalList:
    return LocalList(stream("CP"))


def entry(badge: str, status: str = "Accepted") -> Entry:
    return Entry(badge=badge, status=status)


def ask(full: bool = False) -> Step[LocalList]:
    return lambda known: known.request(full, None, PLENTY, SOMEBODY, NOW)


def send(part: Part, command_id: str = "c1") -> Step[LocalList]:
    return lambda known: known.send(command_id, part, SOMEBODY, NOW)


def install(command_id: str = "c1") -> Step[LocalList]:
    return lambda known: known.install(command_id, SOMEBODY, NOW)


def refuse(command_id: str = "c1", again: bool = True) -> Step[LocalList]:
    return lambda known: known.refuse(command_id, "VersionMismatch", again, SOMEBODY, NOW)


def report(version: int) -> Step[LocalList]:
    return lambda known: known.report(version, SOMEBODY, NOW)


def holding(*badges: str) -> LocalList:
    entries = tuple(entry(badge) for badge in badges)
    return given(blank(), send(Part(3, True, entries, 0)), install()).aggregate


def test_an_unknown_list_is_replaced_first() -> None:
    part = blank().next_part([entry("A"), entry("B"), entry("C")], FEW)
    assert part == Part(1, True, (entry("A"), entry("B")), 1)


def test_the_rest_of_a_full_list_follows_as_changes_until_nothing_is_left() -> None:
    known, wanted = blank(), [entry(badge) for badge in "ABCDE"]
    ask(full=True)(known)
    parts = []
    for number in range(9):
        part = known.next_part(wanted, FEW)
        if part is None:
            break
        parts.append((part.version, part.full, [e.badge for e in part.entries], part.left))
        send(part, f"c{number}")(known)
        install(f"c{number}")(known)
    assert parts == [(1, True, ["A", "B"], 3), (2, False, ["C", "D"], 1), (3, False, ["E"], 0)]
    assert known.held is not None
    assert sorted(known.held) == list("ABCDE")


def test_a_known_list_is_changed_by_its_difference_and_those_let_in_no_longer_go_first() -> None:
    part = holding("A", "B", "C").next_part([entry("D"), entry("B", "Blocked"), entry("c")], PLENTY)
    assert part is not None
    assert (part.version, part.full) == (4, False)
    assert [(e.badge, e.status) for e in part.entries] == [
        ("A", None), ("B", "Blocked"), ("D", "Accepted"), ("c", "Accepted"),
    ]  # fmt: skip


def test_a_list_in_step_needs_no_message_and_an_empty_one_is_sent_once() -> None:
    assert holding("A").next_part([entry("A")], PLENTY) is None
    part = blank().next_part([], PLENTY)
    assert part == Part(1, True, (), 0)
    assert given(blank(), send(part), install()).aggregate.next_part([], PLENTY) is None


def test_a_refused_change_is_followed_by_a_full_list_once() -> None:
    known = holding("A")
    scenario = given(known, ask(), send(Part(4, False, (entry("B"),), 0), "c2")).when(refuse("c2"))
    scenario.then(LocalList.Refused)
    part = known.next_part([entry("B")], PLENTY)
    assert part is not None
    assert part.full
    given(known, send(part, "c3")).when(refuse("c3")).then(LocalList.Refused, LocalList.Abandoned)


def test_a_station_without_lists_ends_the_synchronisation() -> None:
    scenario = given(blank(), ask(), send(Part(1, True, (), 0))).when(refuse(again=False))
    scenario.then(LocalList.Refused, LocalList.Abandoned).showing(reason="VersionMismatch")


def test_another_version_than_we_believe_makes_the_list_unknown() -> None:
    known = holding("A")
    report(3)(known)
    assert known.held is not None
    report(9)(known)
    assert known.held is None
    assert known.next_part([entry("A")], PLENTY) == Part(10, True, (entry("A"),), 0)


@pytest.mark.parametrize("reported", [0, -1])
def test_no_list_is_no_version_to_count_from(reported: int) -> None:
    assert given(blank(), report(reported)).aggregate.next_version() == 1


def test_one_message_is_under_way_at_a_time_and_other_commands_say_nothing_about_it() -> None:
    known = given(blank(), send(Part(1, True, (), 0))).aggregate
    refused(known, send(Part(2, False, (), 0), "c2"), "under way")
    refused(known, ask(), "under way")
    given(known).when(install("other")).then_nothing()
    given(known).when(refuse("other")).then_nothing()


def test_a_version_is_one_or_more() -> None:
    refused(blank(), send(Part(0, True, (), 0)), "1 or more")


def test_a_list_longer_than_the_station_holds_is_refused() -> None:
    with pytest.raises(Refusal, match="holds 1"):
        blank().next_part([entry("A"), entry("B")], Limits(entries=1))


def test_a_message_is_cut_to_the_bytes_the_station_takes_but_never_to_nothing() -> None:
    wanted = [entry("x" * 30 + str(number)) for number in range(10)]
    sizes = []
    for size_bytes in (1, 800, 100_000):
        part = blank().next_part(wanted, Limits(size_bytes=size_bytes))
        assert part is not None
        sizes.append(len(part.entries))
    assert sizes[0] == 1
    assert 1 < sizes[1] < 10
    assert sizes[2] == 10


def test_automation_is_news_once() -> None:
    def keep(known: LocalList) -> None:
        known.automate(True, SOMEBODY, NOW)

    given(blank()).when(keep).then(LocalList.Automated)
    given(blank(), keep).when(keep).then_nothing()
