"""The names that the relay gives a thread: one for machines, one for people, one that tells nothing."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from schemas.ids import derived_id
from services.storage.incidents import NAMESPACE
from services.storage.records import Message
from services.storage.statements import next_number

# No vowels, so that no word comes out; no 0, 1, O, I, which people confuse on the telephone.
_ALPHABET: Final = "23456789BCDFGHJKLMNPQRSTVWXZ"
_LETTERS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How threads are named: `prefix` of relay ids, and the secret that opaque ids are derived with."""

    prefix: str
    secret: bytes


def thread_id_of(message: Message) -> str:
    """Return the id of the thread that this message opens, whichever of its versions comes first."""
    alert = message.alert
    return derived_id(NAMESPACE, f"{message.sender_id}\n{alert.status}\n{alert.national_ref}")


def verdict_id_of(message_id: str, *, revision: int, cause: str) -> str:
    """Return the id of a verdict: the same decision, made again, is the same row."""
    return derived_id(NAMESPACE, f"{message_id} {revision} {cause}")


def resolution_id_of(message_id: str, *, finding: int, substance: int, number: int) -> str:
    """Return the id of the `number`-th thing that a person said of one reported substance."""
    return derived_id(NAMESPACE, f"resolution {message_id} {finding} {substance} {number}")


def link_id_of(thread_id: str, other_thread_id: str, level: str) -> str:
    """Return the id of a link: said twice, it is the same row."""
    return _beside(f"link {thread_id}", f"{other_thread_id} {level}")


def relay_id(connection: Connection, *, prefix: str, country: str, at: datetime) -> str:
    """Return the next relay id, such as `SATA-UY-2026-000007`: threads of one country and year are counted.

    The year is that of `at`, when the relay received the message: its own clock, where the sender's dates may
    be of another year.
    """
    serial = f"{prefix}-{country}-{at.year}"
    return f"{serial}-{next_number(connection, serial):06d}"


def opaque_id(thread_id: str, *, secret: bytes, draw: int = 0) -> str:
    """Return a name such as `N-7F3K-92QD`, which says neither where, when nor how many.

    `draw` gives another one, where two threads would share the first.
    """
    digest = hmac.digest(secret, f"{thread_id} {draw}".encode(), "sha256")
    number = int.from_bytes(digest, "big") % len(_ALPHABET) ** _LETTERS
    letters = []
    for _ in range(_LETTERS):
        number, letter = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[letter])
    half = _LETTERS // 2
    return f"N-{''.join(letters[:half])}-{''.join(letters[half:])}"


def _beside(whole: str, part: str) -> str:
    """Return 128 bits in hexadecimal, for ids that nobody outside sees.

    The first half is of the whole: rows written together stand together, and share a page of the index.
    """
    return (
        hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()
        + hashlib.blake2b(part.encode(), digest_size=8).hexdigest()
    )
