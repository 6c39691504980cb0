"""Certificates as every version of OCPP names them: hash data, and what is said and heeded alike."""

from __future__ import annotations

from typing import Any

from adapters.ocpp.dialect import Payload, Said
from application import trust
from application.session import Session
from domain.x509 import HashData

FIELDS = {
    "hash_algorithm": "hashAlgorithm",
    "issuer_name_hash": "issuerNameHash",
    "issuer_key_hash": "issuerKeyHash",
    "serial_number": "serialNumber",
}


def named(line: Payload) -> dict[str, Any]:
    """The fields of hash data in our words."""
    return {name: line[ocpp] for name, ocpp in FIELDS.items()}


def hash_data(line: Payload) -> HashData:
    return HashData(**named(line))


def say_delete(session: Session, wish: Payload) -> Said:
    """DeleteCertificate (M04), by the hashes the station itself reported (M04.FR.07)."""
    return Said("DeleteCertificate", {"certificateHashData": {ocpp: wish[name] for name, ocpp in FIELDS.items()}})


def heed_delete(session: Session, wish: Payload, payload: Payload, answer: Payload) -> None:
    if answer["status"] == "Accepted":
        trust.removed(session, hash_data(payload["certificateHashData"]))


def heed_install(session: Session, wish: Payload, payload: Payload, answer: Payload) -> None:
    if answer["status"] == "Accepted":
        trust.installed(session, wish["use"], wish["certificate"])
