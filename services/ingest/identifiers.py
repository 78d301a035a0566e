"""The identifiers of a message, derived from what identifies it: a retry or a replay repeats them. Pure."""

import hashlib
from typing import Final
from uuid import UUID

from schemas.ids import derived_id
from schemas.vocabularies import Status

_NAMESPACE: Final = UUID("6f0c3ad2-95c4-5e0b-8a67-2d1b7e5c9f13")
_SEPARATOR: Final = (
    "\n"  # printable characters only are allowed in every part, so that parts never run together
)


def message_id(*, sender_id: str, status: Status, national_ref: str, version: int) -> str:
    """Return the id of a message; `sender_id` is the institution of the API key."""
    return derived_id(_NAMESPACE, _SEPARATOR.join((sender_id, status.value, national_ref, str(version))))


def reference_key(*, sender_id: str, status: Status, national_ref: str) -> str:
    """Return the key under which all versions of one reference stand in line: 64 hexadecimal digits."""
    return hashlib.sha256(_SEPARATOR.join((sender_id, status.value, national_ref)).encode()).hexdigest()
