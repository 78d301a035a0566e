"""The ledger as commands use it: opened beside a running relay, closed when the command ends."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from services.errors import Misconfigured
from services.runtime import ledgers, settings
from services.storage import adapters, ports
from services.storage.verdicts import version as version_of

__all__ = ["ACTOR", "Ledger", "file", "folder", "now", "using", "version_of"]

T = TypeVar("T")
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


def file(*, instead: str) -> Path:
    """Return the file that the ledger is; raises `Misconfigured`, saying `instead`, where it is on PostgreSQL."""
    held = settings.load().ledger
    if held.url is not None:
        raise Misconfigured(ledgers.URL_SETTING, f"the ledger is on PostgreSQL: {instead}")
    return held.path


def folder() -> Path:
    """Return the folder of what an installation keeps beside its ledger."""
    return settings.load().ledger.path.absolute().parent


def using(work: Callable[[Ledger], Awaitable[T]]) -> T:
    """Run `work` with the ledger that the settings name.

    Raises `Misconfigured` where there is none, or it is at another revision than this code needs.
    """
    held = settings.load().ledger
    ledgers.require_head(held)
    return asyncio.run(_using(held, work))


async def _using(held: settings.LedgerSettings, work: Callable[[Ledger], Awaitable[T]]) -> T:
    opened = ledgers.open_ledger(held, exclusive=False)
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
