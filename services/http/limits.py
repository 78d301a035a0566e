"""How much one caller may ask: a quota that refills evenly, and bounds on what is read.

Pure: the clock is an argument. The quota is a "generic cell rate" bucket: one number for each caller, no
background task. Source: draft-ietf-httpapi-ratelimit-headers-11; RFC 6585 §4.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

_MOST_CALLERS = 50_000  # bounds the memory; the one not seen for longest is forgotten first


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `requests` in `window`, refilled evenly; all of them may come at once."""

    requests: int
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a caller stands after a request."""

    allowed: bool
    remaining: int
    wait_seconds: int  # until the next request is allowed; 0 = now
    full_seconds: int  # until the whole quota is there again


class Bucket:
    """One quota for many callers."""

    def __init__(self, quota: Quota) -> None:
        """Begin with every caller's quota untouched."""
        self.quota = quota
        self._window = quota.window.total_seconds()
        self._each = self._window / quota.requests
        self._empty_at: OrderedDict[str, float] = OrderedDict()
        self.policy = f'"default";q={quota.requests};w={math.ceil(self._window)}'

    def take(self, caller: str, *, now: float, cost: int = 1) -> Standing:
        """Count a request at `now` (seconds of a monotonic clock); a refused one is not counted."""
        spent_until = max(self._empty_at.get(caller, now), now)
        after = spent_until + cost * self._each
        if after - now > self._window + 1e-9:
            return self._standing(spent_until - now, allowed=False, wait=after - now - self._window)
        self._empty_at[caller] = after
        self._empty_at.move_to_end(caller)
        if len(self._empty_at) > _MOST_CALLERS:
            self._empty_at.popitem(last=False)
        return self._standing(after - now, allowed=True, wait=0.0)

    def look(self, caller: str, *, now: float) -> Standing:
        """Say where `caller` stands, counting nothing."""
        spent = max(self._empty_at.get(caller, now) - now, 0.0)
        over = spent + self._each - self._window
        return self._standing(spent, allowed=over <= 1e-9, wait=max(over, 0.0))

    def _standing(self, spent: float, *, allowed: bool, wait: float) -> Standing:
        return Standing(
            allowed=allowed,
            remaining=max(int((self._window - spent) / self._each + 1e-9), 0),
            wait_seconds=math.ceil(wait),
            full_seconds=math.ceil(spent),
        )


def headers_of(bucket: Bucket, standing: Standing) -> dict[str, str]:
    """Return the header fields that tell a caller where it stands."""
    headers = {
        "RateLimit-Policy": bucket.policy,
        "RateLimit": f'"default";r={standing.remaining};t={standing.full_seconds}',
    }
    if not standing.allowed:
        headers["Retry-After"] = str(max(standing.wait_seconds, 1))
    return headers
