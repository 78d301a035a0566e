"""What an executor with one writer can do beside the others."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar, runtime_checkable

from sqlalchemy import Connection

from services.storage.records import Event

T = TypeVar("T")

_MOST: Final = 4096  # far more than a feed is ever behind


@runtime_checkable
class Follows(Protocol):
    """An executor with one writer: it can go on in the transaction of whoever appended to a topic."""

    def follow(
        self,
        topic: str,
        unit: Callable[[Connection, Sequence[Event]], T],
        then: Callable[[T], None],
        *,
        patient: bool = False,
    ) -> Callable[[], None]:
        """Run `unit` before each commit that appends to `topic`, and `then` after it; return how to end that.

        A unit that raises is undone by itself and forgotten: the events stay on their topic. One that is `patient`
        leaves them there too while others wait for the writer.
        """
        ...


class DoneAlready:
    """The events whose work was done in the transaction that appended them, until they are read from their topic."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, event_ids: Iterable[str]) -> None:
        """Remember these."""
        self._ids.update(dict.fromkeys(event_ids))
        while len(self._ids) > _MOST:
            self._ids.popitem(last=False)

    def take(self, event_id: str) -> bool:
        """Forget this one; return whether it was remembered."""
        if event_id not in self._ids:
            return False
        del self._ids[event_id]
        return True
