"""Authorization: may this badge charge here and now? One policy, a list of small rules, for every message that asks.

Source: OCPP 2.0.1 AuthorizationStatusEnumType and block C; OCPP 1.6 AuthorizationStatus. Every rule looks at the facts
at the time of the check: a start that reaches us late is judged as of now, and flagged when the answer would have been
another one (or no welcome either) at the time of the start.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from domain.badge import Badge, Terms, Unknown, fold

Verdict = Literal["Accepted", "Blocked", "ConcurrentTx", "Expired", "Invalid", "NotAtThisLocation", "Unknown"]
Purpose = Literal["show", "start", "stop"]
"""Show: nobody knows yet what for (Authorize). Start: energy will flow. Stop: it ends a charge."""


class Presented(NamedTuple):
    """A badge is presented: everything a rule may look at.

    `charging` counts the other charges it pays for now, `here` says that one of them is on this station.
    """

    badge: str
    kind: str | None
    known: Badge | None
    unknown: Unknown
    master_group: str
    station_id: str
    site: str | None
    evse_id: int | None
    purpose: Purpose
    charging: int
    here: bool
    at: datetime


class Ruling(NamedTuple):
    """What we say of a badge, why, and on which terms; `evses` are the only ones of the station if it is not empty."""

    verdict: Verdict
    reason: str | None = None
    terms: Terms | None = None
    evses: tuple[int, ...] = ()

    @property
    def accepted(self) -> bool:
        return self.verdict == "Accepted"

    def until(self, now: datetime) -> datetime | None:
        """How long a station may go by this ruling: to the end of the badge, or as long as it may remember."""
        if self.terms is None:
            return None
        remembered = [now + timedelta(seconds=self.terms.cache_s)] if self.terms.cache_s else []
        return min([*remembered, *filter(None, [self.terms.expires_at])], default=None)


Rule = Callable[[Presented], Ruling | None]


def nobody(shown: Presented) -> Ruling | None:
    """A start button needs no badge (C02.FR.02)."""
    return Ruling("Accepted") if shown.kind == "NoAuthorization" else None


def unknown(shown: Presented) -> Ruling | None:
    """What nobody registered is let in or not, as the operator chose; a wrong code is Invalid (C04.FR.01)."""
    if shown.known is not None and shown.known.registered:
        return None
    if shown.unknown == "accept":
        return Ruling("Accepted")
    return Ruling("Invalid" if shown.kind == "KeyCode" else "Unknown", "nobody registered this badge")


def removed(shown: Presented) -> Ruling | None:
    return Ruling("Invalid", "the badge was removed") if badge(shown).removed_by(shown.at) else None


def wrong_kind(shown: Presented) -> Ruling | None:
    """A card number typed as a code is not the card, nor the other way round (C04). Stations mix up other types."""
    kind = badge(shown).terms.kind
    if shown.kind is None or (shown.kind == "KeyCode") == (kind == "KeyCode"):
        return None
    return Ruling("Invalid", f"it is registered as {kind}, not {shown.kind}")


def blocked(shown: Presented) -> Ruling | None:
    return Ruling("Blocked", "the badge is blocked") if badge(shown).blocked_at(shown.at) else None


def expired(shown: Presented) -> Ruling | None:
    return Ruling("Expired", "the badge has expired") if badge(shown).expired_at(shown.at) else None


def elsewhere(shown: Presented) -> Ruling | None:
    """The badge may charge at other stations, sites or EVSEs only (C01.FR.22)."""
    terms = badge(shown).terms
    if welcome(terms, shown.station_id, shown.site, shown.evse_id):
        return None
    return Ruling("NotAtThisLocation", "the badge may not charge here")


def only_stops(shown: Presented) -> Ruling | None:
    """A master pass stops the charges of others and starts none (C16.FR.03, C12.FR.09)."""
    group = badge(shown).terms.group
    if shown.purpose != "start" or not shown.master_group or fold(group or "") != fold(shown.master_group):
        return None
    return Ruling("Invalid", "a master pass only stops charges")


def busy(shown: Presented) -> Ruling | None:
    """It already pays for as many charges as it may; showing it where it charges may well be meant to stop."""
    if shown.purpose == "stop" or (shown.purpose == "show" and shown.here):
        return None
    if shown.charging < badge(shown).terms.concurrent:
        return None
    return Ruling("ConcurrentTx", f"the badge already pays for {shown.charging} charges")


BEFORE_KNOWN: tuple[Rule, ...] = (nobody, unknown)
OF_KNOWN: tuple[Rule, ...] = (removed, wrong_kind, blocked, expired, elsewhere, only_stops, busy)


def judge(shown: Presented) -> Ruling:
    """The first rule that has something to say decides; if none has, the badge may charge."""
    for rule in BEFORE_KNOWN:
        if ruling := rule(shown):
            return ruling
    terms = badge(shown).terms
    for rule in OF_KNOWN:
        if ruling := rule(shown):
            return ruling._replace(terms=terms)
    return Ruling("Accepted", None, terms, only(terms, shown.station_id, shown.site))


def welcome(terms: Terms, station_id: str, site: str | None, evse_id: int | None = None) -> bool:
    """May it charge at this station, or at this EVSE of it?"""
    if not (terms.stations or terms.sites or terms.evses):
        return True
    if station_id in terms.stations or site in terms.sites:
        return True
    return any(place.station_id == station_id and evse_id in (None, 0, place.evse_id) for place in terms.evses)


def only(terms: Terms, station_id: str, site: str | None) -> tuple[int, ...]:
    """The EVSEs of a station it is limited to (C01.FR.20); none named: any of them (C01.FR.19)."""
    if station_id in terms.stations or site in terms.sites:
        return ()
    return tuple(sorted({place.evse_id for place in terms.evses if place.station_id == station_id}))


def badge(shown: Presented) -> Badge:
    assert shown.known is not None
    return shown.known
