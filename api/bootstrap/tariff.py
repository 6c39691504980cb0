"""How tariffs come in and go out: as OCPI documents."""

from __future__ import annotations

from adapters.ocpi import tariff as ocpi
from application.tariff import Read, Write

READ: Read = ocpi.read
WRITE: Write = ocpi.write
