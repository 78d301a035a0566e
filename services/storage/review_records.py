"""What reviewing takes and gives: what a person said of a reported substance, and what is decided by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.alerts import Substance
from services.storage.records import Message, Version
from services.storage.thread_records import Decide, Proposal

NOT_A_SUBSTANCE = "not_a_substance"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewResolution:
    """What a person says that one reported substance is; `finding` and `substance` are its positions.

    `outcome` is a key of the catalogue, or `NOT_A_SUBSTANCE`.
    """

    message_id: str
    finding: int
    substance: int
    outcome: str
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The same as kept; `name` is how the sender called it."""

    id: str
    message_id: str
    finding: int
    substance: int
    name: str
    outcome: str
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A resolution and what it made of the message. `again`: it stood already, and nothing was written."""

    resolution: Resolution
    version: Version
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DealtWith:
    """A message after one reason to look at it was taken off. `again`: that was done before."""

    version: Version
    again: bool


@dataclass(frozen=True, slots=True)
class Outdated:
    """Messages to be decided again, the number of the last verdict looked at, and how many those were."""

    message_ids: tuple[str, ...]
    cursor: int
    looked_at: int


Reconsider = Callable[[Message, Sequence[Resolution]], tuple[Proposal, Decide]]
"""Prepares a message again, with what people said of its substances: the pure half of a new decision."""


def same_name(name: str, other: str) -> bool:
    """Return whether two reported names are one, but for case and blanks."""
    return _plain(name) == _plain(other)


def nothing_new(substance: Substance, seen: Substance) -> bool:
    """Return whether `substance` has no identifier but those that were seen in `seen`."""
    pairs = (
        (substance.cas, seen.cas),
        (substance.inchikey, seen.inchikey),
        (substance.inchi, seen.inchi),
        (substance.smiles, seen.smiles),
    )
    return all(one is None or one == other for one, other in pairs)


def reported_name(substance: Substance) -> str:
    """Return how a reported substance is called: its name, else its alternatives."""
    return substance.name if substance.name is not None else " / ".join(substance.one_of)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
