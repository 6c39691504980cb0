"""Access: who is asking, and what they may do. One policy, one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from domain.token import Role
from projections.scope import Scope

Right = Literal[
    "open", "anybody", "own", "read", "overview", "command", "register", "common", "audit", "unchecked", "admin"
]

GRANTS: dict[Right, frozenset[str]] = {
    "open": frozenset(get_args(Role)),
    "anybody": frozenset(get_args(Role)),
    "own": frozenset(get_args(Role)),
    "read": frozenset({"viewer", "operator", "auditor", "admin"}),
    "overview": frozenset({"viewer", "operator", "auditor", "admin"}),
    "command": frozenset({"operator", "admin"}),
    "register": frozenset({"operator", "admin"}),
    "common": frozenset({"operator", "admin"}),
    "audit": frozenset({"auditor", "admin"}),
    "unchecked": frozenset({"admin"}),
    "admin": frozenset({"admin"}),
}
"""Which roles have a right. `open` needs no token at all; with `own`, a driver sees what is its own."""
EVERYWHERE: frozenset[Right] = frozenset({"overview", "common", "audit", "unchecked", "admin"})
"""Rights over what belongs to no site: nobody has them whose rights are limited to sites."""
POLICY: dict[str, Right] = {
    "Query.me": "anybody",
    "Query.station": "read",
    "Query.stations": "read",
    "Query.transaction": "own",
    "Query.transactions": "own",
    "Query.command": "read",
    "Query.commands": "read",
    "Query.reservation": "own",
    "Query.orphans": "read",
    "Query.reservations": "own",
    "Query.job": "read",
    "Query.jobs": "read",
    "Query.files": "read",
    "Query.vendorMessages": "read",
    "Query.securityEvents": "read",
    "Query.refusedMessages": "read",
    "Query.installedTariffs": "read",
    "Query.tariff": "overview",
    "Query.tariffs": "overview",
    "Query.tariffVersions": "overview",
    "Query.assignments": "overview",
    "Query.quote": "overview",
    "Query.site": "read",
    "Query.signedValues": "own",
    "Query.meterKeys": "read",
    "Query.sites": "read",
    "Query.settlements": "read",
    "Query.batterySwaps": "read",
    "Query.connectionAttempts": "read",
    "Query.stationSecurity": "read",
    "Query.certificates": "read",
    "Query.trustedCertificates": "read",
    "Query.certificateAuthority": "overview",
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
    "Query.webhook": "admin",
    "Query.webhooks": "admin",
    "Query.deadLetters": "admin",
    "Query.event": "audit",
    "Query.seals": "audit",
    "Query.proof": "audit",
    "Query.sealKey": "anybody",
    "Query.apiTokens": "admin",
    "Query.refusedAccesses": "audit",
    "Query.badge": "own",
    "Query.driver": "common",
    "Query.drivers": "common",
    "Query.badges": "own",
    "Query.badgeChecks": "own",
    "Query.localLists": "read",
    "Query.datasets": "read",
    "Query.exportSchedules": "overview",
    "Query.advenirPoints": "read",
    "Query.advenirSubmissions": "read",
    "Query.advenirSubmission": "read",
    "Query.advenirDefects": "read",
    "Subscription.stationChanged": "read",
    "Subscription.transactionChanged": "own",
    "Subscription.commandChanged": "read",
    "Subscription.jobChanged": "read",
    "Subscription.events": "audit",
    "Mutation.registerWebhook": "admin",
    "Mutation.pauseWebhook": "admin",
    "Mutation.resumeWebhook": "admin",
    "Mutation.rotateWebhookSecret": "admin",
    "Mutation.removeWebhook": "admin",
    "Mutation.redeliver": "admin",
    "Mutation.replayWebhook": "admin",
    "Mutation.testWebhook": "admin",
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
    "Mutation.deleteFile": "common",
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
    "Mutation.issueApiToken": "admin",
    "Mutation.revokeApiToken": "admin",
    "Mutation.registerStation": "register",
    "Mutation.registerMeterKey": "register",
    "Mutation.removeMeterKey": "register",
    "Mutation.registerSite": "common",
    "Mutation.publishTariff": "common",
    "Mutation.withdrawTariff": "common",
    "Mutation.assignTariff": "common",
    "Mutation.unassignTariff": "common",
    "Mutation.registerBadge": "common",
    "Mutation.bindTransaction": "command",
    "Mutation.closeTransaction": "command",
    "Mutation.blockBadge": "common",
    "Mutation.unblockBadge": "common",
    "Mutation.expireBadge": "common",
    "Mutation.removeBadge": "common",
    "Mutation.importBadges": "common",
    "Mutation.scheduleExport": "admin",
    "Mutation.stopExport": "admin",
    "Mutation.registerDriver": "common",
    "Mutation.assignBadge": "common",
    "Mutation.unassignBadge": "common",
    "Mutation.forgetDriver": "admin",
    "Mutation.forgetBadge": "admin",
    "Mutation.registerAdvenirPoint": "common",
    "Mutation.importAdvenirPoints": "common",
    "Mutation.removeAdvenirPoint": "common",
    "Mutation.submitAdvenir": "common",
    "Mutation.retryAdvenirSubmission": "common",
    "Mutation.abandonAdvenirSubmission": "common",
    "Mutation.clearCache": "command",
    "Mutation.sendLocalList": "command",
    "Mutation.syncLocalList": "command",
    "Mutation.keepLocalList": "command",
    "Mutation.getLocalListVersion": "command",
    "GET /health/live": "open",
    "GET /health/ready": "open",
    "GET /metrics": "open",
    "GET /api/openapi.json": "open",
    "POST /api/session": "open",
    "DELETE /api/session": "open",
    "GET /api/events": "audit",
    "GET /api/events.jsonl": "audit",
    "GET /api/events.csv": "audit",
    "GET /api/events.proof": "audit",
    "GET /api/proofs": "audit",
    "GET /api/advenir/{transaction}/proofs": "audit",
    "GET /api/exports/{dataset}.{suffix}": "read",
    "GET /api/persons": "admin",
    "POST /api/files": "common",
    "GET /api/files/{file}": "command",
    "GET /api/files/job/{job}/{token}": "open",
    "PUT /api/files/job/{job}/{token}": "open",
    "POST /api/files/job/{job}/{token}": "open",
    "GET /api/files/job/{job}/{token}/{name}": "open",
    "PUT /api/files/job/{job}/{token}/{name}": "open",
    "POST /api/files/job/{job}/{token}/{name}": "open",
}
"""Every root field of GraphQL and every route of REST → the right it needs. Without a rule, nobody may."""


@dataclass(frozen=True)
class Principal:
    """Whoever holds a token: a person or a program."""

    name: str
    roles: frozenset[str]
    sites: frozenset[str] = frozenset()
    """The sites its rights are limited to; empty: no limit."""
    badges: frozenset[str] = frozenset()
    """The badges of a driver."""
    fields: frozenset[str] = frozenset()
    """The root fields and routes it is limited to, as the policy names them; empty: no limit."""
    expires_at: datetime | None = None
    token_id: str | None = None
    """The API token it came with."""

    def may(self, right: Right) -> bool:
        """Has it this right, at least over something?"""
        return not (self.roles.isdisjoint(GRANTS[right]) or (self.sites and right in EVERYWHERE))

    def may_use(self, name: str) -> bool:
        """May it use a root field or a route, as the policy names them?"""
        right = POLICY.get(name)
        return right is not None and self.may(right) and (not self.fields or name in self.fields | {"Query.me"})

    @property
    def scope(self) -> Scope | None:
        """What of the read side it sees; None: everything."""
        own = self.badges if self.roles <= {"driver"} else None
        return None if own is None and not self.sites else Scope(self.sites or None, own)
