"""What one reader may see of what is stored: asked by every API and every page, decided by `disclosure`.

A version is judged together with those that came after it in its thread: a stricter one closes it too. A view
that must be evidenced (TLP:RED by the secretariat) is written to the audit before it is shown.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation
from schemas.vocabularies import Tlp
from services.disclosure import Content, Disclosed, Reader, Surface, correlate_for, disclose, redact, stricter
from services.storage.ports import Audit, Threads
from services.storage.records import ApiKey, Directory, Message, Recipient, RecipientKind, Version

SECRETARIAT = "secretariat"
INSIDE = ("own", "secretariat")  # reasons of disclosure: who sees an alert's fate too, not only its content
_SHOWN = (Content.FULL, Content.FINDINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One version as one reader may see it; `alert` and what follows are None unless content is shown."""

    version: Version
    disclosed: Disclosed
    tlp: Tlp  # the strictest of this version and those after it
    alert: Alert | None = None
    classification: Classification | None = None
    correlation: Correlation | None = None

    @property
    def shown(self) -> bool:
        """Whether the reader sees its content."""
        return self.alert is not None


class Reading:
    """Looks at the ledger with a reader's eyes."""

    def __init__(
        self,
        threads: Threads,
        *,
        directory: Callable[[], Awaitable[Directory]],
        audit: Audit,
        clock: Callable[[], datetime],
    ) -> None:
        """Take the ports and the directory as it is at each call."""
        self._threads = threads
        self._directory = directory
        self._audit = audit
        self._clock = clock

    async def reader_of(self, key: ApiKey) -> Reader:
        """Return who reads by this key; an institution that the directory does not know sees its own only."""
        recipient = (await self._directory()).recipients.get(key.institution_id) or _stranger(key)
        if SECRETARIAT in key.scopes:
            recipient = replace(recipient, kind=RecipientKind.SECRETARIAT)
        elif recipient.kind is RecipientKind.SECRETARIAT:  # its keys see everything only with the scope
            recipient = replace(recipient, kind=RecipientKind.NETWORK)
        return Reader(recipient=recipient, surface=Surface.API)

    async def institutions(self) -> Mapping[str, Recipient]:
        """Return the institutions of the directory by id; names for who may see who answered."""
        return (await self._directory()).recipients

    def judge(self, version: Version, reader: Reader, *, later: tuple[Tlp, ...]) -> Disclosed:
        """Return how much of a version this reader may see; `later`: labels of the versions after it."""
        return disclose(version.alert, reader, sender_id=version.message.sender_id, later_tlps=later)

    async def sight(self, version: Version, reader: Reader) -> Sight:
        """Return a version as its reader may see it, cut down; evidence is written where it must be."""
        later = await self.later(version)
        disclosed = self.judge(version, reader, later=later)
        tlp = stricter(version.alert.tlp, *later)
        if disclosed.content not in _SHOWN:
            return Sight(version=version, disclosed=disclosed, tlp=tlp)
        if disclosed.audited:
            await self.evidence(version.message, reader)
        return Sight(
            version=version,
            disclosed=disclosed,
            tlp=tlp,
            alert=redact(version.alert, disclosed.content, reader, sender_id=version.message.sender_id),
            classification=_classification_for(version.classification, disclosed.content),
            correlation=await self._correlation_for(version, reader, disclosed.content),
        )

    async def evidence(self, message: Message, reader: Reader) -> None:
        """Write down that this reader looks at this message."""
        await self._audit.record(
            actor=reader.recipient.id,
            act="alert.viewed",
            subject=message.id,
            detail={"surface": reader.surface.value, "tlp": message.alert.tlp.value},
            now=self._clock(),
        )

    async def inside(self, message: Message, reader: Reader) -> bool:
        """Return whether this is the sender or the secretariat, which alone see what is not classified yet."""
        disclosed = disclose(message.alert, reader, sender_id=message.sender_id)
        if disclosed.reason not in INSIDE:
            return False
        if disclosed.audited:
            await self.evidence(message, reader)
        return True

    async def later(self, version: Version) -> tuple[Tlp, ...]:
        """Return the labels of the versions that came after this one in its thread."""
        thread = version.thread
        if version.thread_version >= thread.version or version.alert.tlp is thread.strictest_tlp:
            return ()
        return self.later_in(version, await self._threads.history(thread.id))

    def later_in(self, version: Version, history: list[Version]) -> tuple[Tlp, ...]:
        """Return the same from a history that was read already."""
        return tuple(one.alert.tlp for one in history if one.thread_version > version.thread_version)

    async def visible_history(self, version: Version, reader: Reader) -> list[Version]:
        """Return the versions of the thread whose content this reader may see, in their order."""
        history = await self._threads.history(version.thread.id)
        return [
            one
            for one in history
            if self.judge(one, reader, later=self.later_in(one, history)).content in _SHOWN
        ]

    async def _correlation_for(self, version: Version, reader: Reader, content: Content) -> Correlation:
        others: dict[str, Version] = {}
        later: dict[str, tuple[Tlp, ...]] = {}
        for related in version.correlation.related:
            other = await self._threads.version(related.id)
            if other is not None:
                others[related.id] = other
                later[related.id] = await self.later(other)
        return correlate_for(version, reader, content, others=others, later=later)


def _classification_for(classification: Classification, content: Content) -> Classification:
    """Return the labels; who sees findings only does not see the counts of people that gave the severity."""
    if content is Content.FULL:
        return classification
    severity = classification.severity.model_copy(update={"facts": {}})
    return classification.model_copy(update={"severity": severity})


def _stranger(key: ApiKey) -> Recipient:
    return Recipient(
        id=key.institution_id,
        country=key.country,
        organisation=key.organisation,
        kind=RecipientKind.NETWORK,
        language="en",
        timezone="UTC",
        audiences=frozenset(),
        channels=(),
    )
