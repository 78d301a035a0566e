"""The ledger on one SQLite file: one writer, group commit, readers beside it.

Units of work are plain functions of a connection. Those that wait are run one after the other in one
transaction, each in a savepoint of its own, so that many share one commit and one that fails takes nothing
with it. They run on the event loop: in a thread each statement would hand over the interpreter's lock and wait to have
it back, which costs a fifth of an alert.

A commit writes to the log only. The disk is asked for in a thread, for as many commits as there are by then, while
the next are run; a caller is answered when it has answered. That is what `synchronous=FULL` does, without waiting
in line. Units that say they need no disk are answered at once: what they wrote would be done again after a power cut.
The log is taken into the file beside all this (a checkpoint within a commit would hold everybody up for a tenth of a
second).
"""

import asyncio
import os
import sqlite3
import traceback
from collections import deque
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from services.errors import Transient
from services.storage.outbox import APPENDED, EVENTS
from services.storage.records import Event
from services.storage.sqlite_file import begin, driver_of, lock_file, open_engine, open_log, take_in_log

log = structlog.get_logger(__name__)

T = TypeVar("T")
Unit = Callable[[Connection], T]

_MOST_IN_A_COMMIT: Final = 256
_MOST_TOGETHER: Final = 8  # of the stages' units in a commit: who comes meanwhile waits for all of them
_MOST_BEHIND: Final = 2  # of them while a sender waits: they are heavier, and can wait
_MOST_WAITING: Final = 20_000  # a bound for every queue; far above what the HTTP limits let in
_SOFTWARE: Final = 70  # exit status of a fault in the code (sysexits.h)
_SLOW_READERS: Final = 2
_MOST_UNSYNCED: Final = 64  # commits; a disk that stands still must not take all memory
_LONGEST_PAUSE: Final = 1.0  # seconds that the writer stands still for a checkpoint
_SLICE: Final = 0.002  # seconds of units on end; then whoever else is ready has a turn
_CHANGES: Final = 2_000  # rows between two checkpoints: some eighty alerts, 20 MB of the log
_LONGEST_LOG: Final = 8_192  # pages; if it is longer, the writer lets a checkpoint end, and it begins anew
_OF_THE_LEDGER: Final = (OperationalError, sqlite3.OperationalError)


class _Waiting:
    __slots__ = ("answer", "durable", "error", "future", "unit")

    def __init__(self, unit: Unit[Any], future: asyncio.Future[Any], *, durable: bool) -> None:
        self.unit = unit
        self.durable = durable
        self.future = future
        self.answer: Any = None
        self.error: BaseException | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Committed:
    """A batch with the topics that it appended to, and what its followers want said."""

    batch: Sequence[_Waiting]
    topics: Set[str]
    followed: Sequence[Callable[[], None]]


@dataclass(frozen=True, slots=True, eq=False)
class _Follower:
    topic: str
    unit: Callable[[Connection, Sequence[Event]], Any]
    then: Callable[[Any], None]
    patient: bool


class SqliteLedger:
    """Runs units of work on one file.

    Each of `on_commit` is called on the event loop after a commit, with the topics that were appended to.
    """

    def __init__(self, path: Path, *, exclusive: bool = True) -> None:
        """Open `path`; `exclusive` refuses a second relay; without it a command works beside one."""
        self.path = path
        self.on_commit: list[Callable[[Set[str]], None]] = []
        self._followers: tuple[_Follower, ...] = ()
        self._lock = lock_file(path) if exclusive else None
        self._engine = open_engine(path)
        self._reading: Connection | None = None
        self._slow = ThreadPoolExecutor(_SLOW_READERS, thread_name_prefix="ledger-reader")
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="ledger-disk")
        self._checkpoints = ThreadPoolExecutor(1, thread_name_prefix="ledger-checkpoint")
        self._taker = self._engine.connect()  # opened now: later there may be no handle left
        self._writer = self._engine.connect()
        driver = driver_of(self._writer)
        if exclusive:  # what a disk had failed to keep may be in memory only: it is written once more
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._log = open_log(path, driver)
        driver.execute("PRAGMA busy_timeout=0")  # the loop must not stand still: `begin` waits instead
        driver.execute("PRAGMA synchronous=NORMAL")  # for `_sync` does that
        self._ahead: deque[_Waiting] = deque()
        self._behind: deque[_Waiting] = deque()
        self._unsynced: list[_Committed] = []
        self._closed = False
        self._callers = 0
        self._serving: asyncio.Task[None] | None = None
        self._syncing: asyncio.Future[None] | None = None
        self._changes = 0  # of the writer, at the last checkpoint
        self._checkpoint: asyncio.Future[int] | None = None

    async def write(self, unit: Unit[T], *, first: bool = False, durable: bool = True) -> T:
        """Run `unit` in a transaction and return what it returned, once that is on disk.

        Units run in the order in which they were handed in; those with `first`, for which a sender waits, before
        all others. Those that are not `durable` are written without waiting for the disk, unless another unit of
        their commit is: a power cut may undo them, and never what was committed before them; a killed process
        loses none.

        What the unit raises is raised here and undoes this unit only. `Transient`: the ledger is out of reach
        (disk full, too many waiting); nothing was kept.
        """
        if self._closed:
            raise Transient("the ledger is closed")
        loop = asyncio.get_running_loop()
        queue = self._ahead if first else self._behind
        if len(queue) >= _MOST_WAITING:
            raise Transient("the ledger's queue is full")
        waiting = _Waiting(unit, loop.create_future(), durable=durable)
        queue.append(waiting)
        if self._serving is None or self._serving.done():
            self._serving = loop.create_task(self._serve_or_end())
        self._callers += 1
        try:
            answer: T = await waiting.future
        finally:
            self._callers -= 1
        return answer

    def follow(
        self,
        topic: str,
        unit: Callable[[Connection, Sequence[Event]], T],
        then: Callable[[T], None],
        *,
        patient: bool = False,
    ) -> Callable[[], None]:
        """Run `unit` before each commit that appends to `topic`, and `then` after it, as on_commit's are.

        One that is `patient` does so only in a commit of one unit for which nobody else waits.
        """
        follower = _Follower(topic, unit, then, patient)
        self._followers += (follower,)

        def end() -> None:
            self._followers = tuple(one for one in self._followers if one is not follower)

        return end

    async def read(self, query: Unit[T]) -> T:
        """Run a short query on the reader's own connection; it sees all that is committed."""
        if self._reading is None:
            self._reading = self._engine.connect()
        try:
            return query(self._reading)
        finally:
            self._reading.rollback()  # else the snapshot, and with it the log, would be kept

    async def read_slowly(self, query: Unit[T]) -> T:
        """Run a long query (audit, export) in a thread, so that it holds up nobody."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, self._read_apart, query)

    async def close(self) -> None:
        """Finish what waits, then close; nothing can be written afterwards."""
        while (under_way := self._under_way()) or self._callers:
            if under_way:
                await asyncio.wait(under_way)
            await asyncio.sleep(0)  # those who are answered now may write again
        self._closed = True
        for threads in (self._slow, self._disk, self._checkpoints):
            threads.shutdown()
        os.close(self._log)
        for connection in (self._reading, self._taker, self._writer):
            if connection is not None:
                connection.close()
        self._engine.dispose()
        if self._lock is not None:
            os.close(self._lock)

    def _under_way(self) -> list[asyncio.Future[Any]]:
        both = (self._serving, self._syncing)
        return [one for one in both if one is not None and not one.done()]

    def _read_apart(self, query: Unit[T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)

    async def _serve_or_end(self) -> None:
        try:
            await self._serve()
        except asyncio.CancelledError:
            raise
        except BaseException as fault:  # noqa: BLE001  # nothing is swallowed: the process ends
            _end(fault)

    async def _serve(self) -> None:
        """Commit batch after batch until nothing waits."""
        ahead, behind = self._ahead, self._behind
        while ahead or behind:
            await self._shorten_log()
            if self._syncing is not None and len(self._unsynced) >= _MOST_UNSYNCED:
                await asyncio.wait([self._syncing])
            batch = [ahead.popleft() for _ in range(min(len(ahead), _MOST_IN_A_COMMIT))]
            room = _MOST_BEHIND if batch else _MOST_TOGETHER
            batch += [behind.popleft() for _ in range(min(len(behind), room))]
            committed = await self._commit(self._writer, batch)
            if any(one.durable and one.error is None for one in batch):
                self._unsynced.append(committed)
                if self._syncing is None:
                    self._sync()
            else:
                asyncio.get_running_loop().call_soon(self._answer, committed)
            await asyncio.sleep(0)  # whoever is ready has a turn

    async def _commit(self, connection: Connection, batch: Sequence[_Waiting]) -> _Committed:
        driver = driver_of(connection)
        followed: list[Callable[[], None]] = []
        try:
            await begin(driver)
            await _run_all(connection, driver, batch)
            alone = len(batch) == 1 and not self._ahead and not self._behind
            followed = self._follow(connection, driver, alone=alone)
            driver.execute("COMMIT")
        except (sqlite3.Error, OperationalError) as fault:
            for waiting in batch:
                waiting.error = Transient("the ledger could not commit")
                waiting.error.__cause__ = fault
            followed = []
        finally:  # cancelled with its loop too: whoever writes next finds no transaction open
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            topics = connection.info.pop(APPENDED, frozenset())
            connection.info.pop(EVENTS, None)
        return _Committed(batch, topics, followed)

    def _sync(self) -> None:
        """Ask the disk for what was committed, and answer those who wait for that."""
        synced, self._unsynced = self._unsynced, []
        self._syncing = asyncio.get_running_loop().run_in_executor(self._disk, os.fdatasync, self._log)
        self._syncing.add_done_callback(partial(self._synced, synced))

    def _synced(self, batches: Sequence[_Committed], disk: asyncio.Future[None]) -> None:
        """Answer. A disk that fails to keep what was committed ends the process: a new start finds what it has."""
        self._syncing = None
        if disk.cancelled():  # with its loop
            return
        if (fault := disk.exception()) is not None:
            _end(fault)
        for committed in batches:
            disk.get_loop().call_soon(self._answer, committed)
        if self._unsynced:
            self._sync()

    async def _shorten_log(self) -> None:
        """Begin a checkpoint when there is much to take in; wait for it only where the log has become too long.

        Without a pause the log would never end: it begins anew where all of it is taken in when the next writes.
        """
        if self._checkpoint is not None and self._checkpoint.done():
            pages, self._checkpoint = self._checkpoint.result(), None
            if pages > _LONGEST_LOG:
                await asyncio.wait([self._begin_checkpoint()], timeout=_LONGEST_PAUSE)
        changes = driver_of(self._writer).total_changes
        if self._checkpoint is None and changes - self._changes > _CHANGES:
            self._changes = changes
            self._checkpoint = self._begin_checkpoint()

    def _begin_checkpoint(self) -> asyncio.Future[int]:
        return asyncio.get_running_loop().run_in_executor(self._checkpoints, take_in_log, self._taker)

    def _follow(
        self, connection: Connection, driver: sqlite3.Connection, *, alone: bool
    ) -> list[Callable[[], None]]:
        """Let the followers go on from what the batch appended; return what they want said after the commit."""
        said: list[Callable[[], None]] = []
        for follower in self._followers:
            events = [one for one in connection.info.get(EVENTS, ()) if one.topic == follower.topic]
            if not events or (follower.patient and not alone):
                continue
            answer, fault = _apart(connection, driver, partial(follower.unit, connection, events))
            if fault is None:
                said.append(partial(follower.then, answer))
            else:  # whoever reads the topic meets the same fault, and answers for it
                log.warning("not followed", topic=follower.topic, exc_info=fault)
        return said

    def _answer(self, committed: _Committed) -> None:
        loop = asyncio.get_running_loop()
        for say in committed.followed:  # first: what was claimed is sent before anything else is done
            loop.call_soon(say)
        for waiting in committed.batch:
            if waiting.future.done():  # its caller was cancelled; what it wrote stands
                continue
            if waiting.error is None:
                waiting.future.set_result(waiting.answer)
            else:
                waiting.future.set_exception(waiting.error)
        if committed.topics:
            for callback in self.on_commit:
                callback(committed.topics)


def _end(fault: BaseException) -> NoReturn:
    """End the process: without its writer it would answer nobody, for ever."""
    traceback.print_exception(fault)
    os._exit(_SOFTWARE)


async def _run_all(connection: Connection, driver: sqlite3.Connection, batch: Sequence[_Waiting]) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + _SLICE
    for waiting in batch:
        if loop.time() > until:
            await asyncio.sleep(0)
            until = loop.time() + _SLICE
        _run(connection, driver, waiting)


def _run(connection: Connection, driver: sqlite3.Connection, waiting: _Waiting) -> None:
    waiting.answer, waiting.error = _apart(connection, driver, partial(waiting.unit, connection))
    if isinstance(waiting.error, _OF_THE_LEDGER):  # disk full, I/O error: not the unit's fault
        fault, waiting.error = waiting.error, Transient("the ledger is out of reach")
        waiting.error.__cause__ = fault


def _apart(
    connection: Connection, driver: sqlite3.Connection, work: Callable[[], T]
) -> tuple[T | None, Exception | None]:
    """Do `work` in a savepoint; return its answer, or the fault by which it alone was undone.

    Raises what undid the whole transaction.
    """
    driver.execute("SAVEPOINT apart")
    appended = len(connection.info.get(EVENTS, ()))
    try:
        answer = work()
    except Exception as fault:
        if isinstance(fault, _OF_THE_LEDGER) and not driver.in_transaction:
            raise
        driver.execute("ROLLBACK TO apart")
        driver.execute("RELEASE apart")
        del connection.info.get(EVENTS, [])[appended:]  # nobody follows what was undone
        return None, fault
    driver.execute("RELEASE apart")
    return answer, None
