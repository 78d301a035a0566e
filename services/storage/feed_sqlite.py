"""The feed of the embedded runtime: the outbox table itself, read in order.

A group's position is kept in memory and written behind it in one small transaction now and then: a crash in
between repeats records, and their ids absorb the repeat.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence, Set
from datetime import timedelta
from functools import partial

from services.errors import Transient
from services.storage import outbox
from services.storage.records import Record
from services.storage.sqlite import SqliteLedger

_POLL = 1.0  # seconds; only what another process wrote (a command beside the relay) waits for it
_WRITE_BEHIND = 0.25  # seconds between two writes of a position


class SqliteFeed:
    """Reads topics from one ledger; woken by each of its commits."""

    def __init__(self, ledger: SqliteLedger, *, most: int, linger: timedelta = timedelta(0)) -> None:
        """Yield at most `most` records at a time; `linger` lets more of them come together first."""
        self._ledger = ledger
        self._most = most
        self._linger = linger.total_seconds()
        self._woken: dict[str, asyncio.Event] = {}
        self._topics: dict[str, frozenset[str]] = {}
        self._done: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._written_at: dict[str, float] = {}
        ledger.on_commit.append(self._wake)

    async def read(
        self, topics: Sequence[str], *, group: str, stop: asyncio.Event
    ) -> AsyncIterator[list[Record]]:
        """Yield records behind the group's position until `stop` is set."""
        woken = self._woken.setdefault(group, asyncio.Event())
        self._topics[group] = frozenset(topics)
        after = await self._ledger.read(partial(outbox.position, group=group))
        self._done[group] = self._written[group] = after
        while not stop.is_set():
            woken.clear()
            records = await self._ledger.read(
                partial(outbox.read, topics=topics, after=after, most=self._most)
            )
            if records:
                after = records[-1].position
                yield records
                if len(records) == self._most or woken.is_set():
                    await asyncio.sleep(self._linger)
                    continue
            behind = self._done[group] != self._written[group]
            try:
                # not wait_for: before Python 3.12 it may swallow the cancellation by which a crash ends us
                async with asyncio.timeout(_WRITE_BEHIND if behind else _POLL):
                    await woken.wait()
            except TimeoutError:
                await self.flush(group)
        await self.flush(group)

    async def acknowledge(self, records: Sequence[Record], *, group: str) -> None:
        """Move the position behind `records`; written at once only if the last write is a while ago."""
        self._done[group] = records[-1].position
        now = asyncio.get_running_loop().time()
        if now - self._written_at.get(group, 0.0) >= _WRITE_BEHIND:
            self._written_at[group] = now
            await self.flush(group)

    async def flush(self, group: str) -> None:
        """Write the group's position down if it has moved; a ledger out of reach is asked again with the next."""
        done = self._done[group]
        if done == self._written[group]:
            return
        try:
            await self._ledger.write(partial(outbox.move, group=group, to=done), durable=False)
        except Transient:  # a restart would repeat records, as after a crash
            return
        self._written[group] = done

    def wake(self, group: str) -> None:
        """Let a waiting reader look at `stop` now."""
        if group in self._woken:
            self._woken[group].set()

    def _wake(self, topics: Set[str]) -> None:
        for group, woken in self._woken.items():
            if not self._topics[group].isdisjoint(topics):
                woken.set()
