"""The reconnect storm: every line breaks in the same instant, and everybody wants to come back at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from api.bench import database
from api.bench.crowd import Report
from api.bench.fleet import MEGA, Gauge, Site, at_work, grid, reckon
from api.bench.option import Options
from api.bench.report import Figure, Result, figure
from api.bench.throughput import catch_up

CALM_S = 20.0


def measure(place: str, options: Options, tell: Callable[[str], None]) -> Result:
    """Twice: the network fails while the server lives on, and the server is killed and started again."""
    with at_work(place, options, tell) as site:
        tell(f"storm on {database.kind(place)}: the network is cut")
        with Gauge(site.server, site.url) as gauge:
            cut = site.fleet.wish("cut")
        cut_lag_s, cut_peak = catch_up(site.url), max(gauge.memory["gateway"])
        site.fleet.wish("live", CALM_S / options.tempo)
        tell(f"storm on {database.kind(place)}: the server is killed")
        killed, down_s, kill_peak = kill(site)
        kill_lag_s = catch_up(site.url)
        after = site.fleet.wish("live", CALM_S / options.tempo)
        return Result(
            measurement="storm",
            database=database.kind(place),
            figures=[
                *figures("network cut", cut, cut_lag_s, cut_peak),
                figure("server killed: listens again after", "s", [down_s]),
                *figures("server killed", killed, kill_lag_s, kill_peak),
            ],
            grids=[grid("Network cut", cut), grid("Server killed", killed)],
            checks={
                "everybody came back": all(each.connected == options.fleet for each in (cut, killed, after)),
                "every call was answered": not any(each.unanswered for each in (cut, killed, after)),
                "no call was refused": not any(each.refusals for each in (cut, killed, after)),
                **reckon(site),
            },
        )


def kill(site: Site) -> tuple[Report, float, int]:
    """SIGKILL, and the same command again."""
    site.fleet.wish("expect")
    began = time.perf_counter()
    site.server.kill()
    site.server.again()
    down_s = time.perf_counter() - began
    with Gauge(site.server, site.url) as gauge:
        seen = site.fleet.wish("back")
    return seen, down_s, max(gauge.memory["gateway"])


def figures(what: str, seen: Report, lag_s: float, peak_bytes: int) -> Iterator[Figure]:
    half, most, everybody = seen.back_s
    yield figure(f"{what}: half are back and booted after", "s", [half])
    yield figure(f"{what}: 99 % are back and booted after", "s", [most])
    yield figure(f"{what}: all are back and booted after", "s", [everybody])
    yield figure(f"{what}: handshakes turned away meanwhile", "", [sum(seen.denials.values())])
    yield figure(f"{what}: answer p50", "ms", [seen.all.p50_ms])
    yield figure(f"{what}: answer p99", "ms", [seen.all.p99_ms])
    yield figure(f"{what}: gateway memory, most", "MB", [peak_bytes / MEGA])
    yield figure(f"{what}: read models caught up after", "s", [lag_s])
    yield figure(f"{what}: load generator CPU", "% of a core", [seen.cpu_share * 100])
