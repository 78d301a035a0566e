"""What the secretariat is asked about classifications, and what it answers."""

from typing import Literal

from pydantic import Field

from schemas.base import Answer, Contract, Line200, Natural, Prose2000
from schemas.classifications import Candidate, Classification
from schemas.dates import Timestamp
from schemas.vocabularies import Outcome, Severity


class ReviewItem(Answer):
    """One thing that a person should look at. Without `finding` and `substance` it is the alert as a whole.

    `name` is as reported; `reason` a stable code; `since` when it was decided so.
    """

    message_id: str
    relay_id: str
    finding: int | None = None
    substance: int | None = None
    name: str | None = None
    outcome: Outcome | None = None
    candidates: tuple[Candidate, ...] = ()
    reason: str
    since: Timestamp
    urgency: Severity


class ReviewPage(Answer):
    """Some of what waits, in the order of decisions; `next` is absent where there is no more."""

    items: tuple[ReviewItem, ...] = ()
    next: str | None = None


class ResolutionRequest(Contract):
    """What one reported substance is: a substance of the catalogue by its key, or none. One of the two.

    The answer holds for the later versions of the thread that report the same name. With `everywhere` it is
    also given for all else that waits under this name.
    """

    finding: Natural
    substance: Natural
    inchikey: Line200 | None = None
    not_a_substance: Literal[True] | None = None
    everywhere: bool = False
    reason: Prose2000


class ReviewDone(Contract):
    """That a person has looked at what concerns an alert as a whole; `review` is the `reason` of the item."""

    review: Line200
    reason: Prose2000


class ResolutionView(Answer):
    """A resolution as kept, and the classification that stands now."""

    id: str
    message_id: str
    finding: int
    substance: int
    outcome: str = Field(description="key of the catalogue, or not_a_substance")
    at: Timestamp
    revision: int
    classification: Classification
    also: tuple[str, ...] = Field((), description="messages in which the same name was answered")


class ReviewDoneView(Answer):
    """What is left to look at, and the classification that stands now."""

    message_id: str
    revision: int
    classification: Classification
