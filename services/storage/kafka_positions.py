"""Which offsets of the partitions that we hold may be committed: all before the first that is not acknowledged.

Pure. A partition's record is handed out, then acknowledged, in whatever order; what is committed is the offset behind
the longest run of acknowledged records from the first that was handed out.
"""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Positions(Generic[P]):
    """The offsets that were handed out since the partitions were assigned."""

    def __init__(self) -> None:
        self._open: dict[P, deque[int]] = {}
        self._acknowledged: dict[P, set[int]] = {}
        self._committable: dict[P, int] = {}
        self._committed: dict[P, int] = {}

    def hand_out(self, partition: P, offset: int) -> None:
        """Note that a record was handed out; offsets of a partition come in ascending order."""
        self._open.setdefault(partition, deque()).append(offset)

    def acknowledge(self, partition: P, offset: int) -> None:
        """Note that a record is done with; one that was not handed out, or is done with already, changes nothing."""
        waiting = self._open.get(partition)
        if not waiting or offset < waiting[0]:
            return
        done = self._acknowledged.setdefault(partition, set())
        done.add(offset)
        while waiting and waiting[0] in done:
            first = waiting.popleft()
            done.discard(first)
            self._committable[partition] = first + 1

    def to_commit(self) -> dict[P, int]:
        """Return the offsets to commit where they have moved."""
        return {
            partition: offset
            for partition, offset in self._committable.items()
            if self._committed.get(partition) != offset
        }

    def committed(self, offsets: dict[P, int]) -> None:
        """Note that these were committed."""
        self._committed.update(offsets)

    def reached(self, partition: P) -> int | None:
        """Return the first offset that is not done with; None where nothing was handed out yet."""
        waiting = self._open.get(partition)
        return waiting[0] if waiting else self._committable.get(partition)

    def forget(self) -> None:
        """Begin anew: the partitions were taken away, and what is open of them belongs to others."""
        for kept in (self._open, self._acknowledged, self._committable, self._committed):
            kept.clear()
