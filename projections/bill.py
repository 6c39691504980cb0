"""Bills: what does each finished charge cost, who pays, and what does it mean for the employee?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    func,
    select,
)

from domain.bill import Account, Bill
from projections.change import Changes
from projections.projection import Projection
from projections.table import METADATA, Money, UtcTime

ACCOUNT = Account.__struct_fields__
TOTALS = ("excl_vat", "vat", "incl_vat", "energy_kwh")
BILL = Table(
    "bill",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("station_id", Text),
    Column("month", Text),
    Column("withheld", Boolean),
    Column("code", Text),
    Column("reason", Text),
    Column("released_reason", Text),
    Column("number", Integer),
    *(Column(name, Text) for name in ACCOUNT),
    Column("position", BigInteger),
    Index("bill_by_month", "month", "id"),
)
RATING = Table(
    "rating",
    METADATA,
    Column("bill_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("station_id", Text),
    Column("month", Text),
    *(Column(name, Text) for name in ACCOUNT),
    Column("tariff_id", Text),
    Column("tariff_version", Integer),
    Column("currency", Text),
    *(Column(name, Money) for name in TOTALS),
    Column("price", JSON),
    Column("begin", UtcTime),
    Column("end", UtcTime),
    Column("rated_at", UtcTime),
    Column("first_position", BigInteger),
    Column("last_position", BigInteger),
    Column("heard", BigInteger),
    Column("credited_at", UtcTime),
    Column("credit_reason", Text),
    Column("invoice_id", Text),
    Column("credit_note_id", Text),
    Column("reimbursed_driver_id", Text),
    Column("allowance_id", Text),
    Column("rate", Money),
    Column("reimbursement", Money),
    Column("reimbursement_basis", Text),
    Column("benefit_driver_id", Text),
    Column("benefit_cost", Money),
    Column("benefit_value", Money),
    Column("benefit_rule_id", Text),
    Column("benefit_basis", Text),
    Column("benefit_starts_on", Date),
    Column("benefit_ends_on", Date),
    Column("position", BigInteger),
    Index("rating_by_month", "month", "bill_id", "number"),
)
LINE = Table(
    "bill_line",
    METADATA,
    Column("bill_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("station_id", Text),
    Column("subject", Text),
    Column("quantity", Money),
    Column("measured", Money),
    Column("unit", Text),
    Column("unit_price", Money),
    Column("vat_percent", Money),
    Column("excl_vat", Money),
    Column("vat", Money),
    Column("incl_vat", Money),
    Column("begin", UtcTime),
    Column("end", UtcTime),
)
WRITTEN = (
    "subject", "quantity", "measured", "unit", "unit_price", "vat_percent", "excl_vat", "vat", "incl_vat", "begin",
    "end",
)  # fmt: skip


def rated(changes: Changes, event: Bill.Rated, position: int) -> None:
    price, source = event.price, event.source
    account = {name: getattr(event.account, name) for name in ACCOUNT}
    place = {"station_id": source.station_id, "month": source.month}
    changes.put(
        "bill", (event.transaction_id,), withheld=False, code=None, reason=None, number=event.number,
        position=position, **account, **place,
    )  # fmt: skip
    names = ("tariff_id", "tariff_version", "currency", *TOTALS, "begin", "end")
    changes.put(
        "rating",
        (event.transaction_id, event.number),
        price=msgspec.json.decode(msgspec.json.encode(price)),
        rated_at=event.recorded_at,
        first_position=source.first_position,
        last_position=source.last_position,
        heard=event.heard,
        position=position,
        **{name: getattr(price, name) for name in names},
        **account,
        **place,
    )
    for number, line in enumerate(price.lines, 1):
        written = {name: getattr(line, name) for name in WRITTEN}
        changes.put("bill_line", (event.transaction_id, event.number, number), station_id=source.station_id, **written)


def withheld(changes: Changes, event: Bill.Withheld, position: int) -> None:
    changes.put(
        "bill", (event.transaction_id,), station_id=event.source.station_id, month=event.source.month, withheld=True,
        code=event.code, reason=event.reason, number=None, position=position,
    )  # fmt: skip


def released(changes: Changes, event: Bill.Released, position: int) -> None:
    changes.put("bill", (event.transaction_id,), released_reason=event.reason, position=position)


def credited(changes: Changes, event: Bill.Credited, position: int) -> None:
    taken = {"credited_at": event.recorded_at, "credit_reason": event.reason, "position": position}
    changes.put("rating", (event.transaction_id, event.number), **taken)


def valued(changes: Changes, event: Bill.Valued, position: int) -> None:
    back, benefit = event.reimbursement, event.benefit
    changes.put(
        "rating",
        (event.transaction_id, event.number),
        reimbursed_driver_id=back.driver_id if back else None,
        allowance_id=back.allowance_id if back else None,
        rate=back.rate if back else None,
        reimbursement=back.amount if back else None,
        reimbursement_basis=back.legal_basis if back else None,
        benefit_driver_id=benefit.driver_id if benefit else None,
        benefit_cost=benefit.cost if benefit else None,
        benefit_value=benefit.value if benefit else None,
        benefit_rule_id=benefit.rule_id if benefit else None,
        benefit_basis=benefit.legal_basis if benefit else None,
        benefit_starts_on=benefit.starts_on if benefit else None,
        benefit_ends_on=benefit.ends_on if benefit else None,
        position=position,
    )


def invoiced(changes: Changes, event: Bill.Invoiced, position: int) -> None:
    changes.put("rating", (event.transaction_id, event.number), invoice_id=event.invoice_id, position=position)


def deducted(changes: Changes, event: Bill.Deducted, position: int) -> None:
    key = (event.transaction_id, event.number)
    if event.again:
        changes.put("rating", key, invoice_id=None, position=position)
    else:
        changes.put("rating", key, credit_note_id=event.invoice_id, position=position)


PROJECTION = Projection(
    name="bill",
    tables={"bill": BILL, "rating": RATING, "bill_line": LINE},
    handlers={
        Bill.Rated: rated,
        Bill.Withheld: withheld,
        Bill.Released: released,
        Bill.Credited: credited,
        Bill.Valued: valued,
        Bill.Invoiced: invoiced,
        Bill.Deducted: deducted,
    },
)


def by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(select(BILL).where(BILL.c.id.in_(ids)))}


def ratings(connection: Connection, ids: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """The ratings of some bills, the first one first."""
    found: dict[str, list[Row[Any]]] = {bill_id: [] for bill_id in ids}
    query = select(RATING).where(RATING.c.bill_id.in_(ids)).order_by(RATING.c.bill_id, RATING.c.number)
    for row in connection.execute(query):
        found[row.bill_id].append(row)
    return found


def bills(
    month: str | None = None,
    payer_id: str | None = None,
    driver_id: str | None = None,
    station_id: str | None = None,
    withheld: bool | None = None,
) -> Select[Any]:
    """Bills in the order of their ids."""
    query = select(BILL)
    wanted = {"month": month, "payer_id": payer_id, "driver_id": driver_id, "station_id": station_id}
    for name, value in (wanted | {"withheld": withheld}).items():
        if value is not None:
            query = query.where(BILL.c[name] == value)
    return query


def reimbursements(month: str | None, driver_id: str | None) -> Select[Any]:
    """What each driver gets back, month by month, by allowance."""
    it = RATING.c
    keys = (it.reimbursed_driver_id, it.month, it.allowance_id, it.rate, it.currency, it.reimbursement_basis)
    sums = (
        func.count().label("charges"),
        func.sum(it.energy_kwh).label("energy_kwh"),
        func.sum(it.reimbursement).label("amount"),
    )
    return reported(select(*keys, *sums), it.reimbursed_driver_id, month, driver_id).group_by(*keys).order_by(*keys)


def benefits(month: str | None, driver_id: str | None) -> Select[Any]:
    """What charges paid by the employer count for, month by month, by rule."""
    it = RATING.c
    keys = (
        it.benefit_driver_id, it.month, it.benefit_rule_id, it.currency, it.benefit_basis, it.benefit_starts_on,
        it.benefit_ends_on,
    )  # fmt: skip
    sums = (
        func.count().label("charges"),
        func.sum(it.energy_kwh).label("energy_kwh"),
        func.sum(it.benefit_cost).label("cost"),
        func.sum(it.benefit_value).label("value"),
    )
    return reported(select(*keys, *sums), it.benefit_driver_id, month, driver_id).group_by(*keys).order_by(*keys)


def reported(query: Select[Any], driver: Any, month: str | None, driver_id: str | None) -> Select[Any]:
    """Ratings that count; `month` may be a year."""
    query = query.where(driver.is_not(None), RATING.c.credited_at.is_(None))
    if month is not None:
        query = query.where(RATING.c.month.startswith(month, autoescape=True))
    return query.where(driver == driver_id) if driver_id is not None else query
