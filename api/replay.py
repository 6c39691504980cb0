"""What if: real charges rated again under another tariff, and what each customer would have paid."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

from api.bootstrap.privacy import opened
from api.bootstrap.tariff import READ
from api.settings import Settings
from application.history import History
from application.price import Offer, Pricebook, Prices, Tally, Version
from domain.price import Priced, Unpriced
from domain.tariff import Terms
from domain.usage import Facts
from projections import transaction
from projections.page import cursor

By = Literal["badge", "group", "station", "site"]
Form = Literal["table", "json", "csv"]
Progress = Callable[[int, int], None]
PAGE = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r")
ZERO = Decimal(0)


@dataclass(frozen=True)
class Question:
    """Which charges, under which tariff, told by whom. `instead_of`: only charges of this tariff."""

    tariff_id: str
    terms: Terms
    since: datetime | None
    to: datetime | None
    by: By = "group"
    instead_of: str | None = None


@dataclass
class Row:
    """What one customer paid and would have paid, in the currency of the other tariff."""

    customer: str
    charges: int = 0
    energy_kwh: Decimal = ZERO
    before_excl_vat: Decimal = ZERO
    after_excl_vat: Decimal = ZERO
    before_incl_vat: Decimal = ZERO
    after_incl_vat: Decimal = ZERO
    unpriced_before: int = 0
    quarantined: int = 0

    @property
    def difference_excl_vat(self) -> Decimal:
        return self.after_excl_vat - self.before_excl_vat

    @property
    def difference_incl_vat(self) -> Decimal:
        return self.after_incl_vat - self.before_incl_vat

    def add(self, before: Priced | Unpriced, after: Priced | Unpriced) -> None:
        """One charge. Without a price before, or in another currency, it counts as 0 before, and is counted."""
        self.charges += 1
        if isinstance(after, Unpriced):
            self.quarantined += 1
            return
        self.energy_kwh += after.energy_kwh
        self.after_excl_vat += after.excl_vat
        self.after_incl_vat += after.incl_vat
        if isinstance(before, Unpriced) or before.currency != after.currency:
            self.unpriced_before += 1
            return
        self.before_excl_vat += before.excl_vat
        self.before_incl_vat += before.incl_vat

    def join(self, other: Row) -> None:
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in COLUMNS}


NUMBERS = (
    "charges", "energy_kwh", "before_excl_vat", "after_excl_vat", "before_incl_vat", "after_incl_vat",
    "unpriced_before", "quarantined",
)  # fmt: skip
COLUMNS = (
    "customer", "charges", "energy_kwh", "before_excl_vat", "after_excl_vat", "difference_excl_vat",
    "before_incl_vat", "after_incl_vat", "difference_incl_vat", "unpriced_before", "quarantined",
)  # fmt: skip


@dataclass
class Replay:
    """The answer: customers with the largest difference first, and all of them together."""

    currency: str
    rows: dict[str, Row] = field(default_factory=dict)
    still_open: int = 0

    @property
    def sorted(self) -> list[Row]:
        return sorted(self.rows.values(), key=lambda row: (-abs(row.difference_incl_vat), row.customer))

    @property
    def total(self) -> Row:
        made = Row("total")
        for row in self.rows.values():
            made.join(row)
        return made


def replay(settings: Settings, question: Question, progress: Progress) -> Replay:
    """Rate every charge that began in the time and is over, as it was and as it would be."""
    with opened(settings) as here:
        book = Pricebook(here.history, settings.time_zone)
        book.load()
        prices, found = Prices(here.history, book), Replay(question.terms.currency)
        with here.engine.connect() as connection:
            charges = transaction.count(connection, since=question.since, until=question.to)
            for number, row in enumerate(started(connection, question), 1):
                progress(number, charges)
                if row.ended_at is None:
                    found.still_open += 1
                else:
                    consider(found, question, prices, here.history, row.id)
    return found


def started(connection: Connection, question: Question) -> Iterator[Any]:
    """The charges that began in the time, page by page."""
    after = None
    while True:
        page = transaction.transactions(connection, PAGE, after, since=question.since, until=question.to)
        yield from page.rows
        if not page.more:
            return
        after = cursor(page.rows[-1].started_at, page.rows[-1].id)


def consider(found: Replay, question: Question, prices: Prices, history: History, transaction_id: str) -> None:
    """One charge that is over."""
    facts = prices.facts(transaction_id)
    tally = Tally(facts, prices.hold(facts))
    before = prices.rate(tally)
    if question.instead_of is not None and not under(before, question.instead_of):
        return
    after = prices.rate(tally, lambda facts: other(prices.book, question, facts))
    customer = customer_of(prices.book, question.by, facts)
    found.rows.setdefault(customer, Row(customer)).add(before, after)


def under(found: Priced | Unpriced, tariff_id: str) -> bool:
    return isinstance(found, Priced) and found.tariff_id == tariff_id


def other(book: Pricebook, question: Question, facts: Facts) -> Offer:
    """The other tariff, by the clock of the site."""
    assert facts.began_at is not None
    return book.offered(question.tariff_id, Version(0, question.terms), facts.station_id, facts.began_at)


def customer_of(book: Pricebook, by: By, facts: Facts) -> str:
    assert facts.began_at is not None
    told = {
        "badge": facts.badge,
        "group": book.group(facts.badge, facts.began_at),
        "station": facts.station_id,
        "site": book.site(facts.station_id, facts.began_at),
    }
    return told[by] or f"(no {by})"


def question_of(file: bytes, since: datetime | None, to: datetime | None, by: str, instead_of: str | None) -> Question:
    """What somebody typed. Raises ValueError."""
    if by not in get_args(By):
        raise ValueError(f"--by must be one of {', '.join(get_args(By))}, not {by!r}")
    if since is not None and to is not None and since >= to:
        raise ValueError("--from must be before --to")
    tariff_id, terms = READ(file)
    return Question(tariff_id or "(file)", terms, since, to, by, instead_of)  # type: ignore[arg-type]


def show(found: Replay, form: Form, by: str) -> None:
    """On stdout: for people, or for programs."""
    rows, total = found.sorted, found.total
    if form == "json":
        shape = {"currency": found.currency, "still_open": found.still_open}
        body = shape | {"rows": [row.values() for row in rows], "total": total.values()}
        print(json.dumps(body, default=str, ensure_ascii=False))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\r\n")
        writer.writerow([by, *COLUMNS[1:]])
        writer.writerows([harmless(row.customer), *list(row.values().values())[1:]] for row in [*rows, total])
    else:
        print_table(found, [*rows, total], by)


def harmless(text: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def print_table(found: Replay, rows: Sequence[Row], by: str) -> None:
    titles = (by, "charges", "kWh", f"{found.currency} before", "after", "difference", "unpriced", "quarantined")
    table = Table(*titles[:1], title="With VAT", title_justify="left")
    for title in titles[1:]:
        table.add_column(title, justify="right")
    for row in rows:
        amounts = (row.before_incl_vat, row.after_incl_vat)
        table.add_row(
            row.customer, f"{row.charges:,}", f"{row.energy_kwh:,.3f}", *(f"{amount:,.2f}" for amount in amounts),
            f"{row.difference_incl_vat:+,.2f}", f"{row.unpriced_before:,}", f"{row.quarantined:,}",
            end_section=row is rows[-2] if len(rows) > 1 else False,
        )  # fmt: skip
    Console(soft_wrap=True).print(table)
    if found.still_open:
        print(f"{found.still_open:,} charges are not over, and are left out")
