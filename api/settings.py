"""Settings: what an operator may choose, from the environment or as a flag of the same name."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import unquote, urlsplit

from domain.advenir import Index, Mode, user_id_form
from domain.badge import Unknown
from domain.event import Refusal
from domain.site import zone
from domain.station import Policy
from domain.webhook import Patience

Automation = Literal["manual", "automatic"]
Role = Literal["gateway", "projector", "api", "relay"]
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


NEW_TOKEN = secrets.token_urlsafe(24)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every field is an environment variable `BORNIER_<NAME>`; the defaults are safe on one machine."""

    database: str = "sqlite:///bornier.db"
    host: str = "127.0.0.1"
    ocpp_port: int = 9000
    http_port: int = 8000
    admin_token: str = NEW_TOKEN
    unknown_stations: Policy = "pending"
    unknown_badges: Unknown = "reject"
    master_pass_group: str = ""
    local_lists: Automation = "manual"
    local_list_items: int = 100
    clear_caches: Automation = "manual"
    heartbeat_s: int = 300
    ping_s: int = 45
    unread_s: int = 60
    call_timeout_s: int = 30
    command_deadline_s: int = 30
    start_timeout_s: int = 120
    max_frame_bytes: int = 1_048_576
    security_profile: str = "auto"
    ocpp_tls_port: int = 9443
    ocpp_tls_certificate: str = ""
    ocpp_tls_key: str = ""
    ocpp_tls_roots: str = ""
    keys: str = ""
    organisation: str = ""
    certificate_days: int = 365
    certificate_renewal_days: int = 30
    failures_per_minute: int = 10
    contracts: str = ""
    contracts_token: str = ""
    strict: bool = False
    close_silent_h: int = 0
    tokens: str = ""
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_name_claim: str = "preferred_username"
    oidc_roles_claim: str = "roles"
    oidc_roles: str = ""
    oidc_sites_claim: str = ""
    oidc_badges_claim: str = "badges"
    requests_per_minute: int = 6_000
    address_requests_per_minute: int = 12_000
    sign_in_failures_per_minute: int = 10
    trusted_proxies: str = ""
    allowed_origins: str = ""
    http_tls_certificate: str = ""
    http_tls_key: str = ""
    kafka: str = ""
    kafka_partitions: int = 6
    webhook_private: bool = False
    webhook_timeout_s: int = 20
    webhook_retry_s: int = 5
    webhook_retry_most_s: int = 36_000
    webhook_attempts: int = 9
    webhook_off_h: int = 72
    kafka_options: str = "{}"
    audit_key: str = ""
    audit_command: str = ""
    files: str = "bornier-files"
    archive: str = "bornier-archive"
    file_bytes: int = 536_870_912
    public_url: str = "auto"
    job_deadline_s: int = 86_400
    warehouse: str = ""
    exports: str = "bornier-exports"
    qualicharge_url: str = ""
    qualicharge_user: str = ""
    qualicharge_password: str = ""
    qualicharge_company: str = ""
    qualicharge_batch: int = 10
    qualicharge_calls_per_minute: int = 10
    qualicharge_timeout_s: int = 30
    qualicharge_keep_alive_h: int = 24
    qualicharge_look_s: int = 5
    qualicharge_status_fresh_min: int = 5
    qualicharge_status_age_h: int = 24
    qualicharge_session_delay_days: int = 15
    qualicharge_session_age_days: int = 365
    sftp_key: str = ""
    sftp_known_hosts: str = ""
    log_level: str = "INFO"
    time_zone: str = "Europe/Paris"
    cost_interval_s: int = 0
    advenir_url: str = ""
    advenir_verb: str = "POST"
    advenir_user_id: str = ""
    advenir_login: str = ""
    advenir_password: str = ""
    advenir_mode: Mode = "operation"
    advenir_index: Index = "relative"
    advenir_batch: int = 100
    advenir_delay_s: int = 3_600
    advenir_timeout_s: int = 30
    advenir_least_wh: int = 0
    advenir_least_s: int = 0
    open_data: bool = False

    @classmethod
    def load(cls, **flags: object) -> Settings:
        """Flags win over the environment, the environment over defaults. Raises ValueError in words of the setting."""
        chosen = {name: value for name, value in os.environ.items() if name.startswith("BORNIER_")}
        values: dict[str, object] = {}
        for known in fields(cls):
            if (flag := flags.get(known.name)) is not None:
                values[known.name] = flag
            elif text := chosen.get(f"BORNIER_{known.name.upper()}"):
                values[known.name] = READ.get(str(known.type), plain)(known.name, text)
        settings = cls(**values)  # type: ignore[arg-type]
        settings.check()
        return settings

    @property
    def audit_key_path(self) -> Path:
        """Where the key of the seals is: beside a SQLite file, else in the working directory."""
        beside = self.database.removeprefix("sqlite:///") if self.database.startswith("sqlite:///") else "bornier"
        return Path(self.audit_key or f"{beside}.audit.pem")

    @property
    def files_place(self) -> str:
        """Where files lie; a relative folder is beside the SQLite database."""
        return self.beside(self.files)

    @property
    def exports_place(self) -> str:
        """Where exports on a schedule go that name a folder; likewise."""
        return self.beside(self.exports)

    @property
    def archive_place(self) -> str:
        """Where the archive lies; likewise."""
        return self.beside(self.archive)

    def beside(self, place: str) -> str:
        database = self.database.removeprefix("sqlite:///")
        if place.startswith("s3://") or database == self.database:
            return place
        return str(Path(database).parent / place)

    @property
    def token_is_new(self) -> bool:
        """Nobody chose the admin token, so it must be shown once."""
        return self.admin_token == NEW_TOKEN

    @property
    def least_profile(self) -> int:
        """The lowest security profile of a station nobody decided about: none is needed on the machine itself only."""
        if self.security_profile != "auto":
            return int(self.security_profile)
        return 0 if self.host in LOOPBACK else 1

    @property
    def tls_pairs(self) -> list[tuple[Path, Path]]:
        """Certificate and key files of the OCPP listener with TLS; none: it does not listen."""
        return list(zip(paths(self.ocpp_tls_certificate), paths(self.ocpp_tls_key), strict=True))

    @property
    def http_tls_pairs(self) -> list[tuple[Path, Path]]:
        """Certificate and key files of the HTTP listener; none: it speaks plain HTTP."""
        return list(zip(paths(self.http_tls_certificate), paths(self.http_tls_key), strict=True))

    @property
    def origins(self) -> list[str]:
        """Pages of these origins may use the API in a browser."""
        return [part.strip() for part in self.allowed_origins.split(",") if part.strip()]

    @property
    def proxies(self) -> list[str]:
        """Addresses and networks whose X-Forwarded-For is believed."""
        return [part.strip() for part in self.trusted_proxies.split(",") if part.strip()]

    @property
    def keys_folder(self) -> Path:
        """Where our own keys are: beside the SQLite file unless somebody chose another place."""
        if self.keys:
            return Path(self.keys)
        if self.database.startswith("sqlite:///"):
            return Path(self.database.removeprefix("sqlite:///") + ".keys")
        return Path("bornier.keys")

    @property
    def secrets(self) -> set[str]:
        """What must never be in a log."""
        hidden = re.compile("password|token|secret")
        options = [str(value) for name, value in self.kafka_settings().items() if hidden.search(name)]
        tokens = [entry.rpartition(":")[2] for entry in self.tokens.split(",")]
        password = unquote(urlsplit(self.database).password or "")
        services = {self.contracts_token, self.advenir_password, self.qualicharge_password}
        return {self.admin_token, password, *services, *tokens, *options} - {""}

    def kafka_settings(self) -> dict[str, Any]:
        """What is handed to the Kafka client besides the servers. Raises ValueError."""
        try:
            options = json.loads(self.kafka_options)
        except json.JSONDecodeError as error:
            raise ValueError(f"BORNIER_KAFKA_OPTIONS is no JSON: {error}") from None
        if not isinstance(options, dict):
            raise ValueError("BORNIER_KAFKA_OPTIONS must be a JSON object")
        return options

    def webhook_patience(self) -> Patience:
        """When webhooks are tried again, and when we give up."""
        most_s, off_s = float(self.webhook_retry_most_s), self.webhook_off_h * 3600.0
        return Patience(float(self.webhook_retry_s), most_s, self.webhook_attempts, off_s)

    def check(self) -> None:
        """Refuse what cannot work, before anything starts."""
        if not self.database.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("BORNIER_DATABASE must be sqlite:///path or postgresql://…")
        for name, value, choices in (
            ("BORNIER_UNKNOWN_STATIONS", self.unknown_stations, get_args(Policy)),
            ("BORNIER_UNKNOWN_BADGES", self.unknown_badges, get_args(Unknown)),
            ("BORNIER_LOCAL_LISTS", self.local_lists, get_args(Automation)),
            ("BORNIER_CLEAR_CACHES", self.clear_caches, get_args(Automation)),
            ("BORNIER_LOG_LEVEL", self.log_level, LOG_LEVELS),
        ):
            if value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        if self.warehouse and not re.match(r"(sqlite|postgresql|mssql(\+\w+)?)://", self.warehouse):
            raise ValueError("BORNIER_WAREHOUSE must be postgresql://…, sqlite:///path or mssql+pyodbc://…")
        if self.warehouse and self.warehouse == self.database:
            raise ValueError("BORNIER_WAREHOUSE is another database than BORNIER_DATABASE, which has the views already")
        if "://" in self.files and not re.match(r"s3://[a-z0-9.-]+(/|$)", self.files):
            raise ValueError("BORNIER_FILES must be a folder or s3://bucket/prefix")
        if self.file_bytes < 1 or self.job_deadline_s < 1:
            raise ValueError("BORNIER_FILE_BYTES and BORNIER_JOB_DEADLINE_S must be 1 or more")
        if self.public_url != "auto" and not re.match(r"https?://[^\s/?#]+(/[^\s?#]*)?$", self.public_url):
            raise ValueError("BORNIER_PUBLIC_URL must be auto, or http://… or https://… without query")
        if self.unread_s < 1:
            raise ValueError(f"BORNIER_UNREAD_S must be 1 or more, not {self.unread_s}")
        try:
            zone(self.time_zone)
        except Refusal as refusal:
            raise ValueError(f"BORNIER_TIME_ZONE: {refusal}") from None
        if self.cost_interval_s < 0:
            raise ValueError(f"BORNIER_COST_INTERVAL_S must be 0 or more, not {self.cost_interval_s}")
        if self.local_list_items < 1:
            raise ValueError(f"BORNIER_LOCAL_LIST_ITEMS must be 1 or more, not {self.local_list_items}")
        if not self.admin_token.isascii() or not self.admin_token.isprintable() or not self.admin_token.strip():
            raise ValueError("BORNIER_ADMIN_TOKEN must be printable ASCII, and not blank")
        if self.security_profile not in ("auto", "0", "1", "2", "3"):
            raise ValueError(f"BORNIER_SECURITY_PROFILE must be auto, 0, 1, 2 or 3, not {self.security_profile!r}")
        certificates, keys = paths(self.ocpp_tls_certificate), paths(self.ocpp_tls_key)
        if len(certificates) != len(keys):
            raise ValueError("BORNIER_OCPP_TLS_CERTIFICATE and BORNIER_OCPP_TLS_KEY must name as many files")
        for file in (*certificates, *keys, *paths(self.ocpp_tls_roots)):
            if not file.is_file():
                raise ValueError(f"no TLS for stations: there is no file {file}")
        self.check_access()
        self.check_advenir()
        for name, days in (
            ("BORNIER_CERTIFICATE_DAYS", self.certificate_days),
            ("BORNIER_CERTIFICATE_RENEWAL_DAYS", self.certificate_renewal_days),
            ("BORNIER_FAILURES_PER_MINUTE", self.failures_per_minute),
            ("BORNIER_REQUESTS_PER_MINUTE", self.requests_per_minute),
            ("BORNIER_ADDRESS_REQUESTS_PER_MINUTE", self.address_requests_per_minute),
            ("BORNIER_SIGN_IN_FAILURES_PER_MINUTE", self.sign_in_failures_per_minute),
        ):
            if days < 1:
                raise ValueError(f"{name} must be 1 or more, not {days}")
        if self.contracts and not self.contracts.startswith(("http://", "https://")):
            raise ValueError("BORNIER_CONTRACTS must be an address that begins with http:// or https://")
        for name, number in (
            ("BORNIER_WEBHOOK_TIMEOUT_S", self.webhook_timeout_s),
            ("BORNIER_WEBHOOK_RETRY_S", self.webhook_retry_s),
            ("BORNIER_WEBHOOK_ATTEMPTS", self.webhook_attempts),
            ("BORNIER_WEBHOOK_OFF_H", self.webhook_off_h),
        ):
            if number < 1:
                raise ValueError(f"{name} must be 1 or more, not {number}")
        self.check_qualicharge()
        if self.webhook_retry_most_s < self.webhook_retry_s:
            raise ValueError("BORNIER_WEBHOOK_RETRY_MOST_S must not be less than BORNIER_WEBHOOK_RETRY_S")
        if not 1 <= self.kafka_partitions <= 10_000:
            raise ValueError("BORNIER_KAFKA_PARTITIONS must be between 1 and 10000")
        self.kafka_settings()
        if any(not server.rpartition(":")[2].isdigit() for server in self.kafka.split(",") if self.kafka):
            raise ValueError("BORNIER_KAFKA must be host:port,host:port,…")
        for name, port in (
            ("BORNIER_OCPP_PORT", self.ocpp_port),
            ("BORNIER_HTTP_PORT", self.http_port),
            ("BORNIER_OCPP_TLS_PORT", self.ocpp_tls_port),
        ):
            if not 0 <= port <= 65535:
                raise ValueError(f"{name} must be between 0 and 65535, not {port}")

    def check_advenir(self) -> None:
        """Whom and how Advenir is told. Raises ValueError."""
        for setting, value, choices in (
            ("BORNIER_ADVENIR_VERB", self.advenir_verb, ("POST", "PUT")),
            ("BORNIER_ADVENIR_MODE", self.advenir_mode, get_args(Mode)),
            ("BORNIER_ADVENIR_INDEX", self.advenir_index, get_args(Index)),
        ):
            if value not in choices:
                raise ValueError(f"{setting} must be one of {', '.join(choices)}, not {value!r}")
        for setting, number, least in (
            ("BORNIER_ADVENIR_BATCH", self.advenir_batch, 1),
            ("BORNIER_ADVENIR_TIMEOUT_S", self.advenir_timeout_s, 1),
            ("BORNIER_ADVENIR_DELAY_S", self.advenir_delay_s, 0),
            ("BORNIER_ADVENIR_LEAST_WH", self.advenir_least_wh, 0),
            ("BORNIER_ADVENIR_LEAST_S", self.advenir_least_s, 0),
        ):
            if number < least:
                raise ValueError(f"{setting} must be {least} or more, not {number}")
        if self.advenir_url:
            self.check_advenir_address()

    def check_advenir_address(self) -> None:
        parts = urlsplit(self.advenir_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise ValueError("BORNIER_ADVENIR_URL must be https://host/path, without login and password in it")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("BORNIER_ADVENIR_URL must begin with https:// : a password goes with every request")
        try:
            user_id_form(self.advenir_user_id)
        except Refusal as refusal:
            raise ValueError(f"BORNIER_ADVENIR_USER_ID: {refusal}") from None
        if not self.advenir_login or not self.advenir_password:
            raise ValueError("BORNIER_ADVENIR_LOGIN and BORNIER_ADVENIR_PASSWORD are needed with BORNIER_ADVENIR_URL")

    def check_qualicharge(self) -> None:
        """What is needed to tell QualiCharge anything. Raises ValueError."""
        if self.qualicharge_url and not re.match(r"https?://[^\s/?#@]+(/[^\s?#]*)?$", self.qualicharge_url):
            raise ValueError("BORNIER_QUALICHARGE_URL must be http://… or https://…, such as https://host/api/v1")
        parts = urlsplit(self.qualicharge_url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("BORNIER_QUALICHARGE_URL must begin with https:// : a password goes to it")
        for name in ("qualicharge_user", "qualicharge_password", "qualicharge_company"):
            if self.qualicharge_url and not getattr(self, name):
                raise ValueError(f"BORNIER_QUALICHARGE_URL needs BORNIER_{name.upper()}")
        if not self.qualicharge_company.isascii() or not (self.qualicharge_company + "x").isprintable():
            raise ValueError("BORNIER_QUALICHARGE_COMPANY must be printable ASCII: it is the User-Agent")
        numbers = [field.name for field in fields(self) if field.name.startswith("qualicharge_")]
        for name in numbers:
            value = getattr(self, name)
            if isinstance(value, int) and value < 1:
                raise ValueError(f"BORNIER_{name.upper()} must be 1 or more, not {value}")
        if not self.qualicharge_batch <= 1000:
            raise ValueError("BORNIER_QUALICHARGE_BATCH must be 1 to 1000")

    def check_access(self) -> None:
        """Who may come in over HTTP, and from where. Raises ValueError."""
        if bool(self.oidc_issuer) != bool(self.oidc_audience):
            raise ValueError("BORNIER_OIDC_ISSUER and BORNIER_OIDC_AUDIENCE need each other")
        if self.oidc_issuer and not re.match(r"https?://[^\s/?#]+(/[^\s?#]*)?$", self.oidc_issuer):
            raise ValueError("BORNIER_OIDC_ISSUER must be http://… or https://… without query")
        for origin in self.origins:
            if not re.match(r"https?://[^\s/?#*]+$", origin):
                raise ValueError(f"BORNIER_ALLOWED_ORIGINS: {origin!r} must be like https://console.example.org")
        for proxy in self.proxies:
            try:
                ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(f"BORNIER_TRUSTED_PROXIES: {proxy!r} is no address and no network") from None
        certificates, keys = paths(self.http_tls_certificate), paths(self.http_tls_key)
        if len(certificates) != len(keys):
            raise ValueError("BORNIER_HTTP_TLS_CERTIFICATE and BORNIER_HTTP_TLS_KEY must name as many files")
        for file in (*certificates, *keys):
            if not file.is_file():
                raise ValueError(f"no TLS for HTTP: there is no file {file}")


def paths(text: str) -> list[Path]:
    """Files separated by commas."""
    return [Path(part.strip()) for part in text.split(",") if part.strip()]


def plain(name: str, text: str) -> str:
    return text


def truth(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(f"BORNIER_{name.upper()} must be true or false, not {text!r}")
    return text.lower() in ("true", "1")


def whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"BORNIER_{name.upper()} must be a whole number, not {text!r}") from None


READ: dict[str, Callable[[str, str], object]] = {"int": whole, "bool": truth}
