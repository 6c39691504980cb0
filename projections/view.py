"""Views: the datasets in SQL, for BI tools and for whoever would rather ask the database.

`archive_transactions` is the dataset `transactions`; names and columns are the promises of `docs/export.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Dialect, inspect, text

from projections.dataset import DATASETS, Dataset, Window, query

GRANTS = """
SELECT r.rolname, a.privilege_type
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
WHERE c.oid = CAST(:name AS regclass) AND a.grantee <> c.relowner
"""


class Grant(NamedTuple):
    """Who may do what with a view."""

    view: str
    role: str
    right: str


def name_of(dataset: Dataset) -> str:
    return f"archive_{dataset.name}"


@contextmanager
def aside(connection: Connection) -> Iterator[None]:
    """Without the views for the length of a block, in one transaction: a table they show is about to change places.

    Whom somebody gave rights on them (PostgreSQL) has them afterwards, too.
    """
    grants = [grant for name in present(connection) for grant in granted(connection, name)]
    drop(connection)
    yield
    create(connection)
    for grant in grants:
        connection.execute(text(f'GRANT {grant.right} ON {grant.view} TO "{grant.role}"'))


def create(connection: Connection) -> None:
    """The views that are not there."""
    there = present(connection)
    for dataset in DATASETS.values():
        if name_of(dataset) not in there:
            connection.exec_driver_sql(definition(connection.dialect, dataset))


def definition(dialect: Dialect, dataset: Dataset) -> str:
    """The statement that makes a view, in the words of this database."""
    asked = query(dataset, Window()).order_by(None)
    told = asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return f"CREATE VIEW {name_of(dataset)} AS {told}".replace("%%", "%")


def drop(connection: Connection) -> None:
    for name in present(connection):
        connection.execute(text(f"DROP VIEW {name}"))


def present(connection: Connection) -> list[str]:
    """Our views that are there."""
    known = {name_of(dataset) for dataset in DATASETS.values()}
    return sorted(known.intersection(inspect(connection).get_view_names()))


def granted(connection: Connection, name: str) -> list[Grant]:
    if connection.dialect.name != "postgresql":
        return []
    return [Grant(name, role, right) for role, right in connection.execute(text(GRANTS), {"name": name})]
