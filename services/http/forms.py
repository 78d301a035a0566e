"""Seals on forms: what was posted came from a page that the relay showed a moment ago, to this reader.

A seal is `time.nonce.mac`; nothing is stored. It is bound to a purpose, the acknowledgement link or the
session that the form belongs to, so that a seal from elsewhere opens nothing.
Pure: key, clock and nonce are arguments.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

FIELD = "seal"
VALID_FOR = timedelta(hours=12)
_USE = b"forms"


class Seals:
    """Makes and checks seals under a key of their own, derived from the installation's (32 bytes or more)."""

    def __init__(self, key: bytes) -> None:
        """Derive the key; another process with the same one takes this one's seals.

        The installation's key signs acknowledgement links too: what a form gets signed must never be a link.
        """
        self._key = hmac.new(key, _USE, hashlib.sha256).digest()

    def make(self, purpose: str, *, now: datetime, nonce: str) -> str:
        """Return a seal for a form shown at `now`; `nonce` is random and has no dot."""
        head = f"{int(now.timestamp())}.{nonce}"
        return f"{head}.{self._mac(head, purpose)}"

    def holds(self, seal: str, purpose: str, *, now: datetime) -> bool:
        """Return whether `seal` was made for `purpose` and is not too old."""
        head, _, mac = seal.rpartition(".")
        if not seal.isascii() or not hmac.compare_digest(mac, self._mac(head, purpose)):
            return False
        age = now.timestamp() - int(head.partition(".")[0])
        return -60 <= age <= VALID_FOR.total_seconds()

    def _mac(self, head: str, purpose: str) -> str:
        digest = hmac.new(self._key, f"{head}|{purpose}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()
