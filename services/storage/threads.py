"""The port of threads over an executor: each method is one unit of work or one query."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from schemas.events import ALERTS
from services.errors import Invalid
from services.storage import (
    announcing,
    joining,
    outbox,
    releasing,
    resolutions,
    settling,
    thread_rows,
    verdicts,
)
from services.storage.follow_ports import Follows
from services.storage.ports import Executor
from services.storage.records import Event, Message, Thread, Version
from services.storage.review_records import Reconsider, Resolution
from services.storage.settling import Rules
from services.storage.thread_records import (
    Decide,
    Died,
    Filters,
    NotTheirs,
    Outcome,
    Page,
    Proposal,
)


class LedgerThreads:
    """`Threads` in the ledger."""

    def __init__(self, executor: Executor, *, rules: Rules) -> None:
        self._executor = executor
        self._rules = rules

    async def settle(
        self,
        proposal: Proposal,
        *,
        decide: Decide,
        now: datetime,
        revive: bool = False,
        reconsider: Reconsider | None = None,
    ) -> Outcome:
        """Decide one message, once; with `reconsider` what waited for it, too."""
        unit = partial(
            releasing.settle,
            proposal=proposal,
            decide=decide,
            rules=self._rules,
            now=now,
            revive=revive,
            reconsider=reconsider,
        )
        return await self._executor.write(unit)

    def follow(
        self,
        propose: Callable[[Event], tuple[Proposal, Decide] | None],
        then: Callable[[Sequence[str]], None],
        *,
        reconsider: Reconsider,
        clock: Callable[[], datetime],
    ) -> Callable[[], None]:
        """Decide a message in the transaction that accepts it, where one writer runs everything and no one waits."""
        if not isinstance(self._executor, Follows):
            return _nothing

        def unit(connection: Connection, events: Sequence[Event]) -> Sequence[str]:
            proposed = propose(events[0]) if len(events) == 1 else None
            if proposed is None:
                return ()
            proposal, decide = proposed
            outcome = releasing.settle(
                connection,
                proposal,
                decide=decide,
                rules=self._rules,
                now=clock(),
                reconsider=reconsider,
            )
            if isinstance(outcome, Died):  # its dead letter is made when it is read from its topic
                raise Invalid(outcome.reason)
            return (events[0].event_id,)

        return self._executor.follow(ALERTS, unit, then, patient=True)

    async def expected(self, message: Message) -> list[Resolution]:
        """Return what people said in the thread that a message will join."""
        query = partial(resolutions.expected, message=message, may_see=self._rules.may_see)
        return await self._executor.read(query)

    async def not_theirs(self, message: Message) -> NotTheirs | None:
        """Return why this sender may not change what a message refers to."""
        query = partial(joining.not_theirs, message=message, may_see=self._rules.may_see)
        return await self._executor.read(query)

    async def expire_held(self, *, now: datetime, most: int) -> int:
        """Put held messages whose deadline has passed on their topic again."""
        return await self._executor.write(partial(settling.expire, now=now, most=most))

    async def unrouted(self, *, before: datetime, most: int) -> list[tuple[str, int]]:
        """Return verdicts decided before `before` and not routed."""
        return await self._executor.read(partial(verdicts.unrouted, before=before, most=most))

    async def announce_again(self, message_id: str, revision: int, *, attempt: str, now: datetime) -> bool:
        """Put an unrouted verdict on its topic again."""
        unit = partial(_announce_again, message_id=message_id, revision=revision, attempt=attempt, now=now)
        return await self._executor.write(unit)

    async def thread(self, thread_id: str) -> Thread | None:
        """Return one thread."""
        return await self._executor.read(partial(thread_rows.get, thread_id=thread_id))

    async def by_relay_id(self, relay_id: str) -> Thread | None:
        """Return the thread with this relay id."""
        return await self._executor.read(partial(thread_rows.by_relay_id, relay_id=relay_id))

    async def by_opaque_id(self, opaque_id: str) -> Thread | None:
        """Return the thread with this opaque id."""
        return await self._executor.read(partial(thread_rows.by_opaque_id, opaque_id=opaque_id))

    async def incident(self, incident_id: str) -> list[Thread]:
        """Return the threads that report one event."""
        return await self._executor.read(partial(thread_rows.of_incident, incident_id=incident_id))

    async def version(self, message_id: str) -> Version | None:
        """Return a classified message with its newest verdict."""
        return await self._executor.read(partial(verdicts.version, message_id=message_id))

    async def history(self, thread_id: str) -> list[Version]:
        """Return all versions of a thread."""
        return await self._executor.read(partial(verdicts.history, thread_id=thread_id))

    async def current(self, thread_id: str) -> Version | None:
        """Return the newest version of a thread that was told."""
        return await self._executor.read(partial(verdicts.current, thread_id=thread_id))

    async def newest(self, *, before: int, most: int) -> Page:
        """Return what was told, newest first."""
        return await self._executor.read(partial(verdicts.newest, before=before, most=most))

    async def page(self, *, after: int, most: int, filters: Filters) -> Page:
        """Return classified messages behind a cursor."""
        return await self._executor.read(partial(verdicts.page, after=after, most=most, filters=filters))


def _announce_again(
    connection: Connection, *, message_id: str, revision: int, attempt: str, now: datetime
) -> bool:
    version = verdicts.awaits_routing(connection, message_id, revision=revision)
    if version is None:
        return False
    verdict = verdicts.NewVerdict(
        message_id=message_id,
        thread_id=version.thread.id,
        thread_version=version.thread_version,
        silent=version.silent,
        country=version.alert.location.country,
        classification=version.classification,
        correlation=version.correlation,
        revision=version.revision,
        cause=version.cause,
    )
    event = announcing.classified(version.message, verdict, thread=version.thread, now=version.decided_at)
    outbox.append(connection, replace(event, event_id=f"{event.event_id}:{attempt}"), now=now)
    return True


def _nothing() -> None:
    """End nothing."""
