"""Secrets: keys and variables of stations that are passwords. Their values are never part of the history."""

from __future__ import annotations

from domain.event import Refusal

PASSWORDS = frozenset({"authorizationkey", "basicauthpassword"})
"""The password of the station itself (OCPP 1.6 security whitepaper 2.2, OCPP 2.x SecurityCtrlr)."""

NAMES = PASSWORDS | {"apnpassword", "vpnpassword", "vpnkey"}
"""In lower case: names of keys and variables have none. With those of NetworkConfiguration (OCPP 2.1)."""


def secret(name: str) -> bool:
    """Is this a key or variable whose value nobody should read?"""
    return name.lower() in NAMES


def refuse(*names: str) -> None:
    """Raise Refusal if a value for one of these would have to travel in a command, whose parameters are kept."""
    for name in names:
        if name.lower() in PASSWORDS:
            raise Refusal(f"{name} is the station's password, and commands are kept: use setPassword")
        if secret(name):
            raise Refusal(f"{name} is a secret, and commands are kept: set it on the station itself")
