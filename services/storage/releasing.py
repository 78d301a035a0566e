"""A message together with what waited for it: decided in one transaction, so that they are routed as one.

Else a held retraction would be decided when the text that it takes back is on its way. What is released stands
on its topic all the same: whoever reads it there finds it decided, or decides it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from services.storage import receipts, references, resolutions, settling
from services.storage.locks import lock
from services.storage.repeating import repeatable
from services.storage.review_records import Reconsider
from services.storage.settling import Rules
from services.storage.thread_records import Decide, Outcome, Proposal

_MOST: Final = 16  # what waits beyond these is decided when it is read from its topic


@repeatable
def settle(
    connection: Connection,
    proposal: Proposal,
    *,
    decide: Decide,
    rules: Rules,
    now: datetime,
    revive: bool = False,
    reconsider: Reconsider | None = None,
) -> Outcome:
    """Decide one message as `settling.settle` does, and with `reconsider`, which prepares it, what waited for it."""
    waiting: list[Callable[[], Outcome]] = []

    def foresee(message_ids: Sequence[str], thread_id: str) -> None:
        if reconsider is None:
            return
        for one in _prepared(connection, message_ids, thread_id, reconsider=reconsider):
            waiting.append(partial(settling.settle, connection, one[0], decide=one[1], rules=rules, now=now))

    outcome = settling.settle(
        connection, proposal, decide=decide, rules=rules, now=now, revive=revive, foresee=foresee
    )
    for decide_one in waiting:
        decide_one()
    return outcome


def _prepared(
    connection: Connection, message_ids: Sequence[str], thread_id: str, *, reconsider: Reconsider
) -> list[tuple[Proposal, Decide]]:
    """Return what waits, and what waits for that, ready to be decided in this order; take all their locks.

    Whoever decides writes last under a lock that everybody needs: nothing may be waited for after that.
    """
    found: dict[str, tuple[Proposal, Decide]] = {}
    queue = deque(message_ids)
    while queue and len(found) < _MOST:
        message = receipts.get(connection, queue.popleft())
        if message is None or message.id in found:
            continue
        said = resolutions.holding(connection, message, thread_id=thread_id)
        found[message.id] = reconsider(message, said)
        queue.extend(references.named_before(connection, message, relay_id="").waiting)
    lock(connection, (key for proposal, _ in found.values() for key in settling.lock_keys(proposal)))
    return list(found.values())
