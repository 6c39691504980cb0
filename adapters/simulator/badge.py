"""What a simulated station knows about badges: its local list and its cache (OCPP 1.6 section 3.5, 2.x C10-D01)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.simulator.link import LinkDown
from adapters.simulator.vocabulary import Charge, Known, Payload, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station


class Badges:
    """The local list comes before the cache; either may be switched off."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.version = 0
        self.list: dict[str, Known] = {}
        self.cache: dict[str, Known] = {}

    def known(self, badge: str) -> Known | None:
        device = self.station.device
        listed = self.list.get(badge) if device.on("LocalAuthListCtrlr") else None
        return listed or (self.cache.get(badge) if device.on("AuthCacheCtrlr") else None)

    async def ask(self, badge: str) -> Known:
        """May this badge charge? The list may answer at once, list and cache when the CSMS cannot."""
        known, device = self.known(badge), self.station.device
        welcome = known is not None and known.status == "Accepted"
        if known is not None and welcome and device.on("AuthCtrlr", "LocalPreAuthorize"):
            return known
        try:
            answer = await self.station.say(self.station.words.authorize(badge))
        except LinkDown:
            if known is not None and welcome and device.on("AuthCtrlr", "LocalAuthorizeOffline"):
                return known
            raise
        verdict = self.station.words.verdict(answer)
        self.learn(badge, verdict)
        return verdict

    def judge(self, charge: Charge, verdict: Known) -> None:
        """The CSMS said about a charge whether it may go on."""
        if verdict.status != "Accepted":
            self.learn(charge.badge, verdict)
            self.station.stop("DeAuthorized")

    def learn(self, badge: str, known: Known) -> None:
        """The CSMS answered about a badge."""
        if self.station.device.on("AuthCacheCtrlr"):
            self.cache[badge] = known

    def take(self, update: str, version: int, entries: dict[str, Known | None]) -> str:
        """The status of the answer to SendLocalList; None removes a badge (D01.FR.01-18)."""
        device = self.station.device
        if not device.on("LocalAuthListCtrlr"):
            return "NotSupported" if self.station.version == "1.6" else "Failed"
        if len(entries) > device.limit("LocalAuthListCtrlr", "ItemsPerMessage"):
            return "Failed"
        if update == "Differential" and version <= self.version:
            return "VersionMismatch"
        if update == "Full" and None in entries.values():
            return "Failed"
        changed = {} if update == "Full" else dict(self.list)
        for badge, known in entries.items():
            if known is None:
                changed.pop(badge, None)
            else:
                changed[badge] = known
        if len(changed) > device.limit("LocalAuthListCtrlr", "Entries"):
            return "Failed"
        self.list, self.version = changed, version
        return "Accepted"


def list16(station: Station, payload: Payload) -> Payload:
    entries = {row["idTag"]: known16(row.get("idTagInfo")) for row in payload.get("localAuthorizationList", ())}
    return {"status": station.badges.take(payload["updateType"], payload["listVersion"], entries)}


def known16(info: Payload | None) -> Known | None:
    return None if info is None else Known(info["status"], info.get("parentIdTag"))


def list201(station: Station, payload: Payload) -> Payload:
    rows = payload.get("localAuthorizationList", ())
    entries = {row["idToken"]["idToken"]: known201(row.get("idTokenInfo")) for row in rows}
    return {"status": station.badges.take(payload["updateType"], payload["versionNumber"], entries)}


def known201(info: Payload | None) -> Known | None:
    return None if info is None else Known(info["status"], info.get("groupIdToken", {}).get("idToken"))


def version16(station: Station, payload: Payload) -> Payload:
    """-1: there is no local list (OCPP 1.6 section 5.10)."""
    return {"listVersion": station.badges.version if station.device.on("LocalAuthListCtrlr") else -1}


def version201(station: Station, payload: Payload) -> Payload:
    return {"versionNumber": station.badges.version if station.device.on("LocalAuthListCtrlr") else 0}


def clear_cache(station: Station, payload: Payload) -> Payload:
    """C11.FR.04: without a cache there is nothing to clear."""
    station.badges.cache.clear()
    return status(station.device.on("AuthCacheCtrlr"))


OBEY16 = {"SendLocalList": list16, "GetLocalListVersion": version16, "ClearCache": clear_cache}
OBEY201 = {"SendLocalList": list201, "GetLocalListVersion": version201, "ClearCache": clear_cache}
