"""The port of merges over an executor: each method is one unit of work or one query."""

from datetime import datetime
from functools import partial

from services.storage import merged, separating
from services.storage.merge_records import Merge, Undone, WantedMerges
from services.storage.ports import Executor


class LedgerMerges:
    """`services.classify.api.Merges` in the ledger."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def listed(self, wanted: WantedMerges, *, most: int) -> list[Merge]:
        """Return merges that stand, newest first."""
        return await self._executor.read_slowly(partial(merged.listed, wanted=wanted, most=most))

    async def undo(self, merge_id: str, *, reason: str, actor: str, now: datetime) -> Undone:
        """Take a merge back; a repeat does nothing."""
        unit = partial(separating.undo, merge_id=merge_id, reason=reason, actor=actor, now=now)
        return await self._executor.write(unit)
