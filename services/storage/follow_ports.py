"""What an executor with one writer can do beside the others."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from sqlalchemy import Connection

from services.storage.records import Event

T = TypeVar("T")


@runtime_checkable
class Follows(Protocol):
    """An executor with one writer: it can go on in the transaction of whoever appended to a topic."""

    def follow(
        self,
        topic: str,
        unit: Callable[[Connection, Sequence[Event]], T],
        then: Callable[[T], None],
    ) -> Callable[[], None]:
        """Run `unit` before each commit that appends to `topic`, and `then` after it; return how to end that.

        A unit that raises is undone by itself and forgotten: the events stay on their topic.
        """
        ...
