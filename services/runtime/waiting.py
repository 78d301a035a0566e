"""What waits in the memory of a process to be published: bounded, and no key holds up the others.

Pure but for what it holds. Records of a key leave in the order in which they came: one that failed is put back in
front of those behind it, and its key is passed over for a while.
"""

from collections import deque
from collections.abc import Sequence

from services.storage.records import Record


class Waiting:
    """Records in order, some of whose keys are passed over."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        """Hold at most `most` records and `most_bytes` bytes of payload, and what was taken and is put back."""
        self._most = most
        self._most_bytes = most_bytes
        self._records: deque[Record] = deque()
        self._passed_over: set[tuple[str, str]] = set()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: Record) -> bool:
        """Append a record; False: there is no room."""
        size = len(record.payload)
        if len(self._records) >= self._most or self.bytes + size > self._most_bytes:
            return False
        self._records.append(record)
        self.bytes += size
        return True

    @property
    def is_half_full(self) -> bool:
        """Whether those that wait take half of the room."""
        return 2 * len(self._records) >= self._most or 2 * self.bytes >= self._most_bytes

    def take(self, *, most: int, most_bytes: int) -> list[Record]:
        """Return the first at most `most` records, ending with the one that reaches `most_bytes`.

        Where all that wait would be passed over, none is any more.
        """
        batch = self._first(most=most, most_bytes=most_bytes)
        if not batch and self._passed_over:
            self.pass_over_none()
            batch = self._first(most=most, most_bytes=most_bytes)
        return batch

    def put_back(self, records: Sequence[Record]) -> None:
        """Put back records that were taken, in their order, and pass over their keys."""
        self._records.extendleft(reversed(records))
        self.bytes += sum(len(record.payload) for record in records)
        self._passed_over.update((record.topic, record.key) for record in records)

    def pass_over_none(self) -> None:
        """Take from all keys again."""
        self._passed_over.clear()

    def _first(self, *, most: int, most_bytes: int) -> list[Record]:
        batch: list[Record] = []
        passed: list[Record] = []
        size = 0
        while self._records and len(batch) < most and size < most_bytes:
            record = self._records.popleft()
            if (record.topic, record.key) in self._passed_over:
                passed.append(record)
                continue
            batch.append(record)
            size += len(record.payload)
        self._records.extendleft(reversed(passed))
        self.bytes -= size
        return batch
