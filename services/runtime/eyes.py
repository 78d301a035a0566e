"""Who may see what, for a decision inside a transaction: a copy of the directory, a moment old at most."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from services.disclosure import Content, Reader, Surface, disclose
from services.errors import Transient
from services.runtime.lifecycle import pause
from services.storage.records import Directory, Message

log = structlog.get_logger(__name__)

_EVERY = timedelta(seconds=2)


class Eyes:
    """Answers `may_see` from the directory that `look` last returned."""

    def __init__(self, look: Callable[[], Awaitable[Directory]]) -> None:
        self._look = look
        self._directory = Directory(version=0, recipients={})

    def may_see(self, institution_id: str, message: Message) -> bool:
        """Return whether this institution may see a message, as a whole or its findings."""
        if institution_id == message.sender_id:
            return True
        recipient = self._directory.recipients.get(institution_id)
        if recipient is None:
            return False
        reader = Reader(recipient=recipient, surface=Surface.API)
        seen = disclose(message.alert, reader, sender_id=message.sender_id)
        return seen.content is not Content.NOTHING

    async def refresh(self) -> None:
        """Take the directory as it now is."""
        self._directory = await self._look()

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh until `stop` is set."""
        while not stop.is_set():
            try:
                await self.refresh()
            except Transient as fault:
                log.warning("the directory is out of reach", reason=str(fault))
            await pause(stop, _EVERY)
