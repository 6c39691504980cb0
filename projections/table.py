"""Tables of the read side: one metadata, times in UTC on every database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, Numeric, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

METADATA = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """A point in time: aware and UTC in Python, whatever the database thinks of time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount: a number where the database has exact ones, on SQLite a text that reads as one."""

    impl = Numeric(24, 6)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric(24, 6))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return f"{value:f}" if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        """A sum of texts is a float: its noise is cut off far beyond the last digit that counts."""
        if value is None:
            return None
        exact = Decimal(str(round(value, 6) if isinstance(value, float) else value)).normalize()
        cents = exact.as_tuple().exponent
        return exact.quantize(Decimal("0.01")) if isinstance(cents, int) and cents > -2 else exact
