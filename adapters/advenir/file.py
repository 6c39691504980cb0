"""Files of others: bodies that older clients sent to Advenir, and logs of OCPP 1.5, read as charges."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from domain.advenir import known_form, user_id_form
from domain.event import Refusal
from domain.preflight import Charge, Defect, Limits, Point, check_all, sendable


class Checked(NamedTuple):
    """What is in a file, what is wrong with it, and which of its charges could be sent."""

    charges: list[Charge]
    defects: list[Defect]

    @property
    def sendable(self) -> list[Charge]:
        """None while the file as a whole is refused."""
        wrong = {defect.where for defect in self.defects if not defect.mended}
        return [] if "" in wrong else [each for each in self.charges if wrong.isdisjoint((each.where, each.identifier))]

    @property
    def whole(self) -> bool:
        return sendable(self.defects)


def read(text: str, limits: Limits) -> Checked:
    """Check a file. Raises ValueError where it is neither of both."""
    documents = list(parsed(text))
    if documents and all(isinstance(each, dict) and "Action" in each for each in documents):
        charges, found = logged(documents)
    else:
        charges, found = told(documents)
    return Checked(charges, [*found, *check_all(charges, limits)])


def parsed(text: str) -> Iterator[Any]:
    """JSON documents, one after the other, perhaps with commas between them. Raises ValueError."""
    decoder, place, end = json.JSONDecoder(), 0, len(text)
    while True:
        while place < end and (text[place].isspace() or text[place] == ","):
            place += 1
        if place >= end:
            return
        try:
            document, place = decoder.raw_decode(text, place)
        except RecursionError:
            raise ValueError("this is nested too deeply") from None
        yield document


def told(documents: list[Any]) -> tuple[list[Charge], list[Defect]]:
    """Bodies of requests: {UserID: {station: {transaction: …}}}, or a list of one-key objects below the station."""
    found, charges = [], []
    if len(documents) != 1:
        found.append(
            Defect(rule="one document", what="a body is one JSON document", values={"documents": len(documents)})
        )
    for document in documents:
        if not isinstance(document, dict) or len(document) != 1:
            raise ValueError("this is no body for Advenir: an object with one key, the UserID")
        ((user_id, stations),) = document.items()
        if not isinstance(stations, dict):
            raise ValueError("this is no body for Advenir: below the UserID there are no stations")
        found += user_id_defects(user_id, found)
        for station, listed in stations.items():
            found += station_defects(station, listed)
            charges += [charge(station, number, each) for number, each in transactions(listed)]
    return charges, found


def user_id_defects(user_id: str, found: list[Defect]) -> list[Defect]:
    try:
        user_id_form(user_id)
    except Refusal as refusal:
        defect = Defect(rule="user id", what=str(refusal), values={"user_id": user_id})
        return [] if defect in found else [defect]
    return []


def station_defects(station: str, listed: Any) -> list[Defect]:
    found = []
    try:
        known_form(station)
    except Refusal as refusal:
        found.append(Defect(rule="identifier", what=str(refusal), where=station))
    if isinstance(listed, list):
        what = "transactions are a list of objects, as an older client wrote them; they are sent as one object"
        found.append(Defect(rule="form", what=what, where=station, values={"transactions": len(listed)}, mended=True))
    return found


def transactions(listed: Any) -> Iterator[tuple[str, Any]]:
    for each in listed if isinstance(listed, list) else [listed]:
        if not isinstance(each, dict):
            raise ValueError("this is no body for Advenir: below a station there are no transactions")
        yield from each.items()


def charge(station: str, number: str, content: Any) -> Charge:
    """A load curve, or an operation."""
    if isinstance(content, list):
        points = [Point(each.get("timestamp"), each.get("value")) for each in content if isinstance(each, dict)]
    elif isinstance(content, dict):
        start = Point(content.get("StartTransaction"), content.get("StartValue"))
        points = [start, Point(content.get("StopTransaction"), content.get("StopValue"))]
    else:
        raise ValueError(f"transaction {number} is neither a load curve nor an operation")
    return Charge(transaction_id=number, identifier=station, points=tuple(points))


def logged(lines: Iterable[dict[str, Any]]) -> tuple[list[Charge], list[Defect]]:
    """What a station said in OCPP 1.5, in the order in which it was received."""
    ordered = sorted(lines, key=lambda line: str(line.get("date", "")))
    points: dict[str, list[Point]] = {}
    stations: dict[str, str] = {}
    over: set[str] = set()
    starts: dict[str, dict[str, Any]] = {}
    for line in ordered:
        station, number = str(line.get("chargeBoxIdentity", "")), str(line.get("transactionId", ""))
        match str(line["Action"]).removeprefix("/"):
            case "StartTransaction":
                starts[station] = line
            case "StartTransactionResponse" if station in starts:
                start = starts.pop(station)
                stations[number] = station
                points[number] = [Point(seconds(start.get("timestamp")), wh(start.get("meterStart")))]
            case "MeterValues" if number in points:
                points[number].append(Point(seconds(line.get("timestamp")), wh(line.get("value"))))
            case "StopTransaction" if number in points:
                points[number].append(Point(seconds(line.get("timestamp")), wh(line.get("meterStop"))))
                over.add(number)
    charges = [
        Charge(transaction_id=number, identifier=stations[number], points=tuple(read), told_end=number in over)
        for number, read in points.items()
    ]
    return charges, []


def seconds(text: Any) -> Any:
    """As it is written where it is no time with a zone: a rule says so."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return text
    return int(at.timestamp()) if at.tzinfo is not None else text


def wh(text: Any) -> Any:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 19 else text
