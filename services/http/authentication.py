"""Who calls: an API key as bearer token, remembered for some seconds.

Raises `Refusal`: 401 for no key or one that is not valid, 403 for a scope that it lacks, 429 past its quota.
The ledger is asked once in `REMEMBERED` for each key: a revoked one ends within that time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from services.http.fields import field
from services.http.limits import Bucket, Quota, headers_of
from services.http.problems import Refusal
from services.storage.ports import Keys
from services.storage.records import ApiKey

REMEMBERED = timedelta(seconds=5)
_MOST_REMEMBERED = 4096
_LONGEST_KEY = 256
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="relay"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated call: the key, and the header fields that say where its quota stands."""

    key: ApiKey
    headers: dict[str, str]


class Authenticator:
    """Turns a request into its `Caller`."""

    def __init__(
        self, keys: Keys, *, quota: Quota, clock: Callable[[], datetime], ticks: Callable[[], float]
    ) -> None:
        """Take the port, the quota of one key or address, the wall clock and a monotonic one in seconds."""
        self._keys = keys
        self._clock = clock
        self._ticks = ticks
        self._bucket = Bucket(quota)
        self._failures = Bucket(quota)
        self._known: OrderedDict[bytes, tuple[float, ApiKey]] = OrderedDict()

    async def caller(self, request: Request, *scopes: str) -> Caller:
        """Return who calls; the key must have one of `scopes` (none named: any key will do)."""
        now = self._ticks()
        key = await self._key(request, now=now)
        standing = self._bucket.take(key.id, now=now)
        headers = headers_of(self._bucket, standing)
        if not standing.allowed:
            raise Refusal(429, "quota-exceeded", headers=headers)
        if scopes and key.scopes.isdisjoint(scopes):
            raise Refusal(
                403, "scope", detail=f"This call needs the scope {' or '.join(scopes)}.", headers=headers
            )
        return Caller(key=key, headers=headers)

    def forget(self) -> None:
        """Ask the ledger again for every key: after a key was revoked here."""
        self._known.clear()

    async def _key(self, request: Request, *, now: float) -> ApiKey:
        scheme, _, secret = field(request, b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise self._refused(request, now=now)
        secret = secret.strip()
        if len(secret) > _LONGEST_KEY or not secret.isascii():
            raise self._refused(request, now=now)
        digest = hashlib.sha256(secret.encode()).digest()
        known = self._known.get(digest)
        if known is not None and now - known[0] < REMEMBERED.total_seconds():
            key: ApiKey | None = known[1]
        else:
            key = await self._keys.find(secret, now=self._clock())
            self._remember(digest, key, now=now)
        if key is None or (key.expires_at is not None and key.expires_at <= self._clock()):
            raise self._refused(request, now=now)
        return key

    def _remember(self, digest: bytes, key: ApiKey | None, *, now: float) -> None:
        if key is None:  # else made-up keys would drive the real ones out
            self._known.pop(digest, None)
            return
        self._known[digest] = (now, key)
        self._known.move_to_end(digest)
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)

    def _refused(self, request: Request, *, now: float) -> Refusal:
        standing = self._failures.take(address_of(request), now=now)
        if not standing.allowed:
            return Refusal(429, "quota-exceeded", headers=headers_of(self._failures, standing))
        return Refusal(401, "unauthorized", headers=_CHALLENGE)


def address_of(request: Request) -> str:
    """Return the network address of the caller, as the server saw it."""
    return request.client.host if request.client else "unknown"
