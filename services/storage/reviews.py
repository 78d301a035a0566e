"""The port of reviews over an executor: each method is one unit of work or one query."""

from datetime import datetime
from functools import partial

from services.storage import resolutions, reviewing
from services.storage.ports import Executor
from services.storage.review_records import (
    DealtWith,
    NewResolution,
    Outdated,
    Reconsider,
    Resolution,
    Resolved,
)
from services.storage.thread_records import MaySee, Page


class LedgerReviews:
    """`services.classify.reviewing.Reviews` in the ledger."""

    def __init__(self, executor: Executor, *, may_see: MaySee) -> None:
        self._executor = executor
        self._may_see = may_see

    async def queue(self, *, after: int, most: int) -> Page:
        """Return what a person should look at, behind a cursor."""
        return await self._executor.read(partial(reviewing.queue, after=after, most=most))

    async def resolution(self, resolution_id: str) -> Resolution | None:
        """Return one resolution."""
        return await self._executor.read(partial(resolutions.by_id, resolution_id=resolution_id))

    async def resolve(self, new: NewResolution, *, reconsider: Reconsider, now: datetime) -> Resolved:
        """Keep what a person said, and decide the message again."""
        unit = partial(reviewing.resolve, new=new, reconsider=reconsider, may_see=self._may_see, now=now)
        return await self._executor.write(unit)

    async def deal_with(
        self,
        message_id: str,
        *,
        review: str,
        reason: str,
        actor: str,
        reconsider: Reconsider,
        now: datetime,
    ) -> DealtWith:
        """Take one reason to look at a message off it."""
        unit = partial(
            reviewing.deal_with,
            message_id=message_id,
            review=review,
            reason=reason,
            actor=actor,
            reconsider=reconsider,
            may_see=self._may_see,
            now=now,
        )
        return await self._executor.write(unit)

    async def outdated(self, *, catalogue_version: str, most: int) -> Outdated:
        """Return the next messages that another catalogue decided."""
        query = partial(reviewing.outdated, catalogue_version=catalogue_version, most=most)
        return await self._executor.read_slowly(query)

    async def passed(self, *, catalogue_version: str, cursor: int) -> None:
        """Remember how far was looked."""
        await self._executor.write(
            partial(reviewing.passed, catalogue_version=catalogue_version, cursor=cursor)
        )

    async def reclassify(
        self, message_id: str, *, catalogue_version: str, reconsider: Reconsider, now: datetime
    ) -> bool:
        """Decide one message by this catalogue; return whether its classification changed."""
        unit = partial(
            reviewing.reclassify,
            message_id=message_id,
            catalogue_version=catalogue_version,
            reconsider=reconsider,
            may_see=self._may_see,
            now=now,
        )
        return await self._executor.write(unit)
