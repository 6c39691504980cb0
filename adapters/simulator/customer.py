"""What a simulated station knows about a person, told or forgotten (OCPP 2.x, N09, N10)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adapters.simulator.vocabulary import Payload, Said, now, stamp, status

if TYPE_CHECKING:
    from adapters.simulator.station import Station

LONGEST = 512
WHO = ("customerCertificate", "idToken", "customerIdentifier")


def customer_information(station: Station, payload: Payload) -> Payload:
    """Only a badge leads to something here: its entry in the cache and in the local list."""
    if sum(name in payload for name in WHO) != 1:
        return {"status": "Invalid"}
    if not payload["report"] and not payload["clear"]:
        return status(False)
    badge = payload.get("idToken", {}).get("idToken", "")
    words = remembered(station, badge)
    if payload["clear"]:
        station.badges.cache.pop(badge, None)
    station.send(pages(payload["requestId"], words if payload["report"] else ""))
    return status(True)


def remembered(station: Station, badge: str) -> str:
    found = {
        place: known._asdict()
        for place, known in (("cache", station.badges.cache.get(badge)), ("list", station.badges.list.get(badge)))
        if known is not None
    }
    return json.dumps({badge: found}) if found else ""


def pages(request_id: int, words: str) -> list[Said]:
    """At least one, for the CSMS waits for the end of it (N09.FR.05)."""
    texts = [words[at : at + LONGEST] for at in range(0, len(words), LONGEST)] or [""]
    head = {"requestId": request_id, "generatedAt": stamp(now())}
    return [
        Said("NotifyCustomerInformation", head | {"seqNo": n, "tbc": n < len(texts) - 1, "data": text})
        for n, text in enumerate(texts)
    ]


OBEY201 = {"CustomerInformation": customer_information}
