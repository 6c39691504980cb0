"""The database goes away under the fleet and comes back: nobody is answered meanwhile, and everybody afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

from api.bench import database
from api.bench.fleet import at_work, grid, reckon
from api.bench.option import Options
from api.bench.report import Result, figure
from api.bench.throughput import catch_up

AFTER_S = 30.0


def measure(options: Options, tell: Callable[[str], None]) -> Result:
    """On a PostgreSQL server of its own, which is stopped and started."""
    with database.embedded() as postgres, at_work(postgres.url, options, tell) as site:
        before = site.fleet.wish("live", AFTER_S / options.tempo)
        tell("outage: PostgreSQL is stopped")
        began = time.perf_counter()
        postgres.stop()
        site.fleet.wish("live")  # what was under way is told
        away = site.fleet.wish("live", options.away_s)
        postgres.start()
        away_s = time.perf_counter() - began
        tell("outage: PostgreSQL is back")
        after = site.fleet.wish("live", AFTER_S)
        lag_s = catch_up(site.url)
        return Result(
            measurement="outage",
            database=database.kind(postgres.url),
            figures=[
                figure("PostgreSQL was away for", "s", [away_s]),
                figure("answers while it was away", "", [away.all.calls]),
                figure("first answer after it was back", "s", [after.first_answer_s or AFTER_S]),
                figure("connections lost", "", [away.lost + after.lost]),
                figure("calls unanswered", "", [away.unanswered + after.unanswered]),
                figure("answer p99 before", "ms", [before.all.p99_ms]),
                figure("slowest answer, the outage in it", "ms", [after.all.max_ms]),
                figure("read models caught up after", "s", [lag_s]),
            ],
            grids=[grid("Answers in the half minute after the outage", after)],
            checks={
                "nobody was answered without a database": away.all.calls == 0,
                "service resumed by itself": after.first_answer_s is not None,
                "every station is connected in the end": after.connected == options.fleet,
                "every call was answered in the end": not away.unanswered + after.unanswered,
                "no call was refused": not (away.refusals or after.refusals),
                **reckon(site),
            },
        )
