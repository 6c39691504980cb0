"""How declarations come in: as files of schema-irve."""

from __future__ import annotations

from adapters.irve import sheet
from application.irve import Read

READ: Read = sheet.read
