"""QualiCharge by hand: what would be told and what is wrong with it, or everything told now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from api.bootstrap.privacy import opened
from api.bootstrap.qualicharge import client_of, outbox_of, surveyor, terms_of
from api.settings import Settings
from application.journal import Journal
from domain.quality import Finding, park_findings, session_broken, static_broken
from migrations.migrate import upgrade
from projections import qualicharge

DAYS = 31


class Fault(NamedTuple):
    """A rule that something breaks. `gates`: it would not be sent."""

    gates: bool
    rule: str
    subject: str
    words: str


def check(settings: Settings) -> list[Fault]:
    """Everything that is declared and everything of the last month, held to all rules; nothing is sent."""
    upgrade(settings.database)
    now, limits = datetime.now(UTC), terms_of(settings).limits
    with opened(settings) as here:
        survey = surveyor(settings, here.engine)(now)
        faults = [
            Fault(True, rule, spot.point, words)
            for spot in survey.spots
            for rule, words in (*static_broken(spot.record, now.date()), *(("0", gap) for gap in spot.gaps))
        ]
        for charge in survey.charges:
            told = {"id_pdc_itinerance": charge.point, "start": charge.started_at.isoformat(),
                    "end": charge.ended_at.isoformat(), "energy": charge.energy_kwh}  # fmt: skip
            broken = session_broken(told, now, limits)
            faults += [Fault(True, rule, f"transaction {charge.transaction_id}", words) for rule, words in broken]
        with here.engine.connect() as connection:
            found = qualicharge.findings(connection, now - timedelta(days=DAYS), now)
        park = list(park_findings([spot.record for spot in survey.spots], {}, now))
        return faults + [fault(each) for each in dict.fromkeys([*park, *found])]


def fault(finding: Finding) -> Fault:
    at = f" ({finding.at:%Y-%m-%d %H:%M}Z)" if finding.at else ""
    return Fault(False, finding.rule, finding.point or "the park", finding.words + at)


async def send(settings: Settings, advance: Callable[[int], None]) -> dict[str, int]:
    """Tell now what waits, until nothing does or QualiCharge is not well; returns what became of it, by fate."""
    if not settings.qualicharge_url:
        raise ValueError("BORNIER_QUALICHARGE_URL does not say where QualiCharge is")
    upgrade(settings.database)
    with opened(settings) as here:
        client, journal = client_of(settings), Journal(here.store.recorder, here.store.mapper, here.history.advance)
        journal.start()
        try:
            outbox = outbox_of(settings, here.engine, journal, here.history, client)
            before = here.history.head()
            await outbox.round()
            advance(len(outbox.open))
            fates: dict[str, int] = {}
            for row in here.history.read(before, 1_000_000):
                if row.stream.startswith("qualicharge/"):
                    fates[row.topic.split(".")[1]] = fates.get(row.topic.split(".")[1], 0) + 1
            return fates
        finally:
            await journal.stop()
            await client.close()
