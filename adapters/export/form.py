"""How an export is written: separators, decimal sign, encoding, time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any, BinaryIO, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from projections.dataset import Field

Batches = Iterable[Sequence[Sequence[Any]]]
OPTIONS = ("preset", "delimiter", "decimal", "encoding", "timezone")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "iso-8859-15", "utf-16")


class Format(Protocol):
    """A file format: writes rows as they come, at constant memory."""

    def __call__(self, batches: Batches, columns: Sequence[Field], form: Form, sink: BinaryIO) -> None: ...


@dataclass(frozen=True)
class Form:
    """`delimiter`, `decimal` and `encoding` are for CSV; JSONL and Parquet are UTF-8 with times in UTC."""

    delimiter: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    zone: tzinfo = UTC
    plain_times: bool = False

    @classmethod
    def chosen(cls, options: Mapping[str, str]) -> Form:
        """A preset (`excel-fr`: what a French Excel opens by double click), and what was chosen by name.

        Raises ValueError in words of the option.
        """
        unknown = options.keys() - OPTIONS
        if unknown:
            raise ValueError(f"there is no option {sorted(unknown)[0]!r}: {', '.join(OPTIONS)}")
        preset = options.get("preset", "plain")
        if preset not in PRESETS:
            raise ValueError(f"there is no preset {preset!r}: {', '.join(PRESETS)}")
        given: dict[str, Any] = {name: options[name] for name in ("decimal", "encoding") if name in options}
        if "delimiter" in options:
            given["delimiter"] = DELIMITERS.get(options["delimiter"], options["delimiter"])
        if "timezone" in options:
            given["zone"] = zone(options["timezone"])
        made = replace(PRESETS[preset], **given)
        made.check()
        return made

    def check(self) -> None:
        if self.delimiter not in (*DELIMITERS.values(), "|"):
            raise ValueError(f"{self.delimiter!r} is no delimiter: comma, semicolon, tab or |")
        if self.decimal not in (".", ","):
            raise ValueError("the decimal sign is a point or a comma")
        if self.decimal == self.delimiter:
            raise ValueError("decimal sign and delimiter must differ")
        if self.encoding not in ENCODINGS:
            raise ValueError(f"there is no encoding {self.encoding!r}: {', '.join(ENCODINGS)}")


def zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}: say it like Europe/Paris") from None


PRESETS = {
    "plain": Form(),
    "excel-fr": Form(delimiter=";", decimal=",", encoding="utf-8-sig", zone=ZoneInfo("Europe/Paris"), plain_times=True),
}


def counted(batches: Batches, advance: Callable[[int], None]) -> Iterator[Sequence[Sequence[Any]]]:
    """Tell how many rows have gone by."""
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        advance(done)
