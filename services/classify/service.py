"""The classify stage: reads accepted alerts, decides each in one transaction of the ledger."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

from pydantic import ValidationError

from schemas.events import ALERTS, AlertAccepted
from services.classify.assess import prepare
from services.classify.decide import decide, propose
from services.classify.keys import common_keys
from services.classify.structure import StructureReader
from services.errors import Invalid
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage.ports import Threads
from services.storage.records import Message, Record
from services.storage.thread_records import Died, Outcome

Observer = Callable[[Message, Outcome, datetime], None]


class ClassifyService:
    """Decides what each accepted message is, how grave, and what it belongs with."""

    name: Final = "classify"
    topics: Final = (ALERTS,)
    loops: tuple[Callable[[object], Awaitable[None]], ...] = ()

    def __init__(
        self,
        *,
        threads: Threads,
        catalogue: Catalogue,
        structures: StructureReader | None,
        plan: Mapping[str, PlanBasis],
        clock: Callable[[], datetime],
        observe: Observer | None = None,
    ) -> None:
        """Take the tables and the port; `observe` is told of every outcome, for metrics and the log."""
        self._threads = threads
        self._catalogue = catalogue
        self._structures = structures
        self._plan = plan
        self._clock = clock
        self._observe = observe
        self._common = common_keys(catalogue)

    async def handle(self, record: Record) -> None:
        """Decide one message; a repeat changes nothing.

        Raises `Invalid` for what can never be classified (its receipt is then dead), `Transient` for a ledger
        out of reach.
        """
        message = read(record)
        outcome = await self._settle(message, revive=not record.event_id.startswith(message.id))
        if self._observe is not None:
            self._observe(message, outcome, self._clock())
        if isinstance(outcome, Died):
            raise Invalid(outcome.reason)

    async def _settle(self, message: Message, *, revive: bool) -> Outcome:
        prepared = prepare(
            message.alert, catalogue=self._catalogue, structures=self._structures, plan=self._plan
        )
        proposal = propose(message, prepared)
        return await self._threads.settle(
            proposal,
            decide=partial(decide, proposal=proposal, prepared=prepared, common=self._common),
            now=self._clock(),
            revive=revive,
        )


def read(record: Record) -> Message:
    """Return the message of a record of alerts.v1. Raises `Invalid` for anything else."""
    try:
        accepted = AlertAccepted.model_validate_json(record.payload)
    except ValidationError as fault:
        raise Invalid("undecodable", f"{fault.error_count()} faults") from fault
    return Message(
        id=accepted.message_id,
        sender_id=accepted.sender_id,
        sender_country=accepted.sender_country,
        can_amend=accepted.can_amend,
        reference_key=accepted.reference_key,
        received_at=accepted.received_at,
        content_sha256=accepted.content_sha256,
        alert=accepted.alert,
    )
