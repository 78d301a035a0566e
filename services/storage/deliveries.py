"""The deliveries port over an executor: each method is one unit of work or one query."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from sqlalchemy import Connection

from services.storage import (
    deliveries_claiming,
    deliveries_routing,
    deliveries_rows,
    deliveries_settling,
    endpoints,
    webhook_secrets,
)
from services.storage.delivery_records import Claim, Decide, Health, Routed, Rules, Settled, Settlement, Told
from services.storage.ports import Executor
from services.storage.recipients import DirectoryReader
from services.storage.records import Directory, Version
from services.storage.webhook_secrets import SecretBox


class LedgerDeliveries:
    """`Deliveries` in the ledger; ``rules`` are the pure decisions of a settlement."""

    def __init__(
        self,
        executor: Executor,
        *,
        rules: Rules,
        decide: Decide,
        directory: Callable[[Connection], Directory] | None = None,
        per_endpoint: int = 12,
        tolerated: int = 3,
        lease: timedelta = timedelta(minutes=2),
    ) -> None:
        self._executor = executor
        self._rules = rules
        self._decide = decide
        self._directory = directory or DirectoryReader()
        self._per_endpoint = per_endpoint
        self._tolerated = tolerated
        self._lease = lease

    async def route(self, message_id: str, *, now: datetime) -> Routed:
        """Route a classified message and every lower version of its thread, once."""
        unit = partial(
            deliveries_routing.route,
            message_id=message_id,
            decide=self._decide,
            directory=self._directory,
            now=now,
        )
        return await self._executor.write(unit)

    async def claim(self, *, now: datetime, limit: int, least_urgent: int = 3) -> list[Claim]:
        """Claim due notifications, most urgent first."""
        unit = partial(
            deliveries_claiming.claim,
            now=now,
            limit=limit,
            per_endpoint=self._per_endpoint,
            tolerated=self._tolerated,
            lease=self._lease,
            token=str(uuid4()),
            least_urgent=least_urgent,
        )
        return await self._executor.write(unit)

    async def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> Settled:
        """Write down how claimed notifications ended."""
        unit = partial(
            deliveries_settling.settle,
            settlements=settlements,
            rules=self._rules,
            directory=self._directory,
            now=now,
        )
        return await self._executor.write(unit)

    async def expire(self, *, now: datetime, most: int = 500) -> int:
        """Take back claims whose lease has lapsed; return how many."""
        unit = partial(
            deliveries_settling.expire, rules=self._rules, directory=self._directory, now=now, most=most
        )
        return await self._executor.write(unit)

    async def release_claims_of_dead_holder(self, *, now: datetime) -> int:
        """Take back every claim: only for the start of the only process."""
        unit = partial(
            deliveries_settling.release_claims_of_dead_holder,
            rules=self._rules,
            directory=self._directory,
            now=now,
        )
        return await self._executor.write(unit)

    async def directory(self) -> Directory:
        """Return the directory as it now stands."""
        return await self._executor.read(self._directory)

    async def version(self, message_id: str, *, revision: int) -> Version | None:
        """Return one verdict of a message with its thread as it now stands."""
        query = partial(deliveries_rows.load_version, message_id=message_id, revision=revision)
        return await self._executor.read(query)

    async def thread_told(self, thread_id: str) -> list[Told]:
        """Return everything that was routed in a thread, oldest version first."""
        return await self._executor.read(partial(deliveries_routing.thread_told, thread_id=thread_id))

    async def ailing_endpoints(self) -> list[Health]:
        """Return the endpoints that fail or are disabled."""
        return await self._executor.read(endpoints.listed)

    async def enable_endpoint(self, endpoint_id: str, *, now: datetime) -> bool:
        """Clear what an endpoint backs off for, and make its queue due."""
        return await self._executor.write(partial(endpoints.enable, endpoint_id=endpoint_id, now=now))


class LedgerSecrets:
    """`Secrets` in the ledger; what was read is kept for a moment, for every webhook asks."""

    def __init__(
        self, executor: Executor, box: SecretBox, *, keep_for: timedelta = timedelta(seconds=5)
    ) -> None:
        self._executor = executor
        self._box = box
        self._keep_for = keep_for
        self._kept: dict[str, tuple[datetime, list[bytes]]] = {}

    async def valid(self, institution_id: str, *, now: datetime) -> list[bytes]:
        """Return the secrets of an institution that sign now, newest first."""
        kept = self._kept.get(institution_id)
        if kept is not None and kept[0] <= now < kept[0] + self._keep_for:
            return kept[1]
        found = await self._executor.read(
            partial(webhook_secrets.valid, institution_id=institution_id, box=self._box, now=now)
        )
        self._kept[institution_id] = (now, found)
        return found

    async def rotate(
        self,
        institution_id: str,
        *,
        secret_id: str,
        secret: bytes,
        overlap_until: datetime,
        actor: str,
        now: datetime,
    ) -> None:
        """Add a secret; those before it go on signing until ``overlap_until``."""
        unit = partial(
            webhook_secrets.rotate,
            institution_id=institution_id,
            secret_id=secret_id,
            secret=secret,
            box=self._box,
            overlap_until=overlap_until,
            actor=actor,
            now=now,
        )
        await self._executor.write(unit)
        self._kept.pop(institution_id, None)
