"""What a reported substance turned out to be."""

from dataclasses import dataclass

from schemas.vocabularies import Outcome

from services.reference.catalogue import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A substance that may be meant. ``key`` is empty for one that is not in the catalogue."""

    key: str
    inchikey: str | None
    preferred_name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The answer of :func:`services.classify.identify.identify`, with its evidence.

    ``codes`` are those the identity carries before the rules of role and date: of the entry; of its family
    (what at least 90 % of the rows carry) for a class; what all candidates share for either-or; none for what
    is unknown. ``family`` and ``effect_group`` of an unknown are hints and give no code
    (HPAD-2021:CM.2.4@L191, HPAD-2021:CM.2.5@L192).
    """

    outcome: Outcome
    entry: Entry | None
    family: str | None
    effect_group: str | None
    codes: frozenset[str]
    candidates: tuple[Candidate, ...]
    step: str  # structure, inchikey, cas, name, salt, fold, class_word, structure_class, effect_word, none
    reason: str  # a code in words, such as identifiers_disagree; never what the sender wrote
    inchikey: str | None  # also the key of a structure that nobody has listed
    preferred_name: str | None
    stereo_differs: bool
