"""The life of a certificate we signed."""

from __future__ import annotations

from datetime import timedelta

from domain.certificate import Certificate
from tests.scenario import NOW, SOMEBODY, given, refused

DAY = timedelta(days=1)


def sign(certificate: Certificate) -> None:
    life = {"not_before": NOW, "not_after": NOW + 90 * DAY}
    certificate.sign(SOMEBODY, NOW, station_id="CP1", kind="V2GCertificate", common_name="CP1", chain="PEM", **life)


def deliver(certificate: Certificate) -> None:
    certificate.deliver(SOMEBODY, NOW)


def decline(certificate: Certificate) -> None:
    certificate.decline("Rejected", SOMEBODY, NOW)


def revoke(certificate: Certificate) -> None:
    certificate.revoke("stolen", SOMEBODY, NOW)


def renew(certificate: Certificate) -> None:
    certificate.renew(SOMEBODY, NOW)


def one() -> Certificate:
    return Certificate("certificate/1f")


def test_it_is_delivered_once() -> None:
    given(one(), sign).when(deliver).then(Certificate.Delivered).when(deliver).then_nothing()


def test_what_was_delivered_is_not_declined_afterwards() -> None:
    given(one(), sign, deliver).when(decline).then_nothing()


def test_it_expires_only_while_it_is_in_use() -> None:
    soon = NOW + 61 * DAY
    used = given(one(), sign, deliver).aggregate
    assert (used.expiring(30 * DAY, NOW), used.expiring(30 * DAY, soon)) == (False, True)
    assert not given(one(), sign).aggregate.expiring(30 * DAY, soon)
    assert not given(one(), sign, deliver, revoke).aggregate.expiring(30 * DAY, soon)


def test_its_renewal_is_due_once() -> None:
    given(one(), sign, deliver).when(renew).then(Certificate.RenewalDue).when(renew).then_nothing()


def test_only_what_we_signed_is_revoked_and_once() -> None:
    refused(one(), revoke, "not signed")
    given(one(), sign).when(revoke).then(Certificate.Revoked).showing(reason="stolen")
    refused(given(one(), sign, revoke).aggregate, revoke, "already")


def test_a_revoked_certificate_is_not_delivered_any_more() -> None:
    given(one(), sign, revoke).when(deliver).then_nothing()
