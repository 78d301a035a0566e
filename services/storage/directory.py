"""The ports of the directory and of webhook secrets over an executor."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from services.storage import recipients, webhook_secrets
from services.storage.ports import Executor
from services.storage.recipients import DirectoryReader, Replaced
from services.storage.records import ChannelKind, Directory, Participation, Recipient
from services.storage.webhook_secrets import SecretBox


class LedgerRecipients:
    """The directory in the ledger."""

    def __init__(self, executor: Executor, *, directory: DirectoryReader | None = None) -> None:
        self._executor = executor
        self._directory = directory or DirectoryReader()

    async def directory(self) -> Directory:
        """Return the directory as it now stands; read again only where it changed."""
        return await self._executor.read(self._directory)

    async def get(self, recipient_id: str) -> Recipient | None:
        """Return one institution, active or not."""
        return (await self.directory()).recipients.get(recipient_id)

    async def by_address(self, address: str) -> list[Recipient]:
        """Return the active institutions that have this mailbox, or a deputy with it; case does not matter."""
        wanted = address.strip().casefold()
        return [
            one
            for one in (await self.directory()).recipients.values()
            if one.active
            and any(
                channel.kind is ChannelKind.EMAIL and channel.address.casefold() == wanted
                for channel in (*one.channels, *one.deputies)
            )
        ]

    async def replace_all(
        self,
        given: Iterable[Recipient],
        *,
        taking_part: Mapping[str, Participation],
        actor: str,
        now: datetime,
    ) -> Replaced:
        """Make the directory what is given; return what that changed."""
        unit = partial(
            recipients.replace_all, recipients=tuple(given), taking_part=taking_part, actor=actor, now=now
        )
        return await self._executor.write(unit)

    async def put(self, recipient: Recipient, *, actor: str, now: datetime) -> int:
        """Add or change one institution; return the directory's new version."""
        return await self._executor.write(partial(recipients.put, recipient=recipient, actor=actor, now=now))


class LedgerSecrets:
    """`Secrets` in the ledger; what was read is kept for a moment, for every webhook asks."""

    def __init__(
        self, executor: Executor, box: SecretBox, *, keep_for: timedelta = timedelta(seconds=5)
    ) -> None:
        self._executor = executor
        self._box = box
        self._keep_for = keep_for
        self._kept: dict[str, tuple[datetime, list[bytes]]] = {}

    async def valid(self, institution_id: str, *, now: datetime) -> list[bytes]:
        """Return the secrets of an institution that sign now, newest first."""
        kept = self._kept.get(institution_id)
        if kept is not None and kept[0] <= now < kept[0] + self._keep_for:
            return kept[1]
        found = await self._executor.read(
            partial(webhook_secrets.valid, institution_id=institution_id, box=self._box, now=now)
        )
        self._kept[institution_id] = (now, found)
        return found

    async def rotate(
        self,
        institution_id: str,
        *,
        secret_id: str,
        secret: bytes,
        overlap_until: datetime,
        actor: str,
        now: datetime,
    ) -> None:
        """Add a secret; those before it go on signing until ``overlap_until``."""
        unit = partial(
            webhook_secrets.rotate,
            institution_id=institution_id,
            secret_id=secret_id,
            secret=secret,
            box=self._box,
            overlap_until=overlap_until,
            actor=actor,
            now=now,
        )
        await self._executor.write(unit)
        self._kept.pop(institution_id, None)
