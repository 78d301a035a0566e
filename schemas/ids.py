"""Ids on the wire: version 5 UUIDs, derived from what they identify, so that a retry or a replay repeats them.

Source: RFC 9562 §5.5.
"""

import hashlib
from uuid import UUID


def derived_id(namespace: UUID, name: str) -> str:
    """Return `str(uuid.uuid5(namespace, name))`, in a third of its time."""
    digest = bytearray(hashlib.sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
