"""Jobs over split roles: one process has the stations, another the files; they meet in the history only."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.end_to_end.client import Station
from tests.end_to_end.server import Server
from tests.end_to_end.transfer import IMAGE, begun, bring, download, job, report, report_log, upload


async def test_a_gateway_hears_what_an_api_process_serves(postgres: str, tmp_path: Path) -> None:
    files = str(tmp_path / "files")
    with ExitStack() as stack:
        gateway = stack.enter_context(Server(postgres, "--role", "gateway", "--role", "projector"))
        first = stack.enter_context(Server(postgres, "--role", "api", BORNIER_FILES=files))
        second = stack.enter_context(
            Server(postgres, "--role", "api", BORNIER_FILES=files, BORNIER_PUBLIC_URL=first.http)
        )
        async with Station(gateway.ocpp, "SPLIT", "2.0.1") as station:
            await station.boot()
            update, payload = await begun(first, station, "updateFirmware", file=await bring(second))
            await report(station, "Downloading", payload)
            assert await download(payload) == IMAGE
            await report(station, "Installed", payload)
            log, payload = await begun(second, station, "getLog")
            await upload(payload)
            await report_log(station, "Uploaded", payload)
            assert (await job(second, update, "INSTALLED"))["percent"] == 100
            received = (await job(first, log, "UPLOADED"))["fileId"]
    assert (tmp_path / "files" / received).read_bytes() == b"line\n" * 100
