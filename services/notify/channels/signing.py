"""Signatures of webhooks: Standard Webhooks, HMAC-SHA256 (``v1``).

Signed is ``id.timestamp.body``; the id is the notification's, the timestamp that of the attempt. While a secret
is rotated each body carries one signature per secret, so that a receiver may change at any moment.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
_SHORTEST: Final = 24
_LONGEST: Final = 64


def secret_bytes(secret: str) -> bytes:
    """Return the key of a ``whsec_`` secret; ``ValueError`` where it is none of 24 to 64 bytes."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as fault:
        raise ValueError("a webhook secret is whsec_ and base64") from fault
    if not secret.startswith(PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
    return key


def secret_text(key: bytes) -> str:
    """Return a key in the form that its owner is shown once."""
    return PREFIX + base64.b64encode(key).decode("ascii")


def sign(*, notification_id: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """Return the three headers; ``timestamp`` is whole seconds since 1970, ``keys`` newest first."""
    signed = f"{notification_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii") for key in keys)
    return {
        "webhook-id": notification_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
