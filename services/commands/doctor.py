"""`relay doctor`: what would keep this installation from working, each check with its reason."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import aiosmtplib
import typer
from sqlalchemy import Connection

from services.commands import endpoints, ledger, output
from services.commands.faults import FAILED
from services.directory.notices import silent, told, unsigned
from services.errors import Misconfigured, Transient
from services.runtime import ledgers, settings, together
from services.storage import dead_letters, inspection, recipients, webhook_secrets
from services.storage.inspection import Unusable
from services.storage.records import Directory, Recipient

_LEAST_FREE: Final = 1 << 30  # bytes; a year of alerts is far below, a full disk refuses every alert
_MOST_AHEAD: Final = timedelta(minutes=1)
_SMTP_WAIT: Final = 10.0  # seconds
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    check: str
    passed: bool
    detail: str


def doctor(as_json: output.Json = False) -> None:
    """Check settings, ledger, disk, directory, addresses, mail server and more; exit status 1 where one fails."""
    held = settings.load()
    findings = list(examine(held))
    rows = [{"check": one.check, "passed": one.passed, "detail": one.detail} for one in findings]
    output.listing(rows, ("check", "passed", "detail"), as_json=as_json)
    if not all(one.passed for one in findings):
        raise typer.Exit(FAILED)


def examine(held: settings.Settings) -> Iterator[Finding]:
    """Yield what each check found; one that cannot run says why, and the others still run."""
    place = held.ledger.path
    of_file: tuple[tuple[str, Callable[[], str]], ...] = (
        ("ledger", lambda: _ledger(place)),
        ("ledger writable", lambda: _writable(place)),
        ("disk space", lambda: _space(place)),
    )
    of_database: tuple[tuple[str, Callable[[], str]], ...] = (
        ("ledger", lambda: _database(held)),
        ("ledger writable", _database_writable),
    )
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("settings", lambda: _settings(held)),
        *(of_file if held.ledger.url is None else of_database),
        ("audit chain", _chain),
        ("recipients", _recipients),
        ("webhook secrets", _webhook_secrets),
        ("addresses", _addresses),
        ("dead letters", _dead_letters),
        ("mail server", lambda: asyncio.run(_smtp(held.email))),
        ("clock", _clock),
    )
    for name, check in checks:
        try:
            yield Finding(check=name, passed=True, detail=check())
        except (Unusable, Misconfigured, Transient) as fault:
            yield Finding(check=name, passed=False, detail=str(fault))


def _settings(held: settings.Settings) -> str:
    """Never makes the file of the keys: the first start does."""
    for fault in together.faults(held):
        raise fault
    if found := list(together.advice(held)):
        raise Unusable("; ".join(found))
    return "right, and the keys have the right form"


def _ledger(place: Path) -> str:
    whole = inspection.inspect(place)
    if place.stat().st_mode & 0o077:
        raise Unusable("can be read by other accounts of this machine: chmod 600")
    return f"{whole.size} bytes, whole, revision {whole.revision}"


def _writable(place: Path) -> str:
    inspection.try_to_write(place)
    return "takes a transaction"


def _database(held: settings.Settings) -> str:
    ledgers.require_head(held.ledger)
    return f"{ledgers.place_of(held.ledger)} answers, revision {ledgers.revision_of(held.ledger)}"


def _database_writable() -> str:
    ledger.using(lambda opened: opened.executor.write(inspection.take_a_transaction))
    return "takes a transaction"


def _space(place: Path) -> str:
    free = shutil.disk_usage(place.absolute().parent).free
    if free < _LEAST_FREE:
        raise Unusable(f"{free >> 20} MiB left for the ledger")
    return f"{free >> 20} MiB left"


def _chain() -> str:
    broken = ledger.using(lambda opened: opened.audit.broken())
    if broken is not None:
        raise Unusable(f"record {broken} does not follow from the one before")
    return "every record follows from the one before"


def _recipients() -> str:
    found = _directory()
    if sentences := list(silent(found)):
        raise Unusable("; ".join(sentences))
    return f"{len(told(found))} are told"


def _webhook_secrets() -> str:
    holders = ledger.using(
        lambda opened: opened.executor.read(partial(webhook_secrets.holders, now=ledger.now()))
    )
    if waiting := unsigned(_directory(), with_secret=holders):
        raise Unusable(f"`relay recipients webhook-secret` is missing for {' '.join(waiting)}")
    return "every webhook has one"


def _addresses() -> str:
    rows = ledger.using(lambda opened: opened.executor.read_slowly(endpoints.unwell))
    if rows:
        found = "; ".join(
            f"{row['recipient_id'] or 'nobody'} {row['channel']} {row['state']}"
            + (f": {row['reason']}" if row["reason"] else "")
            for row in rows[:_MOST_NAMED]
        )
        raise Unusable(f"{len(rows)} take nothing (`relay recipients endpoints`): {found}")
    return "none that fails"


def _dead_letters() -> str:
    waiting = ledger.using(lambda opened: opened.executor.read(dead_letters.count))
    if waiting:
        raise Unusable(f"{waiting} wait for a person: `relay dead-letters list`")
    return "none"


def _directory() -> list[Recipient]:
    read: Callable[[Connection], Directory] = partial(recipients.read, version=0)
    return list(ledger.using(lambda opened: opened.executor.read(read)).recipients.values())


async def _smtp(email: settings.EmailSettings) -> str:
    client = aiosmtplib.SMTP(
        hostname=email.host,
        port=email.port,
        timeout=_SMTP_WAIT,
        use_tls=email.tls == "implicit",
        start_tls=email.tls == "starttls",
    )
    try:
        await client.connect()
        if email.username is not None and email.password is not None:
            await client.login(email.username, email.password.get_secret_value())
        await client.quit()
    except (aiosmtplib.SMTPException, OSError) as fault:
        raise Unusable(f"{email.host}:{email.port} does not take mail: {type(fault).__name__}") from fault
    return f"{email.host}:{email.port} answers"


def _clock() -> str:
    newest = ledger.using(lambda opened: opened.executor.read(inspection.newest))
    now = ledger.now()
    if newest is not None and newest - now > _MOST_AHEAD:
        raise Unusable(f"is behind the ledger's newest entry of {output.moment(newest)}")
    return f"{output.moment(now)}, not behind the ledger"
