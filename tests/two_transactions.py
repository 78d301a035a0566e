"""Two transactions on a real PostgreSQL that really run at once, and a third that watches them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, text

from tests.databases import PostgresHeld

A = TypeVar("A")
B = TypeVar("B")

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
_LOOK_EVERY = 0.005  # seconds
_WAIT_AT_MOST = 10.0


class Two:
    """Connections `first` and `second`; nothing is committed but when a test says so."""

    def __init__(self, url: str) -> None:
        self.first, self.second, self._third = (PostgresHeld(url) for _ in range(3))

    def in_line(
        self, one: Callable[[Connection], A], other: Callable[[Connection], B], *, undone: bool = False
    ) -> tuple[A, B]:
        """Run `one`, then start `other`, which must wait; end `one`, and return what both answered.

        `one` is committed, or with `undone` rolled back; `other` is committed.
        """
        answer = self.first.begin(one).result(_WAIT_AT_MOST)
        running = self.second.begin(other)
        self._await_lock()
        assert not running.done()
        if undone:
            self.first.rollback()
        else:
            self.first.commit()
        second = running.result(_WAIT_AT_MOST)
        self.second.commit()
        return answer, second

    def meanwhile(self, one: Callable[[Connection], A], other: Callable[[Connection], B]) -> tuple[A, B]:
        """Run and commit `other`, which must not wait, while `one` is open; then commit that."""
        answer = self.first.begin(one).result(_WAIT_AT_MOST)
        second = self.second.run(other)
        self.first.commit()
        return answer, second

    def look(self, query: Callable[[Connection], A]) -> A:
        """Run a query over what is committed now."""
        return self._third.run(query)

    def close(self) -> None:
        """Give the connections back."""
        for one in (self.first, self.second, self._third):
            one.close()

    def _await_lock(self) -> None:
        deadline = time.monotonic() + _WAIT_AT_MOST
        while not self.look(lambda connection: connection.execute(_WAITING).scalar_one()):
            assert time.monotonic() < deadline, "nobody waits for a lock"
            time.sleep(_LOOK_EVERY)


@contextmanager
def two(url: str) -> Iterator[Two]:
    """Open two transactions on one ledger."""
    opened = Two(url)
    try:
        yield opened
    finally:
        opened.close()
