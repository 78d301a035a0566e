"""A relay's HTTP side over a fresh ledger, for tests: no sockets, a clock that the test moves."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import func, select

from schemas.alerts import Alert
from services.http.application import build_application
from services.http.authentication import Authenticator
from services.http.limits import Quota
from services.ingest.api import posting_routes
from services.ingest.service import Ingest
from services.storage.adapters import LedgerKeys, LedgerReceipts
from services.storage.keys import NewKey
from services.storage.ports import Receipts
from services.storage.records import ApiKey, Directory, Recipient
from services.storage.sqlite import SqliteLedger
from services.storage.tables import metadata, outbox, receipts

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
URL = "http://relay.example.org"


@dataclass
class Clock:
    """Wall clock and monotonic clock in one; stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def ticks(self) -> float:
        return (self.now - START).total_seconds()

    def move(self, span: timedelta) -> None:
        self.now += span


@dataclass
class Rig:
    """What a test needs of the relay."""

    ledger: SqliteLedger
    clock: Clock
    client: httpx.AsyncClient
    keys: LedgerKeys
    authenticator: Authenticator
    recipients: dict[str, Recipient] = field(default_factory=dict)

    async def stored(self) -> tuple[int, int]:
        """Return how many receipts and outgoing records there are."""
        return await self.ledger.read(
            lambda connection: (
                connection.execute(select(func.count()).select_from(receipts)).scalar_one(),
                connection.execute(select(func.count()).select_from(outbox)).scalar_one(),
            )
        )

    async def key(
        self,
        institution_id: str = "uy-ndo",
        *,
        country: str = "UY",
        countries: Iterable[str] = (),
        scopes: Iterable[str] = ("send", "read"),
    ) -> dict[str, str]:
        """Make a key and return the header fields of a call with it."""
        secret = f"rk_{institution_id:_<16}{len(await self.keys.listed()):040}"
        key = ApiKey(
            id=f"key-{len(await self.keys.listed())}",
            institution_id=institution_id,
            country=country,
            organisation="Observatorio de ejemplo",
            role="ndo",
            contact="sat@example.org",
            countries=frozenset(countries or {country}),
            scopes=frozenset(scopes),
            created_at=self.clock.now,
        )
        await self.keys.create(NewKey(key=key, secret=secret[::-1]), actor="test")
        return {"Authorization": f"Bearer {secret[::-1]}"}


@asynccontextmanager
async def posting_rig(
    path: Path, *, requests_per_minute: int = 10_000, receipts_port: Receipts | None = None
) -> AsyncIterator[Rig]:
    """Open a rig of the posting calls alone; `receipts_port` stands in for the ledger's."""
    ledger = SqliteLedger(path / "relay.sqlite3")
    clock = Clock()
    recipients: dict[str, Recipient] = {}

    async def directory() -> Directory:
        return Directory(version=1, recipients=recipients)

    keys = LedgerKeys(ledger)
    authenticator = Authenticator(
        keys,
        quota=Quota(requests=requests_per_minute, window=timedelta(minutes=1)),
        clock=clock,
        ticks=clock.ticks,
    )
    port = receipts_port or LedgerReceipts(ledger)
    ingest = Ingest(port, directory=directory, clock=clock, public_url=URL)
    app = build_application(posting_routes(ingest, authenticator), version="0", contracts=(Alert,))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    try:
        await ledger.write(metadata.create_all)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield Rig(ledger, clock, client, keys, authenticator, recipients)
    finally:
        await ledger.close()
