"""The settings: what contradicts itself, what is misspelt, what is fine on one machine only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches

from api.doctor.finding import Finding, Findings, fail, ok, warn
from api.settings import LOOPBACK, Settings

PREFIX = "BORNIER_"
FOR_TESTS = ("TEST_", "REQUIRE_")
EVERYWHERE = {"0.0.0.0", "::", ""}


def settings(chosen: Settings, environment: Iterable[str]) -> Findings:
    found = [*misspelt(environment), *(finding for rule in RULES if (finding := rule(chosen)))]
    yield from found or [ok("settings", "nothing contradicts itself")]


def misspelt(environment: Iterable[str]) -> Findings:
    known = [f"{PREFIX}{field.name.upper()}" for field in fields(Settings)]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not name[len(PREFIX) :].startswith(FOR_TESTS):
            near = get_close_matches(name, known, 1)
            yield warn("settings", f"there is no setting {name}", f"did you mean {near[0]}?" if near else "remove it")


def hurry(chosen: Settings) -> Finding | None:
    if chosen.command_deadline_s >= chosen.call_timeout_s:
        return None
    words = "BORNIER_COMMAND_DEADLINE_S ends before BORNIER_CALL_TIMEOUT_S: commands that wait expire unsent"
    return warn("settings", words, "make the deadline at least as long as the timeout")


def unguarded(chosen: Settings) -> Finding | None:
    if chosen.host in LOOPBACK or chosen.least_profile > 0:
        return None
    words = f"stations need no password (profile 0), although {chosen.host} is open to a network"
    return warn("settings", words, "set BORNIER_SECURITY_PROFILE to 1, or 2 with TLS")


def strangers(chosen: Settings) -> Finding | None:
    if chosen.host in LOOPBACK or "accept" not in (chosen.unknown_stations, chosen.unknown_badges):
        return None
    words = "stations or badges that nobody registered are accepted from a network"
    return warn("settings", words, "set BORNIER_UNKNOWN_STATIONS=pending and BORNIER_UNKNOWN_BADGES=reject")


def unencrypted(chosen: Settings) -> Finding | None:
    if chosen.least_profile < 2 or chosen.tls_pairs:
        return None
    words = f"stations must use TLS (profile {chosen.least_profile}), and there is no certificate to listen with"
    return fail("settings", words, "set BORNIER_OCPP_TLS_CERTIFICATE and BORNIER_OCPP_TLS_KEY")


def unreachable(chosen: Settings) -> Finding | None:
    if chosen.public_url != "auto" or chosen.host not in EVERYWHERE:
        return None
    words = f"stations would be told to fetch files from http://{chosen.host}"
    return fail("settings", words, "set BORNIER_PUBLIC_URL to an address they can reach")


def fleeting(chosen: Settings) -> Finding | None:
    if not chosen.token_is_new or chosen.database.startswith("sqlite"):
        return None
    words = "every API process makes an admin token of its own at each start"
    return warn("settings", words, "set BORNIER_ADMIN_TOKEN")


def apart(chosen: Settings) -> Finding | None:
    """Where processes run on several machines, a relative place is another one on each."""
    if chosen.database.startswith("sqlite"):
        return None
    places: Mapping[str, bool] = {
        "BORNIER_KEYS": chosen.keys_folder.is_absolute(),
        "BORNIER_AUDIT_KEY": chosen.audit_key_path.is_absolute(),
        "BORNIER_FILES": chosen.files_place.startswith(("/", "s3://")),
    }
    loose = [name for name, fixed in places.items() if not fixed]
    if not loose:
        return None
    words = f"{', '.join(loose)}: where that is depends on the folder a process was started in"
    return warn("settings", words, "name absolute places that all processes share")


def overheard(chosen: Settings) -> Finding | None:
    if not chosen.contracts_token or chosen.contracts.startswith("https://"):
        return None
    return warn(
        "settings", "BORNIER_CONTRACTS_TOKEN goes over the network in the clear", "use https:// in BORNIER_CONTRACTS"
    )


RULES: tuple[Callable[[Settings], Finding | None], ...] = (
    hurry, unguarded, strangers, unencrypted, unreachable, fleeting, apart, overheard,
)  # fmt: skip
