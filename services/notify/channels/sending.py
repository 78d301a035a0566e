"""Sending one claimed notification: what is allowed now, the letter, its form, the channel.

Everything that leaves goes through here. Each wait on the network is bounded by its channel, and every failure
is a value; a ledger out of reach is `Transient`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from schemas.vocabularies import MessageType
from services.disclosure import Content, Reader, restricted
from services.notify import composing
from services.notify.channels.kept import KeptVersions
from services.notify.comparing import replaced_by
from services.notify.letters import Earlier, Letter, Links
from services.notify.links import LinkKeys, make_links, make_token
from services.notify.occasions import ISSUE, endpoint_id
from services.storage.delivery_records import (
    NOT_WRITTEN,
    Claim,
    Deferred,
    Moved,
    Outcome,
    Rejected,
    ThreadLabel,
    Told,
    Withheld,
)
from services.storage.records import Channel, ChannelKind, Directory, Thread, Version

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How an attempt ended, and what was really sent; None: nothing was."""

    outcome: Outcome
    content: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderers:
    """The pure functions that give a letter its form: a webhook's body, a mail.

    A mail is for one address, names the first mail of its thread to that reader (None: it is the first), and
    says when it is sent. None: without a mail server.
    """

    webhook: Callable[[Letter], bytes]
    email: Callable[[Letter, str, str | None, datetime], bytes] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """Where links lead and what signs them."""

    base_url: str
    keys: LinkKeys


class Versions(Protocol):
    """What is read of threads and of what was told."""

    async def version(self, message_id: str, *, revision: int) -> Version | None:
        """Return one verdict of a message with its thread as it now stands."""
        ...

    async def history(self, thread_id: str) -> list[Version]:
        """Return all versions of a thread."""
        ...

    async def thread_labels(self, thread_ids: Iterable[str]) -> Mapping[str, ThreadLabel]:
        """Return what closes older versions of these threads, as they now stand, by id."""
        ...

    async def thread_told(self, thread_id: str) -> list[Told]:
        """Return everything that was routed in a thread, oldest version first."""
        ...

    async def directory(self) -> Directory:
        """Return the directory as it now stands."""
        ...


class Secrets(Protocol):
    """The secrets that sign webhooks."""

    async def valid(self, institution_id: str, *, now: datetime) -> Sequence[bytes]:
        """Return the secrets of an institution that sign now, newest first."""
        ...


class Webhooks(Protocol):
    """The webhook channel."""

    async def send(
        self, url: str, body: bytes, *, notification_id: str, keys: Sequence[bytes], now: datetime
    ) -> Outcome:
        """Post once; every failure is a value."""
        ...


class Mail(Protocol):
    """The email channel."""

    async def send(
        self,
        address: str,
        message: bytes,
        *,
        urgency: int = 0,
        begin: Callable[[], bool] = lambda: True,
        stands: Callable[[], Awaitable[bool]] | None = None,
    ) -> Outcome:
        """Hand one message over, the most urgent (0) first; every failure is a value.

        ``begin`` is asked just before the message itself goes out: whether it still may. ``stands`` is asked where
        it had to wait for others: whether it is still what shall be said.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The ways out; without a mail server there is no email, and its rows say so."""

    webhook: Webhooks
    email: Mail | None


class Sender:
    """Sends claimed notifications, one at a time each; keeps what it read of versions for the next reader."""

    def __init__(
        self,
        versions: Versions,
        secrets: Secrets,
        channels: Channels,
        renderers: Renderers,
        *,
        addressing: Addressing,
    ) -> None:
        self._versions = versions
        self._secrets = secrets
        self._channels = channels
        self._renderers = renderers
        self._addressing = addressing
        self._kept = KeptVersions()

    def remember(self, version: Version) -> None:
        """Keep a version that was just read, for its readers."""
        self._kept.keep(version)

    async def send(
        self,
        claim: Claim,
        directory: Directory,
        *,
        now: datetime,
        begin: Callable[[], bool] = lambda: True,
    ) -> Sent:
        """Send one notification if it may be sent now; nothing is sent that disclosure does not allow.

        ``begin`` is asked just before it leaves: whether the claim still holds. Until then nothing was sent.
        """
        one = claim.notification
        recipient = directory.recipients.get(one.recipient_id)
        if recipient is None:
            return _unsent(Withheld(reason="not_in_directory"))
        channel = composing.address_of(one, recipient)
        if channel is None:
            return _unsent(Withheld(reason="no_address"))
        address = endpoint_id(recipient.id, channel)
        if address != one.endpoint_id:
            return _unsent(Moved(endpoint_id=address))
        if claim.disabled:
            return _unsent(Rejected(reason="endpoint_disabled"))
        version = await self._version(one.message_id, one.revision, newest_needed=bool(claim.later_tlps))
        if version is None:
            return _unsent(Rejected(reason="no_version"))
        reader = composing.reader_of(recipient, channel)
        return await self._send(claim, version, reader, channel, now=now, begin=begin)

    async def _send(
        self,
        claim: Claim,
        version: Version,
        reader: Reader,
        channel: Channel,
        *,
        now: datetime,
        begin: Callable[[], bool],
    ) -> Sent:
        one = claim.notification
        follows = one.thread_version > 1 or one.occasion != ISSUE
        told = await self._versions.thread_told(one.thread_id) if follows else []
        last = composing.last_sent(told, one)
        owed = composing.is_owed_a_correction(told, one)
        allowed = composing.permit(claim, version, reader, had_earlier=last is not None, owed=owed)
        if allowed.content is Content.NOTHING:
            return _unsent(Withheld(reason=allowed.reason))
        related = await self._related(version)
        letter = composing.compose(
            claim,
            version,
            reader,
            allowed.content,
            earlier=await self._earlier(last, version, reader, allowed.content),
            related=related,
            replaced=await self._replaced(version) if last is None else None,
            links=self._links(claim, version, reader, allowed.content),
        )
        first = composing.first_mail(told, one)
        stands = partial(self._stands, version, related.values(), reader)
        outcome = await self._hand_over(
            letter, channel, first=first, urgency=one.urgency, now=now, begin=begin, stands=stands
        )
        return Sent(outcome=outcome, content=allowed.content.value)

    async def _hand_over(
        self,
        letter: Letter,
        channel: Channel,
        *,
        first: str | None,
        urgency: int,
        now: datetime,
        begin: Callable[[], bool],
        stands: Callable[[], Awaitable[bool]],
    ) -> Outcome:
        if channel.kind is ChannelKind.EMAIL and (
            self._channels.email is None or self._renderers.email is None
        ):
            return Rejected(reason="no_mail_server")
        try:
            body = self._written(letter, channel, first=first, now=now)
        except Exception:  # one letter that cannot be written must not stop all the others
            log.exception("a letter could not be written", notification_id=letter.notification_id)
            return Deferred(reason=NOT_WRITTEN, blames_endpoint=False)
        if channel.kind is not ChannelKind.WEBHOOK:
            assert self._channels.email is not None  # refused above
            return await self._channels.email.send(
                channel.address, body, urgency=urgency, begin=begin, stands=stands
            )
        secrets = await self._secrets.valid(letter.recipient.id, now=now)
        if not begin():
            return Deferred(reason="took_too_long", blames_endpoint=False)
        return await self._channels.webhook.send(
            channel.address, body, notification_id=letter.notification_id, keys=secrets, now=now
        )

    async def _stands(self, version: Version, related: Iterable[Version], reader: Reader) -> bool:
        """Return whether what a letter was composed of has not changed since: its threads, its reader."""
        before = {one.thread.id: one.thread for one in (version, *related)}
        now = await self._versions.thread_labels(before)
        directory = await self._versions.directory()
        if directory.recipients.get(reader.recipient.id) == reader.recipient and all(
            now[name] == _label_of(thread) for name, thread in before.items()
        ):
            return True
        self._kept.forget(version)  # it is read again for the next attempt
        return False

    def _written(self, letter: Letter, channel: Channel, *, first: str | None, now: datetime) -> bytes:
        if channel.kind is ChannelKind.WEBHOOK or self._renderers.email is None:
            return self._renderers.webhook(letter)
        return self._renderers.email(letter, channel.address, first, now)

    async def _earlier(
        self, last: Told | None, version: Version, reader: Reader, content: Content
    ) -> Earlier | None:
        if last is None:
            return None
        before = await self._version(last.message_id, 0)
        if before is None:
            return None
        return composing.earlier_of(last, before, reader, now_tlp=version.alert.tlp, now_content=content)

    async def _replaced(self, version: Version) -> Version | None:
        """Return what a correction corrects, for who was sent nothing of the thread before it."""
        if version.message_type is not MessageType.CORRECTION:
            return None
        return replaced_by(version, await self._versions.history(version.thread.id))

    async def _related(self, version: Version) -> Mapping[str, Version]:
        """Return the alerts that a version names, each under the label of its thread at this moment.

        A thread may have become stricter since what is kept of it was read, by the hand of another process.
        """
        found: dict[str, Version] = {}
        for message_id in composing.names_related(version.correlation):
            other = await self._version(message_id, 0)
            if other is not None:
                found[message_id] = other
        if not found:
            return found
        now = await self._versions.thread_labels([one.thread.id for one in found.values()])
        return {name: _under(now[one.thread.id], one) for name, one in found.items()}

    async def _version(
        self, message_id: str, revision: int, *, newest_needed: bool = False
    ) -> Version | None:
        kept = None if newest_needed else self._kept.get(message_id, revision)
        if kept is not None:
            return kept
        read = await self._versions.version(message_id, revision=revision)
        if read is not None:
            self.remember(read)
        return read

    def _links(self, claim: Claim, version: Version, reader: Reader, content: Content) -> Links:
        thread = version.thread
        hidden = content in (Content.NOTICE, Content.GONE) or restricted(thread.strictest_tlp)
        return make_links(
            self._addressing.base_url,
            relay_id=thread.relay_id,
            opaque_id=thread.opaque_id,
            notification_id=claim.notification.id,
            token=make_token(
                self._addressing.keys,
                message_id=claim.notification.message_id,
                recipient_id=reader.recipient.id,
            ),
            restricted=hidden,
        )


def _label_of(thread: Thread) -> ThreadLabel:
    return ThreadLabel(version=thread.version, strictest_tlp=thread.strictest_tlp)


def _under(label: ThreadLabel, version: Version) -> Version:
    """Return a version under the label that its thread has now."""
    thread = version.thread
    return (
        version if _label_of(thread) == label else replace(version, thread=replace(thread, **label._asdict()))
    )


def _unsent(outcome: Outcome) -> Sent:
    return Sent(outcome=outcome, content=None)
