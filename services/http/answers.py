"""Which answer of a recipient counts, and when one lies ahead of us. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from schemas.dates import PartialDate
from services.storage.records import Answer

SEEN: Final = "seen"
_AHEAD: Final = timedelta(minutes=10)  # how far a time may be ahead of our clock, as `sent_at` may
_EASTMOST: Final = timedelta(hours=14)  # where a day begins first


def answer_of(every: Sequence[Answer], recipient_id: str) -> Answer | None:
    """Return the answer of a recipient that counts, its newest; having seen it is one until there is another.

    ``every`` is oldest first.
    """
    mine = [one for one in every if one.recipient_id == recipient_id]
    said = [one for one in mine if one.state != SEEN]
    newest = said or mine
    return newest[-1] if newest else None


def answers_that_count(every: Sequence[Answer]) -> tuple[Answer, ...]:
    """Return the answer of each recipient that counts, oldest first."""
    counting: Iterable[Answer | None] = (
        answer_of(every, one) for one in dict.fromkeys(answer.recipient_id for answer in every)
    )
    return tuple(sorted((one for one in counting if one is not None), key=lambda one: one.answered_at))


def lies_ahead(when: PartialDate, *, now: datetime) -> bool:
    """Return whether a date or time is certainly still to come, wherever on Earth it was written."""
    instant = when.instant
    if instant is not None:
        return instant > now + _AHEAD
    return when.first > (now + _EASTMOST).date()
