"""Signing in to the pages: a code by mail, then a session in a strict cookie.

The answer to an address is the same, and comes at the same time, whether the directory knows it or not: codes
are made and sent after the answer has left. Source: OWASP ASVS 5.0 V6, V7.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from services.http.limits import Bucket, Quota
from services.storage.ports import SignIns
from services.storage.records import ChannelKind, Directory, Participation, Recipient

SESSION_TIME = timedelta(hours=12)
CODE_TIME = timedelta(minutes=10)
CODE_DIGITS = 8
_CODES = Quota(requests=5, window=timedelta(minutes=30))  # for one address
_ASKED = Quota(requests=60, window=timedelta(minutes=10))  # from one network address

SendCode = Callable[[str, str, str], Awaitable[None]]  # address, code, language


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who is signed in; `session` binds the forms it is shown."""

    recipient: Recipient
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A session that was opened; `token` belongs into its cookie."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The institutions that share a mailbox, two or more: for whom does its reader sign in?"""

    institutions: tuple[Recipient, ...]


class Sessions:
    """Codes and sessions of the recipients of the directory."""

    def __init__(
        self,
        sign_ins: SignIns,
        *,
        directory: Callable[[], Awaitable[Directory]],
        send_code: SendCode,
        clock: Callable[[], datetime],
        ticks: Callable[[], float],
        secure: bool,
    ) -> None:
        """`send_code` hands the mail over and returns; `secure` is false only for http on loopback."""
        self._sign_ins = sign_ins
        self._directory = directory
        self._send_code = send_code
        self._clock = clock
        self._ticks = ticks
        self._secure = secure
        self._codes = Bucket(_CODES)
        self._asked = Bucket(_ASKED)
        self.cookie = "__Host-relay" if secure else "relay"

    def may_ask(self, caller: str) -> bool:
        """Count one use of the sign-in form from a network address; return whether it is allowed."""
        return self._asked.take(caller, now=self._ticks()).allowed

    async def send(self, address: str, *, language: str) -> None:
        """Mail a code to `address` if it is one of the directory's and has not had too many."""
        address = normal(address)
        recipient = next(iter(known_addresses(await self._directory(), address)), None)
        if recipient is None or not self._codes.take(digest(address), now=self._ticks()).allowed:
            return
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        now = self._clock()
        await self._sign_ins.put_code(
            recipient.id,
            address_sha256=digest(address),
            code_sha256=_code_digest(address, code),
            now=now,
            expires_at=now + CODE_TIME,
        )
        await self._send_code(address, code, language)

    async def open(self, address: str, code: str, *, institution_id: str = "") -> Opened | Choice | None:
        """Return a new session, or None where the code is wrong, spent or too old.

        Where the mailbox belongs to several institutions and `institution_id` names none of them, the code is
        kept and they are returned to choose from.
        """
        address = normal(address)
        now = self._clock()
        typed = _code_digest(address, "".join(code.split())[:16])
        several = known_addresses(await self._directory(), address)
        chosen = next((one for one in several if one.id == institution_id), None)
        if len(several) > 1 and chosen is None:
            right = await self._sign_ins.check_code(
                address_sha256=digest(address), code_sha256=typed, now=now
            )
            return Choice(institutions=several) if right else None
        recipient_id = await self._sign_ins.take_code(
            address_sha256=digest(address), code_sha256=typed, now=now
        )
        if recipient_id is None:
            return None
        token = secrets.token_urlsafe(32)
        await self._sign_ins.open_session(
            digest(token),
            recipient_id=recipient_id if chosen is None else chosen.id,
            now=now,
            expires_at=now + SESSION_TIME,
        )
        return Opened(token=token)

    async def reader(self, request: Request) -> SignedIn | None:
        """Return who is signed in: the session lives, and its recipient still may see anything at all."""
        token = request.cookies.get(self.cookie)
        if not token or len(token) > 128:
            return None
        session = digest(token)
        recipient_id = await self._sign_ins.session(session, now=self._clock())
        if recipient_id is None:
            return None
        recipient = (await self._directory()).recipients.get(recipient_id)
        return SignedIn(recipient=recipient, session=session) if recipient and welcome(recipient) else None

    async def close(self, request: Request, response: Response) -> None:
        """End the session of this browser."""
        if token := request.cookies.get(self.cookie):
            await self._sign_ins.close_session(digest(token))
        response.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="strict")

    def give(self, response: Response, token: str) -> None:
        """Put a session's token into its cookie."""
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(SESSION_TIME.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )


def known_addresses(directory: Directory, address: str) -> tuple[Recipient, ...]:
    """Return the recipients that have `address` (normal form) as their own or a deputy's mailbox, by id."""
    found = (
        recipient
        for recipient in directory.recipients.values()
        if welcome(recipient)
        and any(
            channel.kind is ChannelKind.EMAIL and normal(channel.address) == address
            for channel in (*recipient.channels, *recipient.deputies)
        )
    )
    return tuple(sorted(found, key=lambda one: one.id))


def normal(address: str) -> str:
    """Return the form in which addresses are compared."""
    return address.strip()[:254].casefold()


def digest(text: str) -> str:
    """Return what the ledger keeps of a token or an address."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _code_digest(address: str, code: str) -> str:
    return digest(f"{address}|{code}")


def welcome(recipient: Recipient) -> bool:
    """Return whether an institution may sign in or answer at all: it is there, and its state takes part."""
    return recipient.active and recipient.participation in (Participation.ACTIVE, Participation.OBSERVER)
