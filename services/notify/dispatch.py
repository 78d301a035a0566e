"""The dispatcher: claims what is due, sends it, settles it; so many at a time, and nobody waits for a dead one.

A row is claimed for a lease and settled by its token, so a process that dies in between loses nothing and a
second dispatcher never does the same work. Outcomes are settled in batches: what finishes while one batch is
being written goes into the next.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from services.errors import Transient
from services.notify.channels.sending import Sender, Sent
from services.notify.instruments import Instruments
from services.storage.delivery_records import (
    INTERNAL_ERROR,
    URGENT,
    Appetite,
    Claim,
    Deferred,
    Delivered,
    Followed,
    Routed,
    Settled,
    Settlement,
)
from services.storage.records import ChannelKind, Directory

log = structlog.get_logger(__name__)

_BATCH: Final = 128
_OF_MAIL: Final = 4  # one slot in so many: by default more than there are connections to the mail server
MARGIN: Final = timedelta(seconds=5)  # of a claim's lease: clocks differ, and what is sent has to be settled


class Deliveries(Protocol):
    """What the dispatcher needs of the deliveries port."""

    async def claim(
        self, *, now: datetime, limit: int, most_patient: int | None = None, mail: Appetite | None = None
    ) -> list[Claim]:
        """Claim due notifications, most urgent first; see `Appetite`."""
        ...

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime, appetite: Appetite | None = None
    ) -> Settled:
        """Write down how claimed notifications ended; perhaps claim the next."""
        ...

    async def expire(self, *, now: datetime, most: int = 500) -> int:
        """Take back claims whose lease has lapsed."""
        ...

    async def directory(self) -> Directory:
        """Return the directory as it now stands."""
        ...


class Dispatcher:
    """A loop of the notifier; ``clock`` tells the time, ``draw`` throws the dice in [0, 1)."""

    name = "dispatcher"

    def __init__(
        self,
        deliveries: Deliveries,
        sender: Sender,
        *,
        instruments: Instruments,
        clock: Callable[[], datetime],
        draw: Callable[[], float],
        most: int = 256,
        poll: timedelta = timedelta(seconds=1),
        drain: timedelta = timedelta(seconds=10),
        expire_every: timedelta = timedelta(seconds=15),
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._instruments = instruments
        self._clock = clock
        self._draw = draw
        self._most = most
        self._poll = poll
        self._drain = drain
        self._expire_every = expire_every
        self._wake = asyncio.Event()
        self._outcomes: asyncio.Queue[Settlement | None] = asyncio.Queue()
        self._flying: dict[str, Claim] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_at: datetime | None = None
        self._group: asyncio.TaskGroup | None = None  # while it claims

    def wake(self) -> None:
        """Look for work now; called after whatever may have made a row due."""
        self._wake.set()

    def routed(self, routed: Routed) -> None:
        """Take over what routing has read already, and look for work."""
        self._remember(routed)
        if routed.ready:
            self.wake()

    def appetite(self) -> Appetite:
        """Return how much it would take now; a quarter of the slots is kept for what is urgent.

        It stays free where two claims that were under way together took more of the rest than there was. Mail has
        slots of its own: all of it waits for one server, and where that stands still webhooks must go on.
        """
        if self._group is None:
            return Appetite(0)
        return self._appetite_beside(list(self._flying.values()))  # at once: the ledger's writer asks too

    def followed(self, followed: Followed) -> None:
        """Send what was claimed where it was routed, and look for what was not claimed there."""
        for routed in followed.routed:
            self._remember(routed)
        ready = any(one.ready for one in followed.routed)
        if ready and not followed.claims and not self._flying:  # else whoever settles claims what is due
            self.wake()
        self._start(followed.claims, followed.directory)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set, then let what is under way finish, up to the drain deadline."""
        async with asyncio.TaskGroup() as group:
            settler = group.create_task(self._settle_all(), name="notify-settler")
            expirer = group.create_task(self._expire_often(stop), name="notify-expirer")
            stopper = group.create_task(self._wake_at(stop), name="notify-stopper")
            self._group = group
            try:
                while not stop.is_set():
                    await self._claim_once()
                    await self._wait()
            finally:  # by a crash too: what is claimed with a verdict is still told here
                self._group = None
            await self._finish()
            for task in (expirer, stopper):
                task.cancel()
            await self._outcomes.put(None)
            await settler

    async def _claim_once(self) -> None:
        self._wake.clear()
        self._next_at = None
        wanted = self.appetite()
        if wanted.most < 1 and (wanted.mail is None or wanted.mail.most < 1):
            return
        try:
            claims = await self._deliveries.claim(
                now=self._clock(), limit=wanted.most, most_patient=wanted.most_patient, mail=wanted.mail
            )
        except Transient:
            return  # the ledger is out of reach: the rows are still there, and so is the next poll
        if claims:
            self._start(claims, await self._directory())

    async def _directory(self) -> Directory:
        """Return the directory as it stands after a claim: one read before may lack whom that is for."""
        while True:
            try:
                return await self._deliveries.directory()
            except Transient:
                await asyncio.sleep(self._poll.total_seconds())

    def _remember(self, routed: Routed) -> None:
        for version in routed.versions:
            self._sender.remember(version)

    def _start(self, claims: Sequence[Claim], directory: Directory) -> None:
        """Send each of these; claimed while it was about to stop, they fall due again when their lease ends."""
        if self._group is None:
            return
        for claim in claims:
            self._flying[claim.notification.id] = claim
            task = self._group.create_task(self._deliver(claim, directory))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._instruments.in_flight.set(len(self._flying))

    async def _deliver(self, claim: Claim, directory: Directory) -> None:
        began_at = self._clock()
        begun = False
        reason = "stopped"
        sent: Sent | None = None

        def begin() -> bool:
            nonlocal begun
            begun = self._left(claim) != 0
            return begun

        try:
            # What is sent when the claim is over could come after a newer version, or a second time.
            async with asyncio.timeout(self._left(claim)):
                sent = await self._sender.send(claim, directory, now=began_at, begin=begin)
        except TimeoutError:
            reason = "took_too_long"
        except Transient:
            sent = Sent(outcome=Deferred(reason="ledger", blames_endpoint=False), content=None)
        except Exception:  # a fault of ours with one letter must not keep all others from being sent
            log.exception("a notification could not be sent", notification_id=claim.notification.id)
            reason = INTERNAL_ERROR
        finally:  # cancelled at the drain deadline: whether it arrived is unknown, and that is settled too
            # It may have waited for us as well as for its receiver, whose own time is bounded by the channel.
            unknown = Deferred(reason=reason, maybe=begun, blames_endpoint=False)
            sent = sent or Sent(outcome=unknown, content=None)
            self._outcomes.put_nowait(
                Settlement(
                    notification_id=claim.notification.id,
                    token=claim.token,
                    outcome=sent.outcome,
                    content=sent.content or claim.notification.content,
                    began_at=began_at,
                    ended_at=self._clock(),
                    draw=self._draw(),
                    country=directory.country_of(claim.notification.recipient_id),
                )
            )

    def _left(self, claim: Claim) -> float | None:
        """Return for how many seconds the claim is surely ours; None: without end."""
        if claim.until is None:
            return None
        return max((claim.until - MARGIN - self._clock()).total_seconds(), 0.0)

    async def _settle_all(self) -> None:
        while True:
            batch, last = await self._next_batch()
            if batch:
                await self._settle(batch)
            if last:
                return

    async def _next_batch(self) -> tuple[list[Settlement], bool]:
        batch: list[Settlement] = []
        one = await self._outcomes.get()
        while one is not None:
            batch.append(one)
            if len(batch) >= _BATCH or self._outcomes.empty():
                return batch, False
            one = self._outcomes.get_nowait()
        return batch, True

    async def _settle(self, batch: list[Settlement]) -> None:
        while True:
            try:
                settled = await self._deliveries.settle(
                    batch, now=self._clock(), appetite=self._appetite_after(batch)
                )
                break
            except Transient:  # what was sent is sent: keep it until it can be written down
                await asyncio.sleep(self._poll.total_seconds())
        short = self.appetite().is_short  # others may wait for the room that these leave
        for one in batch:
            claim = self._flying.pop(one.notification_id, None)
            if claim is not None:
                self._count(claim, one)
        self._instruments.in_flight.set(len(self._flying))
        if settled.next_at is not None:
            self._next_at = settled.next_at if self._next_at is None else min(self._next_at, settled.next_at)
        if settled.claims:
            self._start(settled.claims, await self._directory())
        more = settled.claims is None and (settled.ready or short)
        if more or settled.next_at is not None or self._group is None:
            self.wake()

    def _appetite_after(self, batch: Sequence[Settlement]) -> Appetite | None:
        """Return what it would take once these are settled; None where it claims no more."""
        if self._group is None:
            return None
        ended = {one.notification_id for one in batch}
        return self._appetite_beside([one for name, one in self._flying.items() if name not in ended])

    def _appetite_beside(self, flying: Sequence[Claim]) -> Appetite:
        mails = [one for one in flying if one.notification.channel is ChannelKind.EMAIL]
        others = [one for one in flying if one.notification.channel is not ChannelKind.EMAIL]
        for_mail = max(self._most // _OF_MAIL, 1)
        return replace(_share(self._most - for_mail, others), mail=_share(for_mail, mails))

    def _count(self, claim: Claim, one: Settlement) -> None:
        channel, urgency = claim.notification.channel.value, claim.notification.urgency
        if isinstance(one.outcome, Delivered):
            took = (one.ended_at - claim.notification.created_at).total_seconds()
            self._instruments.observe_delay(channel, urgency, took)

    async def _wait(self) -> None:
        timeout = self._poll.total_seconds()
        if self._next_at is not None:
            timeout = min(timeout, max((self._next_at - self._clock()).total_seconds(), 0.01))
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _expire_often(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.sleep(self._expire_every.total_seconds())
            try:
                if await self._deliveries.expire(now=self._clock()):
                    self.wake()
            except Transient:
                continue

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._drain.total_seconds())
        late = list(self._tasks)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)


def _share(most: int, flying: Sequence[Claim]) -> Appetite:
    """Return what there is room for of `most` slots beside these; a quarter is kept for what is urgent."""
    kept = most // 4
    urgent = len([one for one in flying if one.notification.urgency <= URGENT])
    free = max(most - len(flying), kept - urgent, 0)
    return Appetite(free, min(free, max(most - kept - (len(flying) - urgent), 0)))
