"""What was seen lately, in bounded memory: the metrics are derived, and the ledger has what is forgotten here.

Pure.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The newest `most` values by key; the one that was put first goes first."""

    def __init__(self, most: int) -> None:
        """Begin empty."""
        self._most = most
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V | None:
        """Return what was put under `key`, if it is still here."""
        return self._values.get(key)

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value, in the place of an older one with this key."""
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def is_new(self, key: Hashable, value: V) -> bool:
        """Keep a value unless `key` is here; return whether it was not."""
        if key in self._values:
            return False
        self.put(key, value)
        return True
