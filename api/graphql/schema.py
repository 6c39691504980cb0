"""The schema: all queries, mutations and subscriptions, with one policy, one set of limits and one way to fail."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    visit,
)
from psycopg import DataError
from starlette.responses import Response
from strawberry.extensions import MaxTokensLimiter, SchemaExtension
from strawberry.schema.config import StrawberryConfig

from api.graphql.access import AccessQuery
from api.graphql.admission import AdmissionQuery
from api.graphql.advenir import AdvenirMutation, AdvenirQuery
from api.graphql.audit import AuditQuery
from api.graphql.badge import BadgeMutation, BadgeQuery
from api.graphql.bill import BillMutation, BillQuery
from api.graphql.certificate import CertificateMutation, CertificateQuery
from api.graphql.command import CommandMutation, CommandQuery, CommandSubscription
from api.graphql.composite import CompositeMutation, CompositeQuery
from api.graphql.context import Asker, asker
from api.graphql.control import ControlMutation
from api.graphql.cost import DEAREST, measured
from api.graphql.customer import CustomerMutation, CustomerQuery
from api.graphql.der import DerMutation, DerQuery
from api.graphql.device import DeviceMutation, DeviceQuery
from api.graphql.display import DisplayMutation, DisplayQuery
from api.graphql.driver import DriverMutation, DriverQuery
from api.graphql.event import EventQuery, EventSubscription
from api.graphql.export import ExportMutation, ExportQuery
from api.graphql.file import FileMutation, FileQuery
from api.graphql.firmware import FirmwareMutation
from api.graphql.incident import IncidentQuery
from api.graphql.invoice import InvoiceMutation, InvoiceQuery
from api.graphql.irve import IrveMutation, IrveQuery
from api.graphql.job import JobQuery, JobSubscription
from api.graphql.locallist import LocalListMutation, LocalListQuery
from api.graphql.log import LogMutation
from api.graphql.monitor import MonitorMutation, MonitorQuery
from api.graphql.need import NeedQuery
from api.graphql.orphan import OrphanMutation, OrphanQuery
from api.graphql.payer import PayerMutation, PayerQuery
from api.graphql.pricelist import PricelistMutation, PricelistQuery
from api.graphql.profile import ProfileMutation, ProfileQuery
from api.graphql.qualicharge import QualichargeMutation, QualichargeQuery
from api.graphql.refusal import RefusalQuery
from api.graphql.registry import RegistryMutation
from api.graphql.report import ReportQuery
from api.graphql.reservation import ReservationMutation, ReservationQuery
from api.graphql.result import TYPES
from api.graphql.scalar import SCALARS, Texts, readable
from api.graphql.scope import Denied, within
from api.graphql.security import SecurityMutation, SecurityQuery
from api.graphql.signature import SignatureMutation, SignatureQuery
from api.graphql.site import SiteMutation, SiteQuery
from api.graphql.station import StationMutation, StationQuery, StationSubscription
from api.graphql.stream import StreamMutation, StreamQuery
from api.graphql.swap import SwapMutation, SwapQuery
from api.graphql.tariff import TariffMutation, TariffQuery
from api.graphql.token import TokenMutation, TokenQuery
from api.graphql.transaction import TransactionQuery, TransactionSubscription
from api.graphql.uptime import UptimeMutation, UptimeQuery
from api.graphql.vendor import VendorQuery
from api.graphql.webhook import WebhookMutation, WebhookQuery
from api.pulse import Pulse
from application.ports import StorageFailed
from domain.event import Refusal
from projections.page import BadCursor

log = logging.getLogger("bornier.graphql")

TOKENS = 4_000
ROWS_A_UNIT = 1_000
"""Of what somebody may ask for in a minute, a request takes one unit, and one more for so many rows it may read."""
UNKEEPABLE = (OverflowError, DataError)


@strawberry.type(name="Principal", description="Who is asking.")
class Me:
    name: str = strawberry.field(description="The name behind the token.")
    roles: list[str] = strawberry.field(description="viewer, operator, admin, auditor, driver.")
    sites: list[str] = strawberry.field(description="The sites the rights are limited to; empty: all of them.")


@strawberry.type
class MeQuery:
    @strawberry.field(description="Who is asking, and with which roles.")
    def me(self, info: strawberry.Info) -> Me:
        principal = asker(info).principal
        assert principal is not None
        return Me(name=principal.name, roles=sorted(principal.roles), sites=sorted(principal.sites))


@strawberry.type(description="What can be read.")
class Query(
    StationQuery,
    TransactionQuery,
    OrphanQuery,
    WebhookQuery,
    CommandQuery,
    BadgeQuery,
    DriverQuery,
    LocalListQuery,
    ReservationQuery,
    VendorQuery,
    IncidentQuery,
    RefusalQuery,
    PricelistQuery,
    TariffQuery,
    BillQuery,
    PayerQuery,
    InvoiceQuery,
    SiteQuery,
    SignatureQuery,
    QualichargeQuery,
    IrveQuery,
    UptimeQuery,
    SwapQuery,
    ProfileQuery,
    NeedQuery,
    CompositeQuery,
    DerQuery,
    DeviceQuery,
    MonitorQuery,
    ReportQuery,
    CustomerQuery,
    DisplayQuery,
    StreamQuery,
    EventQuery,
    JobQuery,
    FileQuery,
    ExportQuery,
    AdvenirQuery,
    AuditQuery,
    MeQuery,
    AdmissionQuery,
    SecurityQuery,
    CertificateQuery,
    TokenQuery,
    AccessQuery,
):
    pass


@strawberry.type(description="What can be asked for.")
class Mutation(
    StationMutation,
    ControlMutation,
    OrphanMutation,
    WebhookMutation,
    DeviceMutation,
    ReservationMutation,
    BadgeMutation,
    PricelistMutation,
    DriverMutation,
    TariffMutation,
    BillMutation,
    PayerMutation,
    InvoiceMutation,
    SiteMutation,
    SignatureMutation,
    QualichargeMutation,
    IrveMutation,
    UptimeMutation,
    SwapMutation,
    CommandMutation,
    LocalListMutation,
    RegistryMutation,
    ProfileMutation,
    CompositeMutation,
    DerMutation,
    FirmwareMutation,
    LogMutation,
    FileMutation,
    ExportMutation,
    AdvenirMutation,
    SecurityMutation,
    CertificateMutation,
    MonitorMutation,
    CustomerMutation,
    DisplayMutation,
    StreamMutation,
    TokenMutation,
):
    pass


@strawberry.type(description="What can be followed.")
class Subscription(
    StationSubscription, TransactionSubscription, CommandSubscription, JobSubscription, EventSubscription
):
    pass


class Guard(SchemaExtension):
    """Before anything is read: is it small enough, can its texts be kept, and may this principal ask it?"""

    async def on_validate(self) -> AsyncIterator[None]:
        context = self.execution_context
        if context.graphql_document is not None:
            try:
                await admit(context.graphql_document, context.variables or {}, context.context["asker"])
            except Denied as error:
                context.pre_execution_errors = [error]
                slow_down(error, context.context.get("response"))
            except GraphQLError as error:
                context.pre_execution_errors = [error]
            except RecursionError as error:
                context.pre_execution_errors = [GraphQLError("", original_error=error)]
        yield


def slow_down(error: GraphQLError, response: Any) -> None:
    """Over HTTP, too many requests have a status of their own."""
    wait = (error.extensions or {}).get("retryAfterSeconds")
    if wait is not None and isinstance(response, Response):
        response.status_code = 429
        response.headers["Retry-After"] = str(wait)


class Measured(SchemaExtension):
    """How long operations take, by their kind and the field they ask for first; which subscriptions are followed."""

    def on_operation(self) -> Iterator[None]:
        pulse: Pulse | None = self.execution_context.context.get("pulse")
        began = time.perf_counter()
        self.name = "invalid."
        span = pulse.telemetry.operation(self.headers) if pulse is not None and pulse.telemetry is not None else None
        try:
            yield
        finally:
            kind, _, field = self.name.partition(".")
            if span is not None:
                span.update_name(f"GraphQL {self.name.rstrip('.')}")
                span.set_attributes({"graphql.operation.type": kind.lower(), "graphql.outcome": self.outcome})
                span.end()
            if pulse is not None and kind == "Subscription":
                pulse.followed[field] -= 1
            elif pulse is not None:
                pulse.operations[kind.lower(), field, self.outcome].add(time.perf_counter() - began)

    def on_validate(self) -> Iterator[None]:
        yield
        document, pulse = self.execution_context.graphql_document, self.execution_context.context.get("pulse")
        if document is not None and not self.execution_context.pre_execution_errors:
            self.name = next(
                (f"{root}.{found[0][0].name.value}" for root, _, found in asked(document) if found), self.name
            )
            if pulse is not None and self.name.startswith("Subscription."):
                pulse.followed[self.name.partition(".")[2]] += 1

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of the request, or of the handshake of the line."""
        found: Mapping[str, str] = self.execution_context.context["request"].headers
        return found

    @property
    def outcome(self) -> str:
        result = self.execution_context.result
        errors = self.execution_context.pre_execution_errors or getattr(result, "errors", None)
        return "error" if errors or result is None else "ok"


async def admit(document: DocumentNode, variables: dict[str, Any], who: Asker) -> None:
    """Raise UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED or BAD_USER_INPUT, or let it in."""
    try:
        await look(document, variables, who)
    except Denied as denied:
        who.note(denied.code, denied.message, denied.asked, who.principal.name if who.principal else None)
        raise


async def look(document: DocumentNode, variables: dict[str, Any], who: Asker) -> None:
    principal = who.principal
    if principal is None:
        raise Denied("a bearer token is needed", "UNAUTHENTICATED", "/graphql")
    rows, too_much = measured(document, variables)
    wait = who.spend(1 + min(rows, DEAREST) / ROWS_A_UNIT)
    if wait is not None:
        raise Denied("too many requests, or too large ones", "RATE_LIMITED", "/graphql", retryAfterSeconds=wait)
    if too_much is not None:
        raise GraphQLError(too_much, extensions={"code": "BAD_USER_INPUT"})
    roots = list(asked(document))
    for root, _, asks in roots:
        for name in dict.fromkeys(f"{root}.{node.name.value}" for node, _ in asks):
            if not principal.may_use(name):
                raise Denied(f"{principal.name} may not use {name}", "FORBIDDEN", name)
    readable(variables)
    visit(document, Texts())
    for _, operation, asks in roots:
        await within(operation, asks, variables, principal, who.reads)


def asked(document: DocumentNode) -> Iterator[tuple[str, OperationDefinitionNode, list[tuple[FieldNode, Any]]]]:
    """Every operation with its root type and root fields. What the schema does not have, validation refuses."""
    fragments = {d.name.value: d.selection_set for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            root = schema._schema.get_root_type(operation.operation)
            known = root.fields if root is not None else {}
            nodes = fields(operation.selection_set, fragments, set())
            found = [(node, known[node.name.value]) for node in nodes if node.name.value in known]
            yield root.name if root is not None else "", operation, found


def fields(selections: SelectionSetNode, fragments: dict[str, SelectionSetNode], seen: set[str]) -> Iterator[FieldNode]:
    """The fields of one level, through fragments; each fragment is looked at once."""
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments.keys() - seen:
            seen.add(node.name.value)
            yield from fields(fragments[node.name.value], fragments, seen)


class Schema(strawberry.Schema):
    """Every error has a code; what a caller cannot act on keeps its details to itself."""

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        for error in errors:
            tell(error)


def tell(error: GraphQLError) -> None:
    """Make the error what the caller may see."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if error.extensions and "code" in error.extensions:
        return
    if cause is None or isinstance(cause, GraphQLError):
        code = (getattr(cause, "extensions", None) or {}).get("code", "BAD_USER_INPUT")
    elif isinstance(cause, Refusal | BadCursor):
        code = "BAD_USER_INPUT"
    elif isinstance(cause, StorageFailed):
        code = "UNAVAILABLE"
    elif isinstance(cause, RecursionError):
        code, error.message = "BAD_USER_INPUT", "this is nested too deeply"
    elif isinstance(getattr(cause, "orig", cause), UNKEEPABLE):
        code, error.message = "BAD_USER_INPUT", "a value is larger than the database can keep"
    else:
        log.error("a query failed", exc_info=cause)
        code, error.message = "INTERNAL", "Bornier could not answer this; the log says why"
    error.extensions = {"code": code}


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=TYPES,
    extensions=[Measured, Guard, lambda: MaxTokensLimiter(max_token_count=TOKENS)],
    config=StrawberryConfig(scalar_map=SCALARS),
)
