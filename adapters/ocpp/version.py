"""The versions of OCPP that Bornier speaks, the best first: each is a folder, whose files are its parts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from adapters.ocpp import v16, v21, v201
from adapters.ocpp.dialect import Dialect, compose


def parts(folder: ModuleType) -> Iterator[ModuleType]:
    """Every file of a folder."""
    for file in iter_modules(folder.__path__):
        yield import_module(f"{folder.__name__}.{file.name}")


DIALECTS: dict[str, Dialect] = {
    "ocpp2.1": compose("2.1", *parts(v201), *parts(v21)),
    "ocpp2.0.1": compose("2.0.1", *parts(v201)),
    "ocpp1.6": compose("1.6", *parts(v16), admits_pending=True),
}
"""Sub-protocol → dialect. OCPP 2.1 is 2.0.1 and what was added or changed."""
