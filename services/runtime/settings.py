"""The settings: read once, from `RELAY_*`, frozen; a wrong or unknown name stops the start.

Constructors take values, never `Settings`: only `services.cli` and `services.runtime` read this.
"""

import difflib
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from email.utils import getaddresses
from pathlib import Path
from typing import Annotated, Final, Literal, get_args, get_origin
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.errors import Misconfigured

PREFIX = "RELAY_"
_ADDRESS: Final = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_A_SPAN: Final = "a span in ISO 8601, such as PT10S, PT15M or P7D"
_NOT_OURS = frozenset({"RELAY_TEST_REQUIRE"})  # read by the test suite only


def _words(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _database(value: object) -> object:
    """Refuse what is no address of a PostgreSQL database; never repeats it, there may be a password in it."""
    if isinstance(value, str) and value:
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:  # its text has the part that is wrong, and a password may be in that
            raise ValueError("is no address: write what is special in its parts as %XX") from None
        if parts.scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        if not parts.hostname or not parts.username or not parts.path.strip("/"):
            raise ValueError("must name a user, a host and a database: postgresql://user@host:5432/database")
        if parts.netloc.count("@") > 1:  # the driver would take what follows the first for the host
            raise ValueError("must have one @: write another, in a name or a password, as %40")
        if set(parse_qs(parts.query, keep_blank_values=True)) - {"sslmode"}:
            raise ValueError("takes no option but sslmode")
    return value or None


def _mailbox(value: str) -> str:
    """Refuse what a letter could not be from: it would be tried again and again, and none would leave."""
    found = getaddresses([value])
    address = found[0][1] if len(found) == 1 else ""
    if not value.isprintable() or not _ADDRESS.fullmatch(address):
        raise ValueError("must be one address, with a name before it or not: Relay <relay@example.org>")
    return value


Mailbox = Annotated[str, AfterValidator(_mailbox)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LedgerSettings(_Group):
    """Where durable state lives."""

    path: Path = Field(Path("relay.sqlite3"), description="the SQLite file of the ledger")
    url: Annotated[SecretStr | None, BeforeValidator(_database)] = Field(
        None, description="postgresql://user@host:port/database of the ledger; empty: the SQLite file"
    )
    password: SecretStr | None = Field(None, description="password for the database, kept out of its URL")
    connections: int = Field(
        8, ge=1, le=100, description="connections to the database that a process may hold"
    )


class KafkaSettings(_Group):
    """The brokers of the scale-out runtime."""

    servers: str = Field("", description="brokers, as host:port separated by commas; empty: no Kafka")
    client_id: str = Field(
        "relay", pattern=r"^[\w.-]{1,100}$", description="how the brokers' logs and quotas name us"
    )
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how the connection is protected"
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="how we log in; needed where the protocol begins with SASL"
    )
    username: str | None = Field(None, description="name to log in with")
    password: SecretStr | None = Field(None, description="its password")
    ca_file: Path | None = Field(None, description="certificates that sign the brokers'; empty: the system's")
    certificate_file: Path | None = Field(None, description="our own certificate; empty: none is shown")
    key_file: Path | None = Field(None, description="its key; empty: it is in the certificate's file")
    topics_file: Path = Field(
        Path("deploy/kafka/topics.toml"), description="the topics that `relay topics create` makes"
    )
    replication: int | None = Field(
        None,
        ge=1,
        le=9,
        description="copies of each record; empty: as the topics file says. 1 for one broker",
    )


class HttpSettings(_Group):
    """The HTTP API and the pages."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8480, ge=0, le=65535, description="port to listen on; 0 picks a free one")
    public_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8480"), description="how recipients reach the pages: the base of every link"
    )
    requests_per_minute: int = Field(
        1200, ge=1, description="requests that one API key or address may make a minute"
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_words)] = Field(
        (),
        description="networks of reverse proxies whose X-Forwarded-For names the caller, separated by blanks",
    )
    metrics_host: str = Field("127.0.0.1", description="address of /metrics")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="port of /metrics of its own; empty: the port of the API"
    )


class ClassifySettings(_Group):
    """How alerts are classified."""

    relay_prefix: str = Field("SATA", pattern=r"^[A-Z]{2,8}$", description="first part of every relay id")
    catalogue: Path | None = Field(
        None,
        description="directory of a catalogue that `relay catalogue load` installed; empty: the package's",
    )


class EmailSettings(_Group):
    """The mail server that takes our email."""

    host: str = Field("127.0.0.1", description="SMTP server")
    port: int = Field(25, ge=1, le=65535, description="its port")
    username: str | None = Field(None, description="name to log in with; empty: no login")
    password: SecretStr | None = Field(None, description="its password")
    tls: Literal["none", "starttls", "implicit"] = Field(
        "starttls", description="how the connection is protected"
    )
    sender: Mailbox = Field(
        "relay@example.org", description="address in From, with a name before it or not: Relay <relay@…>"
    )
    reply_to: Mailbox = Field("secretariat@example.org", description="a mailbox that someone reads")
    connections: int = Field(8, ge=1, le=64, description="SMTP connections at a time")
    timeout: timedelta = Field(
        timedelta(seconds=30), description="for each step of a dialogue; scale-out: 10 s at most"
    )


class NotifySettings(_Group):
    """How notifications are sent."""

    give_up_after: timedelta = Field(timedelta(days=7), description="from the first attempt to the last")
    webhook_timeout: timedelta = Field(timedelta(seconds=15), description="for a webhook's answer")
    in_flight: int = Field(256, ge=2, le=1000, description="attempts at a time, a quarter of them for email")
    in_flight_per_endpoint: int | None = Field(
        None,
        ge=1,
        le=12,
        description="attempts at a time to one endpoint: what a killed process may send again; an outage costs it "
        "these and 8 probes; usually 4, in the scale-out mode 12 of all notifiers together",
    )
    allow_networks: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, BeforeValidator(_words)] = Field(
        (), description="private networks that webhooks may reach, separated by blanks; http is allowed there"
    )


class SecretSettings(_Group):
    """Keys of this installation. `relay keys secret` makes one."""

    links: SecretStr | None = Field(
        None,
        description="signs acknowledgement links and opaque references: version:base64, separated by blanks",
    )
    at_rest: SecretStr | None = Field(
        None, description="encrypts webhook secrets (Fernet), separated by blanks"
    )


class UpkeepSettings(_Group):
    """The loops that look after what others left."""

    reconcile_after: timedelta = Field(
        timedelta(seconds=30), description="a receipt still pending is published again"
    )
    keep_outbox: timedelta = Field(timedelta(days=7), description="how long published records are kept")
    every: timedelta = Field(timedelta(seconds=10), description="pause between two rounds")


class LogSettings(_Group):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level that is written"
    )
    form: Literal["json", "console"] = Field(
        "json", description="one JSON object a line, or text for people on a console"
    )


class Settings(BaseSettings):
    """All settings; `RELAY_LEDGER__PATH` is `ledger.path`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    ledger: LedgerSettings = LedgerSettings()
    kafka: KafkaSettings = KafkaSettings()
    http: HttpSettings = HttpSettings()
    classify: ClassifySettings = ClassifySettings()
    email: EmailSettings = EmailSettings()
    notify: NotifySettings = NotifySettings()
    secrets: SecretSettings = SecretSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    log: LogSettings = LogSettings()
    drain: timedelta = Field(
        timedelta(seconds=10), description="how long work in flight may take after SIGTERM"
    )


def load() -> Settings:
    """Read the settings from the environment.

    `Misconfigured` names every setting that is unknown or wrong, the first of them as its own; never a value.
    """
    found = dict(_unknown())
    if not found:
        try:
            return Settings()
        except ValidationError as fault:
            for error in fault.errors(include_input=False, include_url=False):
                found.setdefault(_name(error["loc"]), _said(error))
    (name, said), *others = found.items()
    raise Misconfigured(name, "; ".join((said, *(f"{other}: {why}" for other, why in others))))


def _unknown() -> Iterator[tuple[str, str]]:
    known = {name for name, _, _ in described()}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and name not in _NOT_OURS:
            near = difflib.get_close_matches(name, known, n=1)
            yield name, f"unknown setting{f'; did you mean {near[0]}?' if near else ''}"


def _said(error: ErrorDetails) -> str:
    return f"write {_A_SPAN}" if error["type"].startswith("time_delta") else error["msg"]


def choices(field: FieldInfo) -> str:
    """Return what may stand for a field whose form says it; empty where its description does."""
    if field.annotation is timedelta:
        return _A_SPAN
    if get_origin(field.annotation) is Literal:
        return " or ".join(str(one) for one in get_args(field.annotation))
    return ""


def described() -> Iterator[tuple[str, FieldInfo, object]]:
    """Yield each setting's variable, field and default, in order: the documented table is made of it."""
    for group, field in Settings.model_fields.items():
        if isinstance(field.default, _Group):
            for name, inner in type(field.default).model_fields.items():
                yield _name((group, name)), inner, inner.default
        else:
            yield _name((group,)), field, field.default


def _name(parts: tuple[str | int, ...]) -> str:
    return PREFIX + "__".join(str(part).upper() for part in parts[:2])
