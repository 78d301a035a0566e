"""Personal acknowledgement links: a token is an HMAC, not a secret that is stored.

The token of one message and recipient is the same in every retry and reminder. It holds the version of its
key, the message's id and a short digest of the recipient, so that the rows are found without a search and no
address can be read from it; the HMAC covers all of them. Removing a key revokes all its links at once.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.notify.letters import Links

_MAC_BYTES: Final = 16
_RECIPIENT_BYTES: Final = 8
_TOKEN_BYTES: Final = 1 + 16 + _RECIPIENT_BYTES + _MAC_BYTES  # 41 bytes: 55 characters
VALID_FOR: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKeys:
    """Keys by version (0 to 255, 32 bytes or more each); ``current`` signs, every one listed verifies."""

    keys: Mapping[int, bytes]
    current: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a verified token names; the recipient is found among those of the message by its digest."""

    message_id: str
    recipient_digest: bytes
    key_version: int


def make_token(keys: LinkKeys, *, message_id: str, recipient_id: str) -> str:
    """Return the token, 55 URL-safe characters."""
    return _make(keys, keys.current, message_id=message_id, recipient_id=recipient_id)


def read_token(keys: LinkKeys, token: str) -> Token | None:
    """Return what a token names if one of the keys made it; None for anything else, whatever its form.

    The digest of the recipient is covered by the HMAC, so a token that verifies names a real pair.
    """
    try:
        raw = base64.b64decode(
            token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
        )
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    key = keys.keys.get(raw[0]) if len(raw) == _TOKEN_BYTES else None
    if key is None:
        return None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, body)) or _encoded(raw) != token:
        return None
    return Token(
        message_id=str(UUID(bytes=raw[1:17])), recipient_digest=raw[17:-_MAC_BYTES], key_version=raw[0]
    )


def recipient_of(token: Token, recipient_ids: Iterable[str]) -> str | None:
    """Return which of a message's recipients a token is for."""
    for recipient_id in recipient_ids:
        if hmac.compare_digest(_recipient_digest(token.message_id, recipient_id), token.recipient_digest):
            return recipient_id
    return None


def expired(*, sent_at: datetime, now: datetime, valid_for: timedelta = VALID_FOR) -> bool:
    """Return whether a link's last day has passed; counted from when the message was routed."""
    return now > sent_at + valid_for


def make_links(
    base_url: str, *, relay_id: str, opaque_id: str, notification_id: str, token: str, restricted: bool
) -> Links:
    """Return the links of one letter; where content is restricted, the page is named by the opaque reference."""
    base = base_url.rstrip("/")
    return Links(
        page=f"{base}/n/{opaque_id}" if restricted else f"{base}/alerts/{relay_id}",
        acknowledge=f"{base}/a/{token}",
        acknowledge_api=f"{base}/v1/notifications/{notification_id}/acknowledgement",
    )


def _make(keys: LinkKeys, version: int, *, message_id: str, recipient_id: str) -> str:
    body = bytes((version,)) + UUID(message_id).bytes + _recipient_digest(message_id, recipient_id)
    return _encoded(body + _mac(keys.keys[version], body))


def _recipient_digest(message_id: str, recipient_id: str) -> bytes:
    # Salted by the message: two links of one recipient share nothing that a third party could join.
    return hashlib.sha256(f"{message_id}\n{recipient_id}".encode()).digest()[:_RECIPIENT_BYTES]


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()[:_MAC_BYTES]


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
