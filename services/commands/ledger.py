"""The ledger as commands use it: opened beside a running relay, closed when the command ends.

With `runtime.embedded` and `runtime.kafka` this is the one module that names adapters.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from services.errors import Misconfigured
from services.runtime import settings
from services.storage import adapters, inspection, migrations, ports
from services.storage.sqlite import SqliteLedger, lock_file, open_engine
from services.storage.verdicts import version as version_of

__all__ = ["ACTOR", "SETTING", "Ledger", "migrate", "needs_migration", "now", "path", "using", "version_of"]

T = TypeVar("T")
SETTING = "RELAY_LEDGER__PATH"
ACTOR = "operator"  # of acts done by a command, in the audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The ports that commands use."""

    executor: ports.Executor
    keys: ports.Keys
    receipts: ports.Receipts
    dead_letters: ports.DeadLetters
    audit: ports.Audit


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def path() -> Path:
    """Return where the ledger is; raises `Misconfigured` for wrong settings."""
    return settings.load().ledger.path


def using(work: Callable[[Ledger], Awaitable[T]]) -> T:
    """Run `work` with the ledger that the settings name.

    Raises `Misconfigured` where there is none, or it is at another revision than this code needs.
    """
    place = path()
    if fault := needs_migration(place):
        raise Misconfigured(SETTING, f"{place}: {fault}; run `relay migrate`")
    return asyncio.run(_using(place, work))


def migrate(place: Path) -> tuple[str | None, str | None]:
    """Bring the ledger up to the newest revision, creating it; return the revisions before and after.

    Raises `Misconfigured` while a relay has it open, or where its folder is missing.
    """
    if not place.absolute().parent.is_dir():
        raise Misconfigured(SETTING, f"there is no folder {place.absolute().parent}")
    before = _revision(place) if place.exists() else None
    handle = lock_file(place)
    try:
        engine = open_engine(place)
        migrations.upgrade(engine)
        engine.dispose()
        place.chmod(0o600)  # it holds what is above TLP:GREEN
    finally:
        os.close(handle)
    return before, _revision(place)


def needs_migration(place: Path) -> str | None:
    """Return why the ledger must be migrated, or None."""
    if not place.exists():
        return "there is no ledger yet"
    found = _revision(place)
    return None if found == migrations.HEAD else f"it is at revision {found or 'none'}, not {migrations.HEAD}"


def _revision(place: Path) -> str | None:
    try:
        return inspection.revision_of(place)
    except inspection.Unusable as fault:
        raise Misconfigured(SETTING, f"{place} {fault}") from fault


async def _using(place: Path, work: Callable[[Ledger], Awaitable[T]]) -> T:
    opened = SqliteLedger(place, exclusive=False)
    try:
        return await work(
            Ledger(
                executor=opened,
                keys=adapters.LedgerKeys(opened),
                receipts=adapters.LedgerReceipts(opened),
                dead_letters=adapters.LedgerDeadLetters(opened),
                audit=adapters.LedgerAudit(opened),
            )
        )
    finally:
        await opened.close()
