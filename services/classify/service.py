"""The classify stage: reads accepted alerts, decides each in one transaction of the ledger."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from pydantic import ValidationError

from schemas.events import ALERTS
from schemas.vocabularies import MessageType
from services.classify.assess import NOTHING_SAID, prepare
from services.classify.decide import decide, propose
from services.classify.identities import Identity
from services.classify.keys import common_keys
from services.classify.reviewing import Reviews, said_by
from services.classify.structure import StructureReader
from services.errors import Invalid, Transient
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage.follow_ports import DoneAlready
from services.storage.ports import Leases, Threads
from services.storage.receipt_records import message_of
from services.storage.records import Event, Message, Record
from services.storage.review_records import Reconsider, Resolution
from services.storage.thread_records import Decide, Died, Outcome, Proposal

log = structlog.get_logger(__name__)

_TASK: Final = "reclassify"
_LEASE: Final = timedelta(seconds=15)  # a restart waits for the lease of the process before
_PAUSE: Final = timedelta(seconds=2)


class ClassifyService:
    """Decides what each accepted message is, how grave, and what it belongs with."""

    name: Final = "classify"
    topics: Final = (ALERTS,)
    loops: tuple[Callable[[object], Awaitable[None]], ...] = ()

    def __init__(
        self,
        *,
        threads: Threads,
        catalogue: Catalogue,
        structures: StructureReader | None,
        plan: Mapping[str, PlanBasis],
        clock: Callable[[], datetime],
    ) -> None:
        """Take the tables and the port."""
        self._threads = threads
        self._catalogue = catalogue
        self._structures = structures
        self._plan = plan
        self._clock = clock
        self._common = common_keys(catalogue)
        self._done = DoneAlready()

    def follow(self) -> Callable[[], None]:
        """Decide a new alert in the transaction that accepts it, where the ledger can; return how to end it.

        What follows is no promise: whatever is not decided there is decided when it is read from its topic.
        """
        return self._threads.follow(
            self._at_once, self._done.add, reconsider=self._prepared_again, clock=self._clock
        )

    def _at_once(self, event: Event) -> tuple[Proposal, Decide] | None:
        message = message_of(event.payload)
        if _brought_again(event, message) or _may_join(message):
            return None
        return self._proposed(message, NOTHING_SAID)

    async def handle(self, record: Record) -> None:
        """Decide one message; a repeat changes nothing.

        Raises `Invalid` for what can never be classified (its receipt is then dead), `Transient` for a ledger
        out of reach.
        """
        if self._done.take(record.event_id):
            return
        outcome = await self._settle(read(record), record)
        if isinstance(outcome, Died):
            raise Invalid(outcome.reason)

    async def _settle(self, message: Message, record: Record) -> Outcome:
        said = NOTHING_SAID
        if _may_join(message):
            said = said_by(await self._threads.expected(message), self._catalogue)
        proposal, deciding = self._proposed(message, said)
        # Brought again it is decided alone: a fault of what waited for it must not hold it up for ever.
        together = None if _brought_again(record, message) else self._prepared_again
        revive = not record.event_id.startswith(message.id)
        return await self._threads.settle(
            proposal, decide=deciding, now=self._clock(), revive=revive, reconsider=together
        )

    def _prepared_again(self, message: Message, resolutions: Sequence[Resolution]) -> tuple[Proposal, Decide]:
        return self._proposed(message, said_by(resolutions, self._catalogue))

    def _proposed(
        self, message: Message, said: Mapping[tuple[int, int], Identity]
    ) -> tuple[Proposal, Decide]:
        prepared = prepare(
            message.alert,
            catalogue=self._catalogue,
            structures=self._structures,
            plan=self._plan,
            said=said,
        )
        proposal = propose(message, prepared, common=self._common)
        return proposal, partial(decide, proposal=proposal, prepared=prepared, common=self._common)


def _brought_again(record: Event | Record, message: Message) -> bool:
    return record.event_id != message.id


def _may_join(message: Message) -> bool:
    """Return whether it may join a thread in which people have said something."""
    return message.alert.version > 1 or message.alert.message_type is not MessageType.ALERT


def read(record: Record) -> Message:
    """Return the message of a record of alerts.v1. Raises `Invalid` for anything else."""
    try:
        return message_of(record.payload)
    except ValidationError as fault:
        raise Invalid("undecodable", f"{fault.error_count()} faults") from fault


class Reclassifier:
    """Decides open threads again where another catalogue decided them: once after a start, a little at a time.

    One process does it, by a lease. How far it came is kept, so that a restart goes on from there.
    """

    def __init__(
        self,
        reviews: Reviews,
        leases: Leases,
        *,
        reconsider: Reconsider,
        catalogue_version: str,
        holder: str,
        clock: Callable[[], datetime],
        most: int = 200,
    ) -> None:
        """Take the ports and the catalogue in use; `holder` names this process, `most` bounds one round."""
        self._reviews = reviews
        self._leases = leases
        self._reconsider = reconsider
        self._version = catalogue_version
        self._holder = holder
        self._clock = clock
        self._most = most

    async def run(self, stop: asyncio.Event) -> None:
        """Run rounds until nothing is left, then wait for `stop`."""
        changed, left = 0, True
        while left and not stop.is_set():
            try:
                done, left = await self.round()
                changed += done
            except Transient as fault:
                log.warning("the ledger is out of reach", task=_TASK, reason=str(fault))
            if left:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _PAUSE.total_seconds())
        if changed:
            log.info("classified again", catalogue=self._version, count=changed)
        await stop.wait()

    async def round(self) -> tuple[int, bool]:
        """Look at the next verdicts; return how many messages changed, and whether more is left to look at."""
        now = self._clock()
        if not await self._leases.acquire(_TASK, holder=self._holder, now=now, until=now + _LEASE):
            return 0, True
        found = await self._reviews.outdated(catalogue_version=self._version, most=self._most)
        changed = 0
        for message_id in found.message_ids:
            changed += await self._reviews.reclassify(
                message_id,
                catalogue_version=self._version,
                reconsider=self._reconsider,
                now=self._clock(),
            )
        if found.looked_at:
            await self._reviews.passed(catalogue_version=self._version, cursor=found.cursor)
        return changed, found.looked_at == self._most
