"""The command `bornier`."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api import log
from api.moment import moment
from api.settings import Role, Settings
from domain.event import Refusal

cli = typer.Typer(
    name="bornier",
    help="Bornier: an event-sourced charging-station management system.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Database = Annotated[
    str | None, typer.Option("--database", envvar="BORNIER_DATABASE", help="sqlite:///path or postgresql://…")
]
errors = Console(stderr=True)
TROUBLE = 2
T = TypeVar("T")


def main() -> None:
    """Run the command; bad input and missing services end with one clear line, not with a traceback."""
    try:
        cli()
    except Exception as error:
        if (reason := reason_of(error)) is None:
            raise
        fail(reason)


def reason_of(error: Exception) -> str | None:
    """What is wrong, in a line; None for a fault of ours, whose traceback is needed."""
    if isinstance(error, ValueError | OSError):
        return str(error)
    if type(error).__module__.split(".")[0] in ("eventsourcing", "psycopg", "sqlalchemy", "sqlite3"):
        return f"the database does not answer: {str(error).strip().splitlines()[0]}"
    return None


def fail(reason: str, code: int = 1) -> None:
    print(f"bornier: {reason}", file=sys.stderr)
    sys.exit(code)


@cli.command()
def run(
    database: Database = None,
    host: Annotated[str | None, typer.Option(help="Address both listeners bind (BORNIER_HOST).")] = None,
    ocpp_port: Annotated[int | None, typer.Option(help="OCPP port, 0 for a free one (BORNIER_OCPP_PORT).")] = None,
    http_port: Annotated[int | None, typer.Option(help="HTTP port, 0 for a free one (BORNIER_HTTP_PORT).")] = None,
    admin_token: Annotated[str | None, typer.Option(help="Token with every right (BORNIER_ADMIN_TOKEN).")] = None,
    unknown_stations: Annotated[
        str | None, typer.Option(help="accept, pending or reject (BORNIER_UNKNOWN_STATIONS).")
    ] = None,
    unknown_badges: Annotated[str | None, typer.Option(help="accept or reject (BORNIER_UNKNOWN_BADGES).")] = None,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers of the relay (BORNIER_KAFKA).")] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(help="gateway, projector, api or relay; repeatable; default all. Needs PostgreSQL."),
    ] = None,
) -> None:
    """The CSMS: OCPP on port 9000, HTTP on port 8000. Stops cleanly on SIGTERM and SIGINT."""
    from api.bootstrap.run import EVERYTHING
    from api.limit import open_all

    open_all()
    settings = Settings.load(
        database=database,
        host=host,
        ocpp_port=ocpp_port,
        http_port=http_port,
        admin_token=admin_token,
        unknown_stations=unknown_stations,
        unknown_badges=unknown_badges,
        kafka=kafka,
    )
    log.configure(settings.log_level, settings.secrets)
    roles = frozenset(known_role(name) for name in role) if role else EVERYTHING
    loop(lambda: serve(settings, roles))


def known_role(name: str) -> Role:
    if name not in ("gateway", "projector", "api", "relay"):
        raise ValueError(f"there is no role {name!r}: gateway, projector, api or relay")
    return name  # type: ignore[return-value]


async def serve(settings: Settings, roles: frozenset[Role]) -> None:
    """Run until told to stop, or until a part of it fails."""
    from api.bootstrap.run import running

    stop = stopping()
    async with running(settings, roles) as process:
        if "api" in roles and settings.token_is_new:
            print(
                f"admin token (new at every start; set BORNIER_ADMIN_TOKEN to keep one): {settings.admin_token}",
                file=sys.stderr,
            )
        print(process.ready_line, flush=True)
        await asyncio.wait([asyncio.create_task(stop.wait()), asyncio.create_task(process.failed.wait())],
                           return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
    if process.failed.is_set():
        raise OSError("a part of the process failed; see the log")


@cli.command()
def demo(
    stations: Annotated[int, typer.Option(help="How many simulated stations.", min=1, max=2000)] = 9,
    database: Database = None,
    ocpp_port: Annotated[int | None, typer.Option(help="OCPP port, 0 for a free one.")] = None,
    http_port: Annotated[int | None, typer.Option(help="HTTP port, 0 for a free one.")] = None,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
) -> None:
    """The CSMS with a simulated fleet that really speaks OCPP 1.6, 2.0.1 and 2.1 to it."""
    from api.demo import show

    log.configure("WARNING")
    settings = Settings.load(
        database=database or "sqlite:///bornier-demo.db",
        ocpp_port=ocpp_port,
        http_port=http_port,
        unknown_stations="accept",
        unknown_badges="accept",
        security_profile="0",
    )
    loop(lambda: show(settings, stations, duration, stopping()))


@cli.command()
def simulate(
    url: Annotated[
        str, typer.Argument(help="ws://host:port/ocpp of any CSMS; the station id is appended.")
    ] = "ws://127.0.0.1:9000/ocpp",
    stations: Annotated[int, typer.Option(help="How many stations.", min=1, max=20_000)] = 3,
    version: Annotated[list[str] | None, typer.Option(help="1.6, 2.0.1 or 2.1; repeatable; all when absent.")] = None,
    speed: Annotated[
        float,
        typer.Option(
            help="How much smaller the batteries are, so that a charge ends sooner; with --replay: how much faster.",
            min=0.001,
        ),
    ] = 60,
    duration: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 1,
    password: Annotated[str | None, typer.Option(help="HTTP Basic password of every station.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="A trace (bornier events --as-ocpp) to play; exit 1 if answers differ.")
    ] = None,
) -> None:
    """The simulated fleet alone, against any CSMS; or a recorded conversation again."""
    from api.demo import drive, play

    log.configure("WARNING")
    if not url.startswith(("ws://", "wss://")):
        raise ValueError(f"{url!r} is not a ws:// or wss:// address")
    if replay is not None:
        lines = replay.read_text("utf-8").splitlines()
        if not loop(lambda: play(url, lines, speed, password, stopping())):
            sys.exit(1)
        return
    versions = tuple(version or ("1.6", "2.0.1", "2.1"))
    for name in versions:
        if name not in ("1.6", "2.0.1", "2.1"):
            raise ValueError(f"there is no OCPP {name!r} here: 1.6, 2.0.1 or 2.1")
    loop(lambda: drive(url, stations, versions, speed, seed, password, duration, stopping()))


@cli.command()
def events(
    database: Database = None,
    stream: Annotated[str | None, typer.Option(help="Only this stream, such as station/CP001.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; repeatable.")] = None,
    after: Annotated[int, typer.Option(help="Begin after this position.", min=0)] = 0,
    last: Annotated[int | None, typer.Option(help="End with this position; else with the newest event.", min=1)] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as the history grows.")] = False,
    station: Annotated[str | None, typer.Option(help="Whatever concerns this station, in every stream.")] = None,
    badge: Annotated[str | None, typer.Option(help="Whatever concerns this badge, in every stream.")] = None,
    cause: Annotated[
        str | None, typer.Option(help="What made it happen: ocpp, connection, command, operator, timer or http.")
    ] = None,
    command: Annotated[str | None, typer.Option(help="Caused by this command: its id.")] = None,
    operator: Annotated[str | None, typer.Option(help="Asked for by this operator.")] = None,
    message: Annotated[str | None, typer.Option(help="Caused by the OCPP message with this id.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Recorded not before this RFC 3339 time.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Recorded before this RFC 3339 time.")] = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    proof: Annotated[
        Path | None,
        typer.Option(help="Write the proof of the export here, for docs/verify_export.py; ends with the last seal."),
    ] = None,
    as_ocpp: Annotated[bool, typer.Option("--as-ocpp", help="What went over the wire with --station instead.")] = False,
) -> None:
    """The history or a part of it, one JSON object or line of CSV an event, with a proof if wanted; or one station's
    conversation, which `bornier simulate --replay` plays."""
    from api.search import Question, cause_of
    from api.tail import save, tail
    from api.trace import print_trace

    settings = Settings.load(database=database)
    question = Question(
        stream=stream,
        topics=tuple(topic or ()),
        station=station,
        badge=badge,
        by=cause_of(cause),
        command=command,
        operator=operator,
        message=message,
        since=moment(since),
        to=moment(until),
    )
    if form not in ("jsonl", "csv"):
        raise ValueError(f"there is no format {form!r}: jsonl or csv")
    if as_ocpp:
        known = Question(station=station, since=question.since, to=question.to)
        if station is None or question != known or after or last or follow or proof or form != "jsonl":
            raise ValueError("--as-ocpp needs --station, and takes none of the others but --from and --to")
        print_trace(settings, station, question.since, question.to)
    elif follow:
        if not question.plain or last or proof or form != "jsonl":
            raise ValueError("--follow goes with --stream, --topic and --after only")
        loop(lambda: tail(settings, stream, topic or [], after, follow, stopping()))
    else:
        loop(lambda: asyncio.to_thread(save, settings, question, after + 1, last, form, proof))


@cli.command()
def rebuild(
    names: Annotated[list[str] | None, typer.Argument(help="Read models to rebuild; all when absent.")] = None,
    database: Database = None,
    diff: Annotated[bool, typer.Option("--diff", help="Only print what would change.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line, values in full.")] = False,
    limit: Annotated[int, typer.Option(help="With --diff: rows shown of a table; 0 for all.", min=0)] = 20,
) -> None:
    """Rebuild read models from history, beside the live ones, and swap.

    With --diff the exit code is that of diff: 0 when nothing would change, 1 when something would, 2 on trouble.
    """
    from api.rebuild import Printer, rebuild_all

    try:
        with rates() as advance:
            printer = Printer(limit, json)
            rows = rebuild_all(Settings.load(database=database), names or [], diff, printer, advance)
    except Exception as error:
        if not diff or (reason := reason_of(error)) is None:
            raise
        fail(reason, TROUBLE)
    if diff and rows:
        sys.exit(1)


@contextmanager
def rates() -> Iterator[Callable[[str, int, int | None, float], None]]:
    """Progress of long work in several steps, when somebody watches: what, how much of how much, how fast."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(), console=errors, disable=not errors.is_terminal,
    ) as progress:  # fmt: skip
        bar = progress.add_task("reading", total=None, rate="")

        def advance(doing: str, done: int, total: int | None, rate: float) -> None:
            progress.update(bar, description=doing, completed=done, total=total, rate=f"{rate:,.0f} a second")

        yield advance


@cli.command()
def relay(
    database: Database = None,
    kafka: Annotated[str | None, typer.Option(help="Bootstrap servers (BORNIER_KAFKA).")] = None,
    begin: Annotated[
        int | None, typer.Option("--from", help="Send again what comes after this position.", min=0)
    ] = None,
) -> None:
    """Carry the history to Kafka, from its checkpoint or from any position, up to now; then stop."""
    from api.relay import carry

    settings = Settings.load(database=database, kafka=kafka)
    if not settings.kafka:
        raise ValueError("where is Kafka? Set BORNIER_KAFKA or --kafka to host:port")
    with bar("relaying") as progress:
        print(f"{carry(settings, begin, progress):,} events are in Kafka")


@cli.command()
def replay(
    tariff: Annotated[Path, typer.Option(help="The other tariff, an OCPI 2.2.1 or 2.3.0 JSON file.")],
    database: Database = None,
    since: Annotated[str | None, typer.Option("--from", help="Charges that began then or later (RFC 3339).")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Charges that began before (RFC 3339).")] = None,
    by: Annotated[str, typer.Option(help="Who is a customer: badge, group, station or site.")] = "group",
    instead_of: Annotated[str | None, typer.Option(help="Only charges that this tariff priced.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
) -> None:
    """What if: rate real charges under another tariff, and print the difference per customer. Nothing is written."""
    from api.replay import question_of, show
    from api.replay import replay as rate_again

    if json and csv:
        raise ValueError("--json or --csv, not both")
    if not tariff.is_file():
        raise ValueError(f"there is no file {tariff}")
    try:
        question = question_of(tariff.read_bytes(), moment(since), moment(to), by, instead_of)
    except Refusal as refusal:
        raise ValueError(f"{tariff}: {refusal}") from None
    with bar("rating again") as progress:
        found = rate_again(Settings.load(database=database), question, progress)
    show(found, "json" if json else "csv" if csv else "table", by)


@cli.command()
def warehouse(
    database: Database = None,
    to: Annotated[str | None, typer.Option("--to", help="SQLAlchemy URL of the warehouse (BORNIER_WAREHOUSE).")] = None,
    ddl: Annotated[bool, typer.Option("--ddl", help="Only print the statements that make it.")] = False,
) -> None:
    """Fill another database for BI with the tables and archive_ views, from its checkpoint up to now; then stop."""
    from api.warehouse import fill, print_script

    settings = Settings.load(database=database, warehouse=to)
    if not settings.warehouse:
        raise ValueError("where is the warehouse? Set BORNIER_WAREHOUSE or --to to a SQLAlchemy URL")
    if ddl:
        print_script(settings)
        return
    with bar("filling") as progress:
        print(f"the warehouse reflects the history up to position {fill(settings, progress):,}")


@cli.command()
def verify(
    database: Database = None,
    audit_key: Annotated[str | None, typer.Option(help="PEM file of the key (BORNIER_AUDIT_KEY).")] = None,
    kept: Annotated[
        Path | None, typer.Option(help="A seal kept elsewhere (bornier prove --seal): it must be in the history.")
    ] = None,
) -> None:
    """Check the tamper-evident log: exit code 0 only if the whole history is as it was sealed."""
    from api.audit import verify as check

    with bar("verifying") as progress:
        if not check(Settings.load(database=database, audit_key=audit_key), progress, kept):
            sys.exit(1)


@cli.command()
def prove(
    first: Annotated[int | None, typer.Argument(help="The position of the event, or the first one.", min=1)] = None,
    last: Annotated[int | None, typer.Argument(help="The last position; the first one when absent.", min=1)] = None,
    database: Database = None,
    audit_key: Annotated[str | None, typer.Option(help="PEM file of the key (BORNIER_AUDIT_KEY).")] = None,
    key: Annotated[bool, typer.Option("--key", help="Print the public key of the seals instead.")] = False,
    seal: Annotated[bool, typer.Option("--seal", help="Print the newest seal instead, to be kept elsewhere.")] = False,
) -> None:
    """Proofs of events, one a line, for docs/verify.py and somebody who has only the public key."""
    from api.audit import prove as write
    from api.audit import show_key, show_seal

    settings = Settings.load(database=database, audit_key=audit_key)
    if key:
        show_key(settings)
    elif seal:
        show_seal(settings)
    elif first is None:
        raise ValueError("which position?")
    else:
        write(settings, first, last or first)


token = typer.Typer(name="token", help="Tokens of the API: who may use it, how far, until when.", no_args_is_help=True)
cli.add_typer(token)


@token.command("issue")
def issue_token(
    name: Annotated[str, typer.Argument(help="Who or what it is for.")],
    role: Annotated[list[str], typer.Option(help="viewer, operator, admin, auditor or driver; repeatable.")],
    site: Annotated[
        list[str] | None, typer.Option(help="Only at this site; repeatable; everywhere when absent.")
    ] = None,
    badge: Annotated[list[str] | None, typer.Option(help="The badge of a driver; repeatable.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="Only this field or route, such as Query.stations; repeatable.")
    ] = None,
    days: Annotated[int, typer.Option(help="Valid for so many days.", min=1)] = 90,
    database: Database = None,
) -> None:
    """Issue a token and print it, this once."""
    from api.token import issue

    loop(lambda: issue(Settings.load(database=database), name, role, days, site or [], badge or [], field or []))


@token.command("list")
def list_tokens(
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False, database: Database = None
) -> None:
    """Every token that was issued, with its status and its last use."""
    from api.token import show

    loop(lambda: show(Settings.load(database=database), json))


@token.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(help="Its id: what follows bornier_ in it.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.")] = "revoked at the command line",
    database: Database = None,
) -> None:
    """Let nobody in with a token any more; running processes know within seconds."""
    from api.token import revoke

    loop(lambda: revoke(Settings.load(database=database), token_id, reason))


@cli.command()
def person(
    kind: Annotated[str, typer.Argument(help="driver, or badge for one that no driver holds.")],
    who: Annotated[str, typer.Argument(metavar="ID", help="Which one.")],
    database: Database = None,
) -> None:
    """Everything the history says about a person, in clear, one event a line (GDPR article 15)."""
    from api.person import tell

    if not tell(Settings.load(database=database), kind_of(kind), who):
        raise ValueError(f"the history has never heard of {kind} {who}")


@cli.command()
def forget(
    kind: Annotated[str, typer.Argument(help="driver, or badge for one that no driver holds.")],
    who: Annotated[str, typer.Argument(metavar="ID", help="Which one.")],
    database: Database = None,
    reason: Annotated[str, typer.Option(help="Why; it stays in the history: nothing about the person.")] = "asked for",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Forget a person for ever: destroy the keys, make the read models again, compact the database."""
    from api.person import forget as destroy

    whom = kind_of(kind)
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"forget {whom} {who} for ever?", err=True)):
        raise ValueError("nothing was forgotten: say --yes")
    with rates() as advance:
        told = destroy(Settings.load(database=database), whom, who, reason, advance)
    badges, events, plain = told.forgotten
    print(f"forgotten: {badges:,} badges, {events:,} events; {told.rows:,} rows of read models have changed")
    if plain:
        print(f"{plain:,} events were stored before anything was sealed and still name the badge: see docs/privacy.md")


def kind_of(text: str) -> Literal["driver", "badge"]:
    if text == "driver":
        return "driver"
    if text == "badge":
        return "badge"
    raise ValueError(f"{text!r} is neither driver nor badge")


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Progress of long work, when somebody watches."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=errors,
        disable=not errors.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@cli.command()
def archive(
    before: Annotated[str | None, typer.Option(help="What is older than this RFC 3339 time.")] = None,
    upto: Annotated[int | None, typer.Option(help="What is not beyond this position.", min=1)] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove from the database what is over, once its file was checked.")
    ] = False,
    database: Database = None,
    place: Annotated[str | None, typer.Option("--archive", help="Folder or s3://… (BORNIER_ARCHIVE).")] = None,
    audit_key: Annotated[str | None, typer.Option(help="PEM file of the key (BORNIER_AUDIT_KEY).")] = None,
) -> None:
    """Write closed ranges of the history into compressed files, with the seals over them."""
    from api.archive import archive as write

    if (before is None) == (upto is None):
        raise ValueError("how much? Say --before with a time, or --upto with a position")
    settings = Settings.load(database=database, archive=place, audit_key=audit_key)
    with bar("archiving") as progress:
        write(settings, moment(before), upto, prune, datetime.now(UTC), progress)


@cli.command()
def restore(
    files: Annotated[list[str], typer.Argument(help="Names of archive files.")],
    database: Database = None,
    place: Annotated[str | None, typer.Option("--archive", help="Folder or s3://… (BORNIER_ARCHIVE).")] = None,
    audit_key: Annotated[str | None, typer.Option(help="PEM file of the key (BORNIER_AUDIT_KEY).")] = None,
) -> None:
    """Bring archived events back into the database."""
    from api.archive import restore as bring

    with bar("restoring") as progress:
        bring(Settings.load(database=database, archive=place, audit_key=audit_key), files, progress)


irve = typer.Typer(name="irve", help="Charge points as the national access point reads them (schema-irve).",
                   no_args_is_help=True)  # fmt: skip
cli.add_typer(irve)
Output = Annotated[Path | None, typer.Option(help="The file; the terminal when absent.")]


@irve.command()
def statique(database: Database = None, out: Output = None) -> None:
    """Every charge point of which enough is declared, one a line, 40 columns."""
    publish(Settings.load(database=database), False, out)


@irve.command()
def dynamique(database: Database = None, out: Output = None) -> None:
    """What every published charge point does now, one a line, 8 columns."""
    publish(Settings.load(database=database), True, out)


def publish(settings: Settings, dynamic: bool, out: Path | None) -> None:
    from api.declaration import publish as write

    count = write(settings, dynamic, out)
    if out is not None:
        print(f"{count:,} charge points are in {out}")


@irve.command("import")
def import_irve(
    file: Annotated[Path, typer.Argument(help="CSV as schema-irve (static), with station_id, evse_id and site.")],
    database: Database = None,
    partial: Annotated[bool, typer.Option("--partial", help="Take the good lines even if others are wrong.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look what is wrong.")] = False,
) -> None:
    """Declare sites and charge points from a file; one wrong line stops all, and exit code 1 says that one is."""
    from api.declaration import take, tell

    if not file.is_file():
        raise ValueError(f"there is no file {file}")
    found = loop(lambda: take(Settings.load(database=database), file.read_bytes(), partial, dry_run))
    if found is None or not tell(found):
        sys.exit(1)


qualicharge = typer.Typer(name="qualicharge", help="What the administration is told (QualiCharge).",
                          no_args_is_help=True)  # fmt: skip
cli.add_typer(qualicharge)


@qualicharge.command("check")
def check_qualicharge(database: Database = None) -> None:
    """Hold points, statuses and sessions to all rules; nothing is sent. Exit code 1: a rule keeps something back."""
    from api.qualicharge import check

    faults = check(Settings.load(database=database))
    for fault in faults:
        print(f"{'not sent' if fault.gates else 'finding '}  rule {fault.rule:>2}  {fault.subject}: {fault.words}")
    print(f"{len(faults):,} rules are broken")
    if any(fault.gates for fault in faults):
        sys.exit(1)


@qualicharge.command("send")
def send_qualicharge(database: Database = None) -> None:
    """Tell now what waits, and say what became of it. A running Bornier does this by itself."""
    from api.qualicharge import send

    settings = Settings.load(database=database)
    log.configure(settings.log_level, settings.secrets)
    fates = loop(lambda: send(settings, lambda left: print(f"{left:,} items wait", file=sys.stderr)))
    print(", ".join(f"{number:,} {fate}" for fate, number in sorted((fates or {}).items())) or "nothing to tell")


snapshots = typer.Typer(name="snapshots", help="What lets long streams open at once; it can be dropped at any time.",
                        no_args_is_help=True)  # fmt: skip
cli.add_typer(snapshots)


@snapshots.command()
def count(database: Database = None) -> None:
    """How many there are."""
    from api.snapshot import snapshots as found

    with found(Settings.load(database=database)) as kept:
        number, size = kept.count()
        print(f"{number:,} snapshots, {size:,} bytes")


@snapshots.command()
def take(database: Database = None) -> None:
    """Take those that are missing; after an update of Bornier nobody then waits for the first opening of a stream."""
    from api.snapshot import snapshots as found

    with found(Settings.load(database=database)) as kept, bar("opening streams") as advance:
        print(f"{kept.take(advance):,} snapshots")


@snapshots.command()
def drop(database: Database = None) -> None:
    """Throw all away; the next opening of a stream reads its whole past."""
    from api.snapshot import snapshots as found

    with found(Settings.load(database=database)) as kept:
        kept.drop()


advenir = typer.Typer(name="advenir", help="Telling Advenir of charges: check, register points, send.",
                      no_args_is_help=True)  # fmt: skip
cli.add_typer(advenir)


@advenir.command("check")
def check_advenir(
    file: Annotated[
        Path | None, typer.Argument(help="A body that another client made, or a log of OCPP 1.5 as JSON lines.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Charges that began then or later (RFC 3339).")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Charges that began before (RFC 3339).")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    database: Database = None,
) -> None:
    """Print what Advenir would refuse, in a file or in the history; nothing is sent. Exit code 0: there is nothing."""
    from api.advenir import check_file, check_history

    settings = Settings.load(database=database)
    if file is not None and (since or to):
        raise ValueError("a file, or --from and --to of the history; not both")
    if file is not None and not file.is_file():
        raise ValueError(f"there is no file {file}")
    whole = (
        check_file(settings, file, json)
        if file is not None
        else loop(lambda: check_history(settings, moment(since), moment(to), json))
    )
    if not whole:
        sys.exit(1)


@advenir.command("import")
def import_advenir(
    file: Annotated[Path, typer.Argument(help="CSV: station, evse, identifier, since, perhaps rated_power_w.")],
    database: Database = None,
) -> None:
    """Register the points that Advenir funds. Exit code 0: every line was taken."""
    from api.advenir import register

    if not file.is_file():
        raise ValueError(f"there is no file {file}")
    if not loop(lambda: register(Settings.load(database=database), file.read_text("utf-8"))):
        sys.exit(1)


@advenir.command("send")
def send_advenir(
    since: Annotated[str | None, typer.Option("--from", help="Charges that began then or later (RFC 3339).")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Charges that began before (RFC 3339).")] = None,
    database: Database = None,
) -> None:
    """Make, check and send what was not told yet, now. Exit code 0: all of it arrived."""
    from api.advenir import send

    with bar("telling Advenir") as progress:
        arrived = loop(lambda: send(Settings.load(database=database), moment(since), moment(to), progress))
    if not arrived:
        sys.exit(1)


bills = typer.Typer(name="bill", help="Bills and invoices (docs/bill.md).", no_args_is_help=True)
cli.add_typer(bills)


@bills.command("rate")
def rate_bills(database: Database = None) -> None:
    """Rate every charge that is over and has no bill yet."""
    from api.bill import rate

    print(f"{loop(lambda: rate(Settings.load(database=database))) or 0:,} bills were rated")


@bills.command("draft")
def draft_invoices(
    month: Annotated[str, typer.Argument(help="A month that is over, such as 2026-11.")],
    database: Database = None,
    payer: Annotated[str | None, typer.Option(help="Only this payer.")] = None,
) -> None:
    """Draft the invoices of a month, and credit notes for what was corrected."""
    from api.bill import draft

    for made in loop(lambda: draft(Settings.load(database=database), month, payer)) or []:
        assert made.content is not None
        said = made.content
        print(f"{made.invoice_id}  {said.kind:11}  {said.payer_id}  {said.incl_vat} {said.currency}")


@bills.command("issue")
def issue_invoice(
    invoice: Annotated[str, typer.Argument(help="The id of a draft.")],
    database: Database = None,
    out: Annotated[Path | None, typer.Option(help="Put PDF and XML into this folder, too.")] = None,
) -> None:
    """Give a draft its number and write the document. Nobody can undo it: a credit note can take it back."""
    from api.bill import fetch, issue

    settings = Settings.load(database=database)
    made = loop(lambda: issue(settings, invoice))
    assert made is not None
    assert made.issued is not None
    print(made.issued.number)
    if out is not None:
        for path in loop(lambda: fetch(settings, invoice, out)) or []:
            print(path)


@cli.command()
def export(
    dataset: Annotated[str, typer.Argument(help="transactions, bills, … (docs/export.md).")],
    database: Database = None,
    suffix: Annotated[str, typer.Option("--format", help="csv, xlsx, jsonl or parquet.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file; the terminal when absent.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Not before this RFC 3339 time.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this RFC 3339 time.")] = None,
    station: Annotated[str | None, typer.Option(help="Only this station.")] = None,
    badge: Annotated[str | None, typer.Option(help="Only this badge.")] = None,
    preset: Annotated[str | None, typer.Option(help="plain, or excel-fr: semicolons, decimal commas.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="CSV: comma, semicolon, tab or |.")] = None,
    decimal: Annotated[str | None, typer.Option(help="CSV: a point or a comma.")] = None,
    encoding: Annotated[str | None, typer.Option(help="CSV: utf-8, utf-8-sig, cp1252, …")] = None,
    timezone: Annotated[str | None, typer.Option(help="CSV and XLSX: such as Europe/Paris; UTC when absent.")] = None,
) -> None:
    """A read model as a file for spreadsheets and other programs, a million rows at constant memory."""
    from api.export import export as write
    from projections.dataset import Window

    if out is None and suffix in ("xlsx", "parquet") and sys.stdout.isatty():
        raise ValueError(f"{suffix} is not for a terminal: say --out FILE")
    given = {"preset": preset, "delimiter": delimiter, "decimal": decimal, "encoding": encoding, "timezone": timezone}
    options = {name: value for name, value in given.items() if value is not None}
    window = Window(moment(since), moment(until), station, badge)
    with bar("exporting") as progress:
        rows = write(Settings.load(database=database), dataset, suffix, window, options, out, progress)
    if out is not None:
        print(f"{rows:,} {dataset} are in {out}")


@cli.command()
def migrate(database: Database = None) -> None:
    """Bring the schemas up to date."""
    from application.store import Store
    from migrations.migrate import current, upgrade

    url = Settings.load(database=database).database
    before = current(url)
    Store(url).close()
    upgrade(url)
    after = current(url)
    print(f"the schema is {after}" + ("" if before == after else f" (was {before or 'empty'})"))


@cli.command()
def doctor(
    database: Database = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
    time_server: Annotated[
        str | None, typer.Option(help="Compare our clock with ntp://host or the Date of http(s)://host.")
    ] = None,
) -> None:
    """Look at database, Kafka, clocks, disks, certificates, ports and settings: exit code 1 if something fails."""
    from api.doctor.examine import report

    log.configure("CRITICAL")
    if not report(lambda: Settings.load(database=database), time_server, as_json):
        sys.exit(1)


@cli.command()
def bench(
    stations: Annotated[
        int | None, typer.Option(help="Stations under load: 200, and 5,000 in a fleet.", min=1, show_default=False)
    ] = None,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds.", min=1)] = 3,
    seconds: Annotated[float, typer.Option(help="Seconds a measurement.", min=0.5)] = 5.0,
    minutes: Annotated[float, typer.Option(help="Minutes to watch a fleet.", min=0.01)] = 10.0,
    tempo: Annotated[float, typer.Option(help="How much faster than real stations a fleet lives.", min=0.1)] = 1.0,
    away: Annotated[float, typer.Option(help="Seconds without a database in an outage.", min=0.1)] = 5.0,
    passwords: Annotated[bool, typer.Option("--passwords", help="The stations of a fleet have passwords.")] = False,
    database: Annotated[
        list[str] | None, typer.Option(help="sqlite, postgresql (a server of its own) or postgresql://…; repeatable.")
    ] = None,
    postgres: Annotated[str | None, typer.Option(help="postgresql:// of a server to measure on beside SQLite.")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only these, repeatable; fleet, storm and outage run only when named here."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print tables to paste into a page.")] = False,
    output: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("bornier-bench.json"),
) -> None:
    """The published benchmark: ratios against the naive way, a fleet at work, and what happens when things break."""
    from api.bench.option import Options
    from api.bench.run import run as measure

    log.configure("WARNING")
    wanted = Options(
        databases=tuple(database or ()),
        stations=stations or 200,
        fleet=stations or 5_000,
        rounds=rounds,
        seconds=seconds,
        minutes=minutes,
        tempo=tempo,
        away_s=away,
        passwords=passwords,
        markdown=markdown,
        postgres=postgres,
        only=tuple(only or ()),
        json_path=output,
    )
    if not measure(wanted).sound:
        raise ValueError("a measurement is not sound: see the table")


def loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
    """Run on uvloop; Ctrl-C before the loop has its handlers is no fault."""

    async def entry() -> T:
        return await work()

    gc.set_threshold(50_000, 50, 100)
    try:
        return uvloop.run(entry())
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
    return None


def stopping() -> asyncio.Event:
    """Set when somebody asks the process to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


if __name__ == "__main__":
    main()
