"""The ledger on one SQLite file: one writer thread, group commit, readers beside it.

Units of work are plain functions of a connection. Those that wait are run one after the other in one
transaction, each in a savepoint of its own, so that many share one `fsync` and one that fails takes nothing
with it. A caller is answered only after the commit is on disk (`synchronous=FULL`), but for units that say they need
no disk: what they wrote would be done again after a power cut.
"""

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from services.errors import Misconfigured, Transient
from services.storage.outbox import APPENDED, EVENTS
from services.storage.records import Event

log = structlog.get_logger(__name__)

T = TypeVar("T")
Unit = Callable[[Connection], T]

_MOST_IN_A_COMMIT: Final = 256
_MOST_TOGETHER: Final = 8  # of the stages' units in a commit: who comes meanwhile waits for all of them
_MOST_BEHIND: Final = 2  # of them while a sender waits: they are heavier, and can wait
_MOST_WAITING: Final = 20_000  # a bound for every queue; far above what the HTTP limits let in
_SOFTWARE: Final = 70  # exit status of a fault in the code (sysexits.h)
_SLOW_READERS: Final = 2
_STATEMENTS: Final = 512  # kept prepared; the relay has about 200, some for several lengths of a list
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA cache_size=-32000",
    "PRAGMA temp_store=MEMORY",
)


class _Waiting:
    __slots__ = ("answer", "durable", "error", "first", "future", "loop", "unit")

    def __init__(
        self,
        unit: Unit[Any],
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        *,
        first: bool,
        durable: bool,
    ) -> None:
        self.unit = unit
        self.first = first
        self.durable = durable
        self.loop = loop
        self.future = future
        self.answer: Any = None
        self.error: BaseException | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Follower:
    topic: str
    unit: Callable[[Connection, Sequence[Event]], Any]
    then: Callable[[Any], None]


class SqliteLedger:
    """Runs units of work on one file.

    Each of `on_commit` is called on the event loop after a commit, with the topics that were appended to.
    """

    def __init__(self, path: Path, *, exclusive: bool = True) -> None:
        """Open `path`; `exclusive` refuses a second relay; without it a command works beside one."""
        self.path = path
        self.on_commit: list[Callable[[Set[str]], None]] = []
        self._followers: tuple[_Follower, ...] = ()
        self._engine = open_engine(path)
        self._reading: Connection | None = None
        self._slow = ThreadPoolExecutor(_SLOW_READERS, thread_name_prefix="ledger-reader")
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = lock_file(path) if exclusive else None
        self._closing = False
        self._syncs = True  # as connections are opened
        self._thread = threading.Thread(target=self._serve_or_end, name="ledger-writer", daemon=True)
        self._thread.start()

    async def write(self, unit: Unit[T], *, first: bool = False, durable: bool = True) -> T:
        """Run `unit` in a transaction and return what it returned, once that is on disk.

        Units run in the order in which they were handed in; those with `first`, for which a sender waits, before
        all others. Those that are not `durable` are written without waiting for the disk, unless another unit of
        their commit is: a power cut may undo them, and never what was committed before them; a killed process
        loses none.

        What the unit raises is raised here and undoes this unit only. `Transient`: the ledger is out of reach
        (disk full, too many waiting); nothing was kept.
        """
        loop = asyncio.get_running_loop()
        if self._waiting.qsize() >= _MOST_WAITING:
            raise Transient("the ledger's queue is full")
        waiting = _Waiting(unit, loop, loop.create_future(), first=first, durable=durable)
        self._waiting.put(waiting)
        answer: T = await waiting.future
        return answer

    def follow(
        self, topic: str, unit: Callable[[Connection, Sequence[Event]], T], then: Callable[[T], None]
    ) -> Callable[[], None]:
        """Run `unit` before each commit that appends to `topic`, and `then` after it, as on_commit's are."""
        follower = _Follower(topic, unit, then)
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
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)
        if self._reading is not None:
            self._reading.close()
        self._slow.shutdown()
        self._engine.dispose()
        if self._lock is not None:
            os.close(self._lock)

    def _read_apart(self, query: Unit[T]) -> T:
        with self._engine.connect() as connection:
            return query(connection)

    def _serve_or_end(self) -> None:
        """Serve; a fault of ours here ends the process: without its writer it would answer nobody, for ever."""
        try:
            self._serve()
        except BaseException:  # noqa: BLE001  # nothing is swallowed: the process ends
            traceback.print_exc()
            os._exit(_SOFTWARE)

    def _serve(self) -> None:
        ahead: deque[_Waiting] = deque()
        behind: deque[_Waiting] = deque()
        with self._engine.connect() as connection:
            while self._sort(ahead, behind) or ahead or behind:
                batch = [ahead.popleft() for _ in range(min(len(ahead), _MOST_IN_A_COMMIT))]
                room = _MOST_BEHIND if batch else _MOST_TOGETHER
                batch += [behind.popleft() for _ in range(min(len(behind), room))]
                self._commit(connection, batch)

    def _sort(self, ahead: deque[_Waiting], behind: deque[_Waiting]) -> bool:
        """Take all that waits; where nothing is left to do, wait for it. False: the ledger is being closed."""
        if self._closing:
            return False
        try:
            one = self._waiting.get(block=not ahead and not behind)
            while one is not None:
                (ahead if one.first else behind).append(one)
                one = self._waiting.get_nowait()
        except queue.Empty:
            return True
        self._closing = True
        return False

    def _commit(self, connection: Connection, batch: list[_Waiting]) -> None:
        driver = _driver(connection)
        followed: list[Callable[[], None]] = []
        try:
            self._sync(driver, durable=any(one.durable for one in batch))
            driver.execute("BEGIN IMMEDIATE")
            for waiting in batch:
                _run(connection, driver, waiting)
            followed = self._follow(connection, driver)
            driver.execute("COMMIT")
        except (sqlite3.Error, OperationalError) as fault:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            for waiting in batch:
                waiting.error = Transient("the ledger could not commit")
                waiting.error.__cause__ = fault
            followed = []
        topics = connection.info.pop(APPENDED, frozenset())
        connection.info.pop(EVENTS, None)
        by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        for waiting in batch:
            by_loop.setdefault(waiting.loop, []).append(waiting)
        for loop, answered in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._answer, answered, topics, followed)

    def _follow(self, connection: Connection, driver: sqlite3.Connection) -> list[Callable[[], None]]:
        """Let the followers go on from what the batch appended; return what they want said after the commit."""
        said: list[Callable[[], None]] = []
        for follower in self._followers:
            events = [one for one in connection.info.get(EVENTS, ()) if one.topic == follower.topic]
            if not events:
                continue
            driver.execute("SAVEPOINT follower")
            try:
                said.append(partial(follower.then, follower.unit(connection, events)))
            except (OperationalError, sqlite3.OperationalError):
                raise  # the ledger's fault: it befalls the whole commit
            except Exception:  # whoever reads the topic meets the same fault, and answers for it
                log.warning("not followed", topic=follower.topic, exc_info=True)
                driver.execute("ROLLBACK TO follower")
            driver.execute("RELEASE follower")
        return said

    def _sync(self, driver: sqlite3.Connection, *, durable: bool) -> None:
        """Say whether the next commit waits for the disk; it takes every commit before it along."""
        if durable is not self._syncs:
            driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._syncs = durable

    def _answer(
        self, batch: list[_Waiting], topics: Set[str], followed: Sequence[Callable[[], None]]
    ) -> None:
        for waiting in batch:
            if waiting.future.done():  # its caller was cancelled; what it wrote stands
                continue
            if waiting.error is None:
                waiting.future.set_result(waiting.answer)
            else:
                waiting.future.set_exception(waiting.error)
        if topics:
            for callback in self.on_commit:
                callback(topics)
        for say in followed:  # last: a fault in what is told here is its follower's own
            say()


def open_engine(path: Path) -> Engine:
    """Return an engine whose connections leave transactions to their user."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": _STATEMENTS},
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    event.listen(engine, "connect", prepare)
    return engine


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # the engine above opens no other
    return driver


def _run(connection: Connection, driver: sqlite3.Connection, waiting: _Waiting) -> None:
    driver.execute("SAVEPOINT unit")
    appended = len(connection.info.get(EVENTS, ()))
    try:
        waiting.answer = waiting.unit(connection)
    except (
        OperationalError,
        sqlite3.OperationalError,
    ) as fault:  # disk full, I/O error: not the unit's fault
        if not driver.in_transaction:
            raise
        driver.execute("ROLLBACK TO unit")
        waiting.error = Transient("the ledger is out of reach")
        waiting.error.__cause__ = fault
    except Exception as fault:  # noqa: BLE001  # whatever a unit raises belongs to its caller
        waiting.error = fault
        driver.execute("ROLLBACK TO unit")
    if waiting.error is not None:
        del connection.info.get(EVENTS, [])[appended:]  # nobody follows what was undone
    driver.execute("RELEASE unit")


def lock_file(path: Path) -> int:
    """Hold the file against a second process, until the returned handle is closed.

    Two writers would each think that they are the only one. `Misconfigured`: another process has it.
    """
    handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(handle)
        raise Misconfigured("RELAY_LEDGER__PATH", f"{path} is in use by another relay process") from fault
    return handle
