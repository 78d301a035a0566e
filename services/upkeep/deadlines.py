"""When it is time to publish something again, and how long to wait after a round.

Pure. A message that was published and is still pending is lost only if somebody could have read it since: while
the ledger was out of reach nobody could, and while a reader is behind, a second copy would only lengthen its way.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_LONGEST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often the loops run, and from when on something counts as left behind."""

    every: timedelta
    reconcile_after: timedelta
    keep_outbox: timedelta
    keep_keys: timedelta
    most: int = 500  # of anything in one round: a round is short, and the next one follows
    longest_wait: timedelta = timedelta(minutes=5)

    @property
    def lease(self) -> timedelta:
        """Return for how long a lease is taken: a holder that dies is replaced after so long."""
        return self.every * 3


def is_late(policy: Policy, *, now: datetime, oldest_unread_at: datetime | None) -> bool:
    """Return whether a reader has still to read what was written too long ago; None: it has read everything."""
    return oldest_unread_at is not None and oldest_unread_at < now - policy.reconcile_after


def overdue_since(
    policy: Policy, *, now: datetime, reachable_since: datetime, late_until: datetime | None
) -> datetime | None:
    """Return before which instant something must have been published to be published again.

    None: not now. `reachable_since`: since when the ledger has answered; `late_until`: when it was last seen that the
    reader was late. What waited with that may have come within its reach only then (the brokers were away): it has
    its time from there, and two rounds more, in which a reader that is behind again shows.
    """
    if late_until is not None and now - late_until < policy.reconcile_after + 2 * policy.every:
        return None
    before = now - policy.reconcile_after
    return None if reachable_since > before else before


def wait_after(policy: Policy, *, full: bool, failures: int) -> timedelta:
    """Return how long to wait after a round: not at all where it was full, ever longer while nothing answers."""
    if failures:
        return min(policy.every * (1 << min(failures - 1, 16)), policy.longest_wait)
    return timedelta(0) if full else policy.every


class Patience:
    """How often each thing was published again: twice as long a wait each time, up to an hour.

    What fails every time it is read would otherwise fill the outbox and the dead letters with its copies. Kept in
    bounded memory; what is forgotten begins anew.
    """

    def __init__(self, first: timedelta, *, most: int = 10_000) -> None:
        """Wait `first` after the first time."""
        self._first = first
        self._most = most
        self._tried: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def waiting(self, *, now: datetime) -> int:
        """Return how many things are known for which it is not time yet."""
        return sum(now < again_at for _, again_at in self._tried.values())

    def due(self, name: str, *, now: datetime) -> bool:
        """Return whether it is time, and count this as a try if it is."""
        times, again_at = self._tried.get(name, (0, now))
        if now < again_at:
            return False
        self._tried[name] = (times + 1, now + min(self._first * (1 << min(times, 16)), _LONGEST))
        self._tried.move_to_end(name)
        if len(self._tried) > self._most:
            self._tried.popitem(last=False)
        return True
