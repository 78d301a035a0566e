"""What the relay made of an alert: what it is, how grave, what it belongs to, each with its reason."""

from typing import Final

from pydantic import Field

from schemas.base import Answer
from schemas.vocabularies import Category, CorrelationLevel, First, Outcome, Severity

Scalar = bool | int | float | str | None  # the commonest first: read and written in half the time


class SeverityVerdict(Answer):
    """How grave. `level` is the thread's after this message, `before` until it, or None.

    `urgency`, by which it is sent and shown, is the higher of the two. `reason` is a code of `terms.csv`,
    group severity_reason; `facts` is what the rule was decided from.
    """

    level: Severity
    urgency: Severity
    rule: str
    reason: str
    reported: Severity | None = None
    before: Severity | None = None
    facts: dict[str, Scalar] = Field(default_factory=dict)


class CategoryLabel(Answer):
    """One label. `finding` and `substance` are positions in the alert; None where it comes from neither.

    `present` is False for what was not found here, or only mentioned.
    """

    code: Category
    finding: int | None = None
    substance: int | None = None
    rule: str
    reason: str
    plan_ref: str | None = None
    present: bool = True


class ControlEntry(Answer):
    """A schedule of a convention, and since when: an ISO day or a year."""

    convention: str
    schedule: str
    since: str | None = None


class Candidate(Answer):
    """A substance that may be meant; of `one_of`, one of those that the sender named."""

    inchikey: str | None = None
    preferred_name: str
    reason: str


class SubstanceIdentity(Answer):
    """What a reported substance turned out to be. `nps_strict` is None where it cannot be determined.

    `cas` is the catalogue's number, of the very form that was reported.
    """

    finding: int
    substance: int
    name: str
    outcome: Outcome
    inchikey: str | None = None
    preferred_name: str | None = None
    cas: str | None = None
    family: str | None = None
    control: tuple[ControlEntry, ...] = ()
    nps_strict: bool | None = None
    candidates: tuple[Candidate, ...] = ()
    step: str
    reason: str


class Classification(Answer):
    """The labels of one alert; `review` lists why a person should look at it, empty where none need."""

    severity: SeverityVerdict
    categories: tuple[CategoryLabel, ...] = ()
    substances: tuple[SubstanceIdentity, ...] = ()
    catalogue_version: str
    review: tuple[str, ...] = ()


class DryRun(Classification):
    """What an alert that was not sent would be taken for; `explanation` says it in words, in its language."""

    explanation: tuple[str, ...] = ()


# The reason of a relation to another substance: of these no state is counted.
FAMILY_ALONE: Final = "same_family"


class RelatedAlert(Answer):
    """Another alert that this one belongs with, and why."""

    id: str
    relay_id: str
    level: CorrelationLevel
    reason: str


class FirstSeen(Answer):
    """A first: of a substance or of a family, in the place that `scope` names."""

    scope: First
    country: str
    admin1: str | None = None
    substance: str | None = None
    family: str | None = None


class Correlation(Answer):
    """What an alert belongs to, computed from what its reader may see."""

    level: CorrelationLevel
    incident_id: str | None = None
    related: tuple[RelatedAlert, ...] = ()
    firsts: tuple[FirstSeen, ...] = ()
    states_in_window: int = Field(default=0, ge=0)
