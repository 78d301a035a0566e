"""Versions that were read a moment ago, for the next reader: a bounded number, and a bounded size."""

from collections import OrderedDict
from typing import Final

from services.storage.records import Version

_MOST: Final = 2048  # a burst is routed faster than it is sent
_MOST_BYTES: Final = 2 * 2**20  # of JSON without defaults; parsed 8 times that, and 21 times at worst

_Key = tuple[str, int]


class KeptVersions:
    """The newest versions, by message and revision; each thread as it stood when it was last read."""

    def __init__(self, *, most: int = _MOST, most_bytes: int = _MOST_BYTES) -> None:
        """Keep up to ``most`` versions whose alerts are ``most_bytes`` of JSON together."""
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[_Key, tuple[Version, int]] = OrderedDict()
        self._together: dict[str, set[_Key]] = {}  # the keys of what is kept, by thread
        self._bytes = 0

    def get(self, message_id: str, revision: int) -> Version | None:
        """Return what is kept of a message; None where that is nothing."""
        found = self._kept.get((message_id, revision))
        return None if found is None else found[0]

    def keep(self, version: Version) -> None:
        """Keep a version that was just read; the oldest beyond the bounds are forgotten.

        What was read of its thread before that changed is forgotten too.
        """
        key = (version.message.id, version.revision)
        for other in list(self._together.get(version.thread.id, ())):
            if other == key or self._kept[other][0].thread != version.thread:
                self._forget(other)
        size = version.alert_size
        self._kept[key] = version, size
        self._together.setdefault(version.thread.id, set()).add(key)
        self._bytes += size
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def forget(self, version: Version) -> None:
        """Forget a version, if it is kept."""
        key = (version.message.id, version.revision)
        if key in self._kept:
            self._forget(key)

    def _forget(self, key: _Key) -> None:
        version, size = self._kept.pop(key)
        self._bytes -= size
        together = self._together[version.thread.id]
        together.discard(key)
        if not together:
            del self._together[version.thread.id]
