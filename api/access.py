"""Access: who is asking, and what they may do. One policy, one place."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from api.settings import Settings

Role = Literal["viewer", "operator", "admin", "auditor", "driver"]
Right = Literal["anybody", "read", "command", "register", "audit", "unchecked", "admin"]

GRANTS: dict[Right, frozenset[str]] = {
    "anybody": frozenset(get_args(Role)),
    "read": frozenset({"viewer", "operator", "auditor", "admin"}),
    "command": frozenset({"operator", "admin"}),
    "register": frozenset({"operator", "admin"}),
    "audit": frozenset({"auditor", "admin"}),
    "unchecked": frozenset({"admin"}),
    "admin": frozenset({"admin"}),
}
POLICY: dict[str, Right] = {
    "Query.me": "anybody",
    "Query.station": "read",
    "Query.stations": "read",
    "Query.transaction": "read",
    "Query.transactions": "read",
    "Query.command": "read",
    "Query.commands": "read",
    "Query.reservation": "read",
    "Query.orphans": "read",
    "Query.reservations": "read",
    "Query.job": "read",
    "Query.jobs": "read",
    "Query.files": "read",
    "Query.vendorMessages": "read",
    "Query.securityEvents": "read",
    "Query.refusedMessages": "read",
    "Query.installedTariffs": "read",
    "Query.settlements": "read",
    "Query.batterySwaps": "read",
    "Query.connectionAttempts": "read",
    "Query.stationSecurity": "read",
    "Query.certificates": "read",
    "Query.trustedCertificates": "read",
    "Query.certificateAuthority": "read",
    "Query.chargingProfiles": "read",
    "Query.chargingLimits": "read",
    "Query.chargingNeeds": "read",
    "Query.compositeSchedules": "read",
    "Query.chargingPriorities": "read",
    "Query.expectedSchedule": "read",
    "Query.derControls": "read",
    "Query.derAlarms": "read",
    "Query.variables": "read",
    "Query.monitors": "read",
    "Query.monitoring": "read",
    "Query.deviceEvents": "read",
    "Query.reports": "read",
    "Query.displayMessages": "read",
    "Query.eventStreams": "read",
    "Query.customerInformation": "command",
    "Query.events": "audit",
    "Query.seals": "audit",
    "Query.proof": "audit",
    "Query.sealKey": "anybody",
    "Query.badge": "read",
    "Query.badges": "read",
    "Query.badgeChecks": "read",
    "Query.localLists": "read",
    "Subscription.stationChanged": "read",
    "Subscription.transactionChanged": "read",
    "Subscription.commandChanged": "read",
    "Subscription.jobChanged": "read",
    "Subscription.events": "audit",
    "Mutation.remoteStart": "command",
    "Mutation.remoteStop": "command",
    "Mutation.reset": "command",
    "Mutation.unlockConnector": "command",
    "Mutation.changeAvailability": "command",
    "Mutation.triggerMessage": "command",
    "Mutation.dataTransfer": "command",
    "Mutation.setNetworkProfile": "command",
    "Mutation.getTransactionStatus": "command",
    "Mutation.costUpdated": "command",
    "Mutation.reserveNow": "command",
    "Mutation.cancelReservation": "command",
    "Mutation.setDefaultTariff": "command",
    "Mutation.getTariffs": "command",
    "Mutation.clearTariffs": "command",
    "Mutation.changeTransactionTariff": "command",
    "Mutation.notifyWebPaymentStarted": "command",
    "Mutation.requestBatterySwap": "command",
    "Mutation.sendMessage": "command",
    "Mutation.getConfiguration": "command",
    "Mutation.changeConfiguration": "command",
    "Mutation.getVariables": "command",
    "Mutation.setVariables": "command",
    "Mutation.setChargingProfile": "command",
    "Mutation.clearChargingProfile": "command",
    "Mutation.getChargingProfiles": "command",
    "Mutation.getCompositeSchedule": "command",
    "Mutation.usePriorityCharging": "command",
    "Mutation.updateDynamicSchedule": "command",
    "Mutation.afrrSignal": "command",
    "Mutation.notifyAllowedEnergyTransfer": "command",
    "Mutation.setDERControl": "command",
    "Mutation.getDERControl": "command",
    "Mutation.clearDERControl": "command",
    "Mutation.updateFirmware": "command",
    "Mutation.publishFirmware": "command",
    "Mutation.unpublishFirmware": "command",
    "Mutation.getDiagnostics": "command",
    "Mutation.getLog": "command",
    "Mutation.deleteFile": "command",
    "Mutation.setPassword": "register",
    "Mutation.setSecurityProfile": "command",
    "Mutation.requireSecurityProfile": "admin",
    "Mutation.installCertificate": "command",
    "Mutation.deleteCertificate": "command",
    "Mutation.getInstalledCertificateIds": "command",
    "Mutation.certificateSigned": "command",
    "Mutation.renewCertificate": "command",
    "Mutation.revokeCertificate": "register",
    "Mutation.getBaseReport": "command",
    "Mutation.getReport": "command",
    "Mutation.getMonitoringReport": "command",
    "Mutation.setVariableMonitoring": "command",
    "Mutation.clearVariableMonitoring": "command",
    "Mutation.setMonitoringBase": "command",
    "Mutation.setMonitoringLevel": "command",
    "Mutation.customerInformation": "command",
    "Mutation.setDisplayMessage": "command",
    "Mutation.getDisplayMessages": "command",
    "Mutation.clearDisplayMessage": "command",
    "Mutation.adjustPeriodicEventStream": "command",
    "Mutation.getPeriodicEventStreams": "command",
    "Mutation.registerStation": "register",
    "Mutation.registerBadge": "register",
    "Mutation.bindTransaction": "command",
    "Mutation.closeTransaction": "command",
    "Mutation.blockBadge": "register",
    "Mutation.unblockBadge": "register",
    "Mutation.expireBadge": "register",
    "Mutation.removeBadge": "register",
    "Mutation.importBadges": "register",
    "Mutation.clearCache": "command",
    "Mutation.sendLocalList": "command",
    "Mutation.syncLocalList": "command",
    "Mutation.keepLocalList": "command",
    "Mutation.getLocalListVersion": "command",
}


@dataclass(frozen=True)
class Principal:
    """Whoever holds a token: a person or a program."""

    name: str
    roles: frozenset[str]

    def may(self, right: Right) -> bool:
        return not self.roles.isdisjoint(GRANTS[right])


class Doorman:
    """Knows the tokens of the settings and the sessions of browsers. Sessions end after a working day, and with the
    process."""

    COOKIE = "bornier_session"
    SESSION_S = 12 * 3600

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self.tokens = {settings.admin_token: Principal("admin", frozenset({"admin"}))} | given(settings.tokens)
        self.sessions: dict[str, tuple[float, Principal]] = {}
        self.clock = clock

    def holder(self, token: str) -> Principal | None:
        """Who holds a bearer token; every comparison takes the same time."""
        found = None
        for known, principal in self.tokens.items():
            if hmac.compare_digest(known.encode(), token.encode(errors="replace")):
                found = principal
        return found

    def bearer(self, header: object) -> Principal | None:
        """Who holds the token of an `Authorization` value."""
        if not isinstance(header, str):
            return None
        scheme, _, token = header.partition(" ")
        return self.holder(token.strip()) if scheme.lower() == "bearer" else None

    def recognise(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Principal | None:
        """Who sends a request: by its token, else by its session cookie. A page of another origin has no session here,
        even where the browser sends the cookie (another port of the same host is the same site)."""
        if "authorization" in headers:
            return self.bearer(headers["authorization"])
        until, principal = self.sessions.get(cookies.get(self.COOKIE, ""), (0.0, None))
        return principal if until > self.clock() and at_home(headers) else None

    def admit(self, principal: Principal) -> str:
        """Begin a browser session; returns the value of its cookie. Sessions that are over are forgotten."""
        now, session = self.clock(), secrets.token_urlsafe(32)
        self.sessions = {known: entry for known, entry in self.sessions.items() if entry[0] > now}
        self.sessions[session] = (now + self.SESSION_S, principal)
        return session

    def dismiss(self, session: str) -> None:
        self.sessions.pop(session, None)


def at_home(headers: Mapping[str, str]) -> bool:
    """The request comes from a page of this very host and port, or from no page at all."""
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def given(tokens: str) -> dict[str, Principal]:
    """`name:role:token,…` as principals. Raises ValueError for what cannot be read."""
    found: dict[str, Principal] = {}
    for line in filter(None, (part.strip() for part in tokens.split(","))):
        name, role, token = ([*line.split(":", 2), "", ""])[:3]
        if role not in get_args(Role) or len(token) < 16:
            known = ", ".join(get_args(Role))
            raise ValueError(
                f"BORNIER_TOKENS: {name!r} must be name:role:token, role {known}, token 16 characters or more"
            )
        found[token] = Principal(name, frozenset({role}))
    return found
