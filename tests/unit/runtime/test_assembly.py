"""What a process builds is what its services need."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.errors import Misconfigured
from services.runtime import secrets_file, settings
from services.runtime.assembly import Means, Parts, loops_of, prepare
from services.runtime.consume import Service
from services.runtime.lifecycle import Loop
from services.storage.adapters import LedgerOutbox
from services.storage.ports import DeadLetters
from tests.databases import SqlitePlace


def unread(service: Service, dead_letters: DeadLetters) -> Loop:
    async def nothing(stop: object) -> None: ...

    return nothing


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What ends with the test."""
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: AsyncExitStack) -> Parts:
    """The parts of a process whose catalogue cannot be read."""
    monkeypatch.setenv("RELAY_LEDGER__PATH", str(tmp_path / "ledger.sqlite3"))
    monkeypatch.setenv("RELAY_CLASSIFY__CATALOGUE", str(tmp_path / "nowhere"))
    held = settings.load()
    ledger = SqlitePlace(held.ledger.path).open()
    stack.push_async_callback(ledger.close)
    means = Means(
        settings=held,
        secrets=secrets_file.load(held),
        registry=CollectorRegistry(),
        executor=ledger,
        outbox=LedgerOutbox(ledger),
        reader=unread,
        checks=(),
        groups=(),
        claims_end_after=timedelta(seconds=30),
        in_flight_per_endpoint=8,
    )
    return await prepare(means, stack, balance=False)


@pytest.mark.parametrize("role", ["notify", "metrics", "upkeep"])
async def test_a_service_that_classifies_nothing_reads_no_catalogue(
    parts: Parts, stack: AsyncExitStack, role: str
) -> None:
    assert await loops_of(parts, frozenset({role}), stack)


@pytest.mark.parametrize("role", ["ingest", "classify"])
async def test_one_that_classifies_does_not_start_without_it(
    parts: Parts, stack: AsyncExitStack, role: str
) -> None:
    with pytest.raises(Misconfigured, match="RELAY_CLASSIFY__CATALOGUE"):
        await loops_of(parts, frozenset({role}), stack)


def test_mail_keeps_within_the_claims_of_the_process(parts: Parts) -> None:
    assert parts.mail._timeout == 10  # of claims that end after 30 s
