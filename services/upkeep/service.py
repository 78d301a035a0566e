"""The loops that look after what others left: one of each at a time, by a lease, each round bounded.

Each round may be cut short or repeated: what it does is one idempotent transaction of the ledger at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

import structlog

from services.errors import Transient
from services.storage.ports import Audit, Deliveries, Leases, Outbox, Receipts, Threads
from services.upkeep import deadlines
from services.upkeep.deadlines import Policy
from services.upkeep.instruments import Ended, Instruments, Task

log = structlog.get_logger(__name__)

T = TypeVar("T")

_CHAIN_CHECKED_EVERY: Final = 360  # rounds: reading the whole chain grows with it
_ALERTS: Final = ("alerts.v1",)
_CLASSIFIED: Final = ("classified.v1",)

Round = Callable[[datetime], Awaitable[int | None]]  # returns how much was handled; None: not the time for it
Loop = Callable[[asyncio.Event], Awaitable[None]]


class Upkeep:
    """Loops without topics: a service of the runtime."""

    name = "upkeep"
    topics: Sequence[str] = ()

    def __init__(
        self,
        *,
        receipts: Receipts,
        threads: Threads,
        deliveries: Deliveries,
        outbox: Outbox,
        audit: Audit,
        leases: Leases,
        instruments: Instruments,
        policy: Policy,
        groups: Sequence[str],
        holder: str,
        clock: Callable[[], datetime],
    ) -> None:
        """`groups` read the outbox: none of it is pruned before them all. `holder` names this process."""
        self._receipts = receipts
        self._threads = threads
        self._deliveries = deliveries
        self._outbox = outbox
        self._audit = audit
        self._leases = leases
        self._instruments = instruments
        self._policy = policy
        self._groups = groups
        self._holder = holder
        self._clock = clock
        self._reachable_since = clock()
        self._late_until: dict[str, datetime] = {}  # of each group
        self._patience = deadlines.Patience(policy.reconcile_after)
        self._chained = 0
        self._rounds: Mapping[Task, Round] = {
            Task.RECONCILE: self._reconcile,
            Task.REROUTE: self._reroute,
            Task.EXPIRE_HELD: self._expire_held,
            Task.AUDIT_DELIVERIES: self._audit_deliveries,
            Task.CHAIN_AUDIT: self._chain_audit,
            Task.RETENTION: self._retain,
        }

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]:
        """Return each loop with its name; all run until `stop` is set."""
        return tuple((f"upkeep {task}", self._loop(task)) for task in Task)

    async def round(self, task: Task) -> tuple[Ended, int]:
        """Run one round of a loop if this process may; return how it ended and how much it handled."""
        now = self._clock()
        try:
            if not await self._leases.acquire(
                task, holder=self._holder, now=now, until=now + self._policy.lease
            ):
                ended, handled = Ended.ELSEWHERE, 0
            else:
                done = await self._rounds[task](now)
                ended, handled = (Ended.WAITING, 0) if done is None else (Ended.DONE, done)
        except Transient as fault:
            self._reachable_since = self._clock()
            log.warning("the ledger is out of reach", task=task, reason=str(fault))
            ended, handled = Ended.UNREACHABLE, 0
        self._instruments.ended(task, ended, handled=handled, at_seconds=now.timestamp())
        return ended, handled

    def _loop(self, task: Task) -> Loop:
        async def run(stop: asyncio.Event) -> None:
            failures = 0
            while not stop.is_set():
                ended, handled = await self.round(task)
                failures = failures + 1 if ended is Ended.UNREACHABLE else 0
                full = handled >= self._policy.most and task is not Task.AUDIT_DELIVERIES
                wait = deadlines.wait_after(self._policy, full=full, failures=failures)
                try:
                    async with asyncio.timeout(wait.total_seconds()):
                        await stop.wait()
                except TimeoutError:
                    continue

        return run

    async def _overdue_since(self, now: datetime, *, group: str, topics: Sequence[str]) -> datetime | None:
        _, oldest = await self._outbox.backlog(group=group, topics=topics)
        if deadlines.is_late(self._policy, now=now, oldest_unread_at=oldest):
            self._late_until[group] = now
        return deadlines.overdue_since(
            self._policy,
            now=now,
            reachable_since=self._reachable_since,
            late_until=self._late_until.get(group),
        )

    async def _reconcile(self, now: datetime) -> int | None:
        before = await self._overdue_since(now, group="classify", topics=_ALERTS)
        if before is None:
            return None
        again = 0
        stale = await self._receipts.stale(before=before, most=self._most_with_waiting(now))
        for message in self._due(stale, name=lambda one: one.id, now=now):
            again += await self._receipts.publish_again(message, now=now)
        if again:
            log.warning("published again", task=Task.RECONCILE, count=again)
        return again

    async def _reroute(self, now: datetime) -> int | None:
        before = await self._overdue_since(now, group="notify", topics=_CLASSIFIED)
        if before is None:
            return None
        again = 0
        unrouted = await self._threads.unrouted(before=before, most=self._most_with_waiting(now))
        for message_id, revision in self._due(unrouted, name=lambda one: f"{one[0]} {one[1]}", now=now):
            attempt = str(int(now.timestamp()))
            again += await self._threads.announce_again(message_id, revision, attempt=attempt, now=now)
        if again:
            log.warning("published again", task=Task.REROUTE, count=again)
        return again

    def _most_with_waiting(self, now: datetime) -> int:
        """Return how many to ask for: what was tried and waits for its turn stands before what is newer."""
        return self._policy.most + self._patience.waiting(now=now)

    def _due(self, found: Iterable[T], *, name: Callable[[T], str], now: datetime) -> Iterator[T]:
        """Yield those for which it is time, as many as a round may handle; each counts as a try."""
        due = (one for one in found if self._patience.due(name(one), now=now))
        return islice(due, self._policy.most)

    async def _expire_held(self, now: datetime) -> int:
        return await self._threads.expire_held(now=now, most=self._policy.most)

    async def _audit_deliveries(self, now: datetime) -> int:
        found = await self._deliveries.violations(now=now)
        self._instruments.violations.set(found)
        if found:
            log.error("notifications without an end or a next attempt", count=found)
        return found

    async def _chain_audit(self, _now: datetime) -> int:
        chained = await self._audit.chain(most=self._policy.most)
        if self._chained % _CHAIN_CHECKED_EVERY == 0:
            broken = await self._audit.broken()
            self._instruments.broken.set(broken is not None)
            if broken is not None:
                log.error("the audit's chain is broken", record=broken)
        self._chained += 1
        return chained

    async def _retain(self, now: datetime) -> int:
        pruned = await self._outbox.prune(
            groups=self._groups, now=now, keep_for=self._policy.keep_outbox, most=self._policy.most
        )
        forgotten = await self._receipts.forget_keys(
            before=now - self._policy.keep_keys, most=self._policy.most
        )
        return max(pruned, forgotten)
