"""Messages on a display: parts are counted, and a whole list says since when."""

from __future__ import annotations

from domain.display import Display, Notice, Text
from tests.scenario import NOW, SOMEBODY, Step, given

HELLO = Notice(message_id=1, priority="InFront", text=Text(content="Hello", format="UTF8"))


def blank() -> Display:
    return Display("display/CP1")


def ordered(everything: bool) -> Step[Display]:
    facts = {"request_id": 7, "subject": "everything", "status": "Accepted", "everything": everything}
    return lambda display: display.record(Display.ReportOrdered, SOMEBODY, NOW, **facts)


def reported(more: bool) -> Step[Display]:
    return lambda display: display.report(7, (HELLO,), more, SOMEBODY, NOW)


def test_parts_of_a_list_are_numbered_as_they_come() -> None:
    given(blank(), reported(True)).when(reported(True)).showing(seq_no=1)
    given(blank(), reported(True), reported(True)).when(reported(False)).showing(seq_no=2)


def test_the_last_part_of_a_list_of_everything_says_since_when() -> None:
    given(blank(), ordered(everything=True)).when(reported(True)).showing(everything_since=None)
    given(blank(), ordered(everything=True), reported(True)).when(reported(False)).showing(everything_since=NOW)


def test_a_list_of_some_messages_says_nothing_of_the_others() -> None:
    given(blank(), ordered(everything=False)).when(reported(False)).showing(everything_since=None)
    given(blank()).when(reported(False)).showing(everything_since=None)
