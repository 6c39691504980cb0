"""What a simulated station does when it is asked: action → answer, for each version of OCPP."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from adapters.simulator import (
    badge,
    certificate,
    customer,
    der,
    device,
    display,
    firmware,
    log,
    monitor,
    order,
    pricelist,
    profile,
    reservation,
    stream,
    swap,
    transaction,
)
from adapters.simulator.vocabulary import Payload

if TYPE_CHECKING:
    from adapters.simulator.station import Station

Obey = Callable[["Station", Payload], Payload]
PARTS = (
    order, transaction, device, monitor, profile, reservation, badge, firmware, log, certificate, display, customer,
    pricelist, der, stream, swap,
)  # fmt: skip


def table(name: str, parts: tuple[ModuleType, ...] = PARTS) -> dict[str, Obey]:
    return {action: obey for part in parts for action, obey in getattr(part, name, {}).items()}


TABLES: dict[str, dict[str, Obey]] = {
    "1.6": table("OBEY16"),
    "2.0.1": table("OBEY201"),
    "2.1": table("OBEY201") | table("OBEY21"),
}
