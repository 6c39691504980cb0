"""Rules of reservations."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.event import Event, Refusal
from domain.reservation import Reservation, Wish, check
from tests.scenario import NOW, SOMEBODY, Step, given, refused

UNTIL = NOW + timedelta(minutes=30)
LATER = UNTIL + timedelta(minutes=1)


def new(number: int = 1) -> Reservation:
    return Reservation(f"reservation/{number}")


def request(reservation: Reservation) -> None:
    reservation.request("CP001", "B1", UNTIL, "anna", SOMEBODY, NOW, evse_id=2)


def place(reservation: Reservation) -> None:
    reservation.place(SOMEBODY, NOW)


def refuse(reservation: Reservation) -> None:
    reservation.refuse("Occupied", SOMEBODY, NOW)


def cancel(reservation: Reservation) -> None:
    reservation.cancel(SOMEBODY, NOW)


def expire(reservation: Reservation) -> None:
    reservation.expire(SOMEBODY, LATER)


def remove(reservation: Reservation) -> None:
    reservation.remove("Removed", SOMEBODY, NOW)


def use(reservation: Reservation) -> None:
    reservation.use("t1", NOW, SOMEBODY, LATER)


def use_late(reservation: Reservation) -> None:
    reservation.use("t1", LATER, SOMEBODY, LATER)


ENDS: list[tuple[Step[Reservation], type[Event]]] = [
    (use, Reservation.Used),
    (cancel, Reservation.Cancelled),
    (expire, Reservation.Expired),
    (remove, Reservation.Removed),
]


@pytest.mark.parametrize(("step", "kind"), ENDS)
def test_what_is_held_ends_once(step: Step[Reservation], kind: type[Event]) -> None:
    given(new(), request, place).when(step).then(kind)
    given(new(), request, place, step).when(cancel).then_nothing()
    given(new(), request, place, step).when(remove).then_nothing()


def test_a_refused_one_is_not_held() -> None:
    given(new(), request).when(refuse).then(Reservation.Refused).showing(reason="Occupied")
    given(new(), request, refuse).when(place).then_nothing()


def test_one_that_is_held_cannot_be_refused_any_more() -> None:
    given(new(), request, place).when(refuse).then_nothing()


def test_a_charge_that_began_in_time_and_was_told_late_used_it() -> None:
    given(new(), request, place, expire).when(use).then(Reservation.Used).showing(transaction_id="t1")
    given(new(), request, place, expire).when(use_late).then_nothing()


def test_a_cancelled_one_is_not_used() -> None:
    given(new(), request, place, cancel).when(use).then_nothing()


def test_one_that_could_never_be_used_is_not_asked_for() -> None:
    refused(new(), lambda r: r.request("CP001", "B1", NOW, "anna", SOMEBODY, NOW), "future")


def held(number: int) -> Reservation:
    reservation = new(number)
    request(reservation)
    place(reservation)
    return reservation


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (Wish(2, 2, UNTIL), "held by reservation 1"),
        (Wish(2, 2, NOW), "expired"),
        (Wish(2, 3, UNTIL), None),
        (Wish(2, None, UNTIL), None),
        (Wish(1, 2, UNTIL), None),
    ],
    ids=["same EVSE", "too late", "another EVSE", "any EVSE", "the same again"],
)
def test_an_evse_is_held_for_one_badge_at_a_time(wish: Wish, reason: str | None) -> None:
    if reason is None:
        check(wish, [held(1)], NOW)
        return
    with pytest.raises(Refusal, match=reason):
        check(wish, [held(1)], NOW)
