"""The deliveries port over an executor: each method is one unit of work or one query."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from sqlalchemy import Connection

from schemas.events import CLASSIFIED
from services.errors import Invalid
from services.storage import (
    answers,
    deliveries_chasing,
    deliveries_claiming,
    deliveries_onwards,
    deliveries_reading,
    deliveries_routing,
    deliveries_rows,
    deliveries_settling,
    verdicts,
)
from services.storage.deliveries_together import Together, Wanted
from services.storage.delivery_records import (
    Appetite,
    Attempt,
    Chased,
    Claim,
    Decide,
    Followed,
    NewAnswer,
    Remind,
    Routed,
    Rules,
    Settled,
    Settlement,
    Standing,
    ThreadLabel,
    Told,
)
from services.storage.follow_ports import DoneAlready, Follows
from services.storage.ports import Executor
from services.storage.recipients import DirectoryReader
from services.storage.records import (
    Answer,
    Directory,
    Event,
    Notification,
    NotificationState,
    Reach,
    Version,
)


class LedgerDeliveries:
    """`Deliveries` in the ledger; ``rules`` are the pure decisions of a settlement."""

    def __init__(
        self,
        executor: Executor,
        *,
        rules: Rules,
        decide: Decide,
        directory: DirectoryReader | None = None,
        per_endpoint: int = 4,
        tolerated: int = 3,
        lease: timedelta = timedelta(minutes=2),
    ) -> None:
        self._executor = executor
        self._rules = rules
        self._decide = decide
        self._directory = directory or DirectoryReader()
        # Routed with their verdict; not read again yet.
        self._done = DoneAlready()
        self._together = Together(self._route_all)
        self._onward: tuple[Callable[[Followed], None], Callable[[], Appetite]] | None = None
        self._per_endpoint = per_endpoint
        self._tolerated = tolerated
        self._lease = lease

    async def route(self, message_id: str, *, now: datetime, event_id: str | None = None) -> Routed:
        """Route a classified message and every lower version of its thread, once."""
        if event_id is not None and self._done.take(event_id):
            return Routed(versions=(), rows=0, ready=False)
        return await self._together.route(message_id, now=now)

    async def _route_all(self, wanted: Wanted) -> list[Routed | Invalid]:
        route = partial(
            deliveries_routing.route_all, wanted=wanted, decide=self._decide, directory=self._directory
        )
        if self._onward is None:
            return await self._executor.write(route)
        then, appetite = self._onward
        claim = self._claiming(appetite(), now=max(now for _, now in wanted))
        answers, followed = await self._executor.write(
            partial(deliveries_onwards.route_then_claim, route=route, directory=self._directory, claim=claim)
        )
        if followed is None:
            return answers
        then(followed)
        told = Routed(versions=(), rows=0, ready=False)
        return [told if isinstance(answer, Routed) else answer for answer in answers]

    def follow(
        self,
        then: Callable[[Followed], None],
        *,
        appetite: Callable[[], Appetite],
        clock: Callable[[], datetime],
    ) -> Callable[[], None]:
        """Claim in the transaction that routes, and where one writer runs everything in the one that classifies.

        ``then`` is told of it. What follows is no promise: whatever is not done there is done when it is read from its
        topic, or claimed by itself. Return how to end it.
        """
        if not isinstance(self._executor, Follows):
            self._onward = (then, appetite)
            return self._end_onward

        def unit(connection: Connection, events: Sequence[Event]) -> Followed:
            now = clock()
            return deliveries_onwards.route_and_claim(
                connection,
                events=events,
                decide=self._decide,
                directory=self._directory,
                claim=self._claiming(appetite(), now=now),
                now=now,
            )

        def done(followed: Followed) -> None:
            self._done.add(followed.event_ids)
            then(followed)

        return self._executor.follow(CLASSIFIED, unit, done)

    def _end_onward(self) -> None:
        self._onward = None

    async def claim(
        self, *, now: datetime, limit: int, most_patient: int | None = None, mail: Appetite | None = None
    ) -> list[Claim]:
        """Claim due notifications, most urgent first; see `Appetite`."""
        return await self._executor.write(self._claiming(Appetite(limit, most_patient, mail), now=now))

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime, appetite: Appetite | None = None
    ) -> Settled:
        """Write down how claimed notifications ended; with an ``appetite`` claim the next, where one writes.

        Where several do, look whether there is a next.
        """
        unit = partial(
            deliveries_settling.settle,
            settlements=settlements,
            rules=self._rules,
            directory=self._directory,
            now=now,
        )
        if appetite is not None and isinstance(self._executor, Follows):
            claim = self._claiming(appetite, now=now)
            unit = partial(deliveries_onwards.settle_and_claim, settle=unit, claim=claim)
        elif appetite is not None:
            unit = partial(deliveries_onwards.settle_and_look, settle=unit, settlements=settlements, now=now)
        # What is undone is sent again by its id; but what is claimed is sent before the next commit is on disk.
        return await self._executor.write(unit, first=True, durable=appetite is not None)

    def _claiming(self, appetite: Appetite, *, now: datetime) -> Callable[[Connection], list[Claim]]:
        return partial(
            deliveries_claiming.claim,
            now=now,
            appetite=appetite,
            per_endpoint=self._per_endpoint,
            tolerated=self._tolerated,
            lease=self._lease,
            token=str(uuid4()),
        )

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
        unchanged = await self._executor.read(self._directory.unchanged)
        return await self._executor.read(self._directory) if unchanged is None else unchanged

    async def version(self, message_id: str, *, revision: int) -> Version | None:
        """Return one verdict of a message with its thread as it now stands."""
        query = partial(deliveries_rows.load_version, message_id=message_id, revision=revision)
        return await self._executor.read(query)

    async def history(self, thread_id: str) -> list[Version]:
        """Return all versions of a thread."""
        return await self._executor.read(partial(verdicts.history, thread_id=thread_id))

    async def thread_labels(self, thread_ids: Iterable[str]) -> Mapping[str, ThreadLabel]:
        """Return what closes older versions of these threads, as they now stand, by id."""
        return await self._executor.read(partial(deliveries_rows.thread_labels, ids=thread_ids))

    async def thread_told(self, thread_id: str) -> list[Told]:
        """Return everything that was routed in a thread, oldest version first."""
        return await self._executor.read(partial(deliveries_routing.thread_told, thread_id=thread_id))

    async def chase(
        self,
        *,
        remind: Remind,
        now: datetime,
        silent_after: timedelta = timedelta(minutes=5),
        most: int = 200,
    ) -> Chased:
        """Write the reminders that are due, and email where a webhook stays silent."""
        unit = partial(
            deliveries_chasing.chase,
            remind=remind,
            rules=self._rules,
            directory=self._directory,
            silent_after=silent_after,
            now=now,
            most=most,
        )
        return await self._executor.write(unit)

    async def acknowledge(self, new: NewAnswer, *, now: datetime) -> Answer | None:
        """Keep an answer and stop what is still pending for its recipient; None: it was not told."""
        unit = partial(answers.acknowledge, new=new, directory=self._directory, now=now)
        return await self._executor.write(unit)

    async def answers_of(self, message_id: str) -> list[Answer]:
        """Return every answer to a message, oldest first."""
        return await self._executor.read(partial(answers.answers_of, message_id=message_id))

    async def recipients_of(self, message_id: str) -> list[str]:
        """Return the recipients that a message was routed to."""
        return await self._executor.read(partial(answers.recipients_of, message_id=message_id))

    async def routed_at(self, message_id: str, recipient_id: str) -> datetime | None:
        """Return when a message was routed to a recipient."""
        query = partial(answers.routed_at, message_id=message_id, recipient_id=recipient_id)
        return await self._executor.read(query)

    async def get(self, notification_id: str) -> Notification | None:
        """Return one notification."""
        return await self._executor.read(partial(answers.to_one, notification_id=notification_id))

    async def feed(self, recipient_id: str, *, after: int, most: int) -> list[Notification]:
        """Return what a recipient was sent or should have been, behind a cursor."""
        query = partial(deliveries_reading.feed, recipient_id=recipient_id, after=after, most=most)
        return await self._executor.read(query)

    async def of_message(self, message_id: str) -> list[Notification]:
        """Return every notification of a message."""
        return await self._executor.read(partial(deliveries_reading.of_message, message_id=message_id))

    async def reasons_of(self, message_id: str) -> dict[str, tuple[str, ...]]:
        """Return why each recipient was told of a message or not."""
        return await self._executor.read(partial(deliveries_reading.reasons_of, message_id=message_id))

    async def reach(self, message_id: str) -> Reach:
        """Return how far a message got."""
        return await self._executor.read(partial(deliveries_reading.reach, message_id=message_id))

    async def listed(self, *, state: NotificationState, after: int, most: int) -> list[Notification]:
        """Return notifications in a state, behind a cursor."""
        query = partial(deliveries_reading.listed, state=state, after=after, most=most)
        return await self._executor.read_slowly(query)

    async def attempts_of(self, notification_id: str) -> list[Attempt]:
        """Return every try to send a notification."""
        query = partial(deliveries_reading.attempts_of, notification_id=notification_id)
        return await self._executor.read(query)

    async def replay(self, notification_id: str, *, now: datetime) -> bool:
        """Make a failed or delivered notification due again under its own id."""
        unit = partial(deliveries_reading.replay, notification_id=notification_id, now=now)
        return await self._executor.write(unit)

    async def standing(self) -> Standing:
        """Return how many notifications are open or failed, and what is late."""
        return await self._executor.read_slowly(deliveries_reading.standing)

    async def violations(self, *, now: datetime) -> int:
        """Return how often promise P8 is broken."""
        return await self._executor.read_slowly(partial(deliveries_reading.violations, now=now))
