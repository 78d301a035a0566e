"""What a reported substance turned out to be."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.vocabularies import Outcome
from services.reference.catalogue import Entry, Family

NO_CODES: frozenset[str] = frozenset()
MIXTURE = "mixture"  # several substances in one name, all of them there
NO_DRUG = "no_drug"  # a sugar, a sweetener, a solvent: named, and in no table
NOT_A_SUBSTANCE = "not_a_substance"  # a person said so: it gets no code, and nobody needs to look again


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A substance that may be meant. ``key`` is empty and ``entry`` None for one outside the catalogue."""

    key: str
    inchikey: str | None
    preferred_name: str
    reason: str
    entry: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The answer of :func:`services.classify.identify.identify`, with its evidence.

    ``codes`` are those the identity carries before the rules of role and date: of the entry; of its family
    (what at least 90 % of the rows carry) for a class; what all candidates share for either-or and what any has
    for a mixture; none for what is unknown. ``family`` and ``effect_group`` of an unknown are hints and give no code
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
    parts: tuple["Identity", ...] = ()  # of a mixture: each of its substances or classes


def resolved(
    entry: Entry, *, step: str, reason: str, inchikey: str | None = None, stereo_differs: bool = False
) -> Identity:
    """Return the identity of one entry. ``inchikey`` is the key sent, where it was another stereo form."""
    return Identity(
        outcome=Outcome.RESOLVED,
        entry=entry,
        family=entry.family,
        effect_group=entry.effect_group,
        codes=entry.codes,
        candidates=(),
        step=step,
        reason=reason,
        inchikey=entry.inchikey if inchikey is None or not stereo_differs else inchikey,
        preferred_name=entry.preferred_name,
        stereo_differs=stereo_differs,
    )


def unresolved(
    outcome: Outcome,
    *,
    step: str,
    reason: str,
    family: Family | None = None,
    effect_group: str | None = None,
    codes: frozenset[str] = NO_CODES,
    candidates: tuple[Candidate, ...] = (),
    inchikey: str | None = None,
) -> Identity:
    """Return an identity without an entry; ``effect_group`` is the family's where none is given."""
    return Identity(
        outcome=outcome,
        entry=None,
        family=family.name if family else None,
        effect_group=effect_group or (family.effect_group if family else None),
        codes=codes,
        candidates=candidates,
        step=step,
        reason=reason,
        inchikey=inchikey,
        preferred_name=None,
        stereo_differs=False,
    )


def of_class(family: Family, *, step: str, reason: str, inchikey: str | None = None) -> Identity:
    """Return the identity of a class: its family, and the codes that its members share."""
    return unresolved(
        Outcome.CLASS_ONLY,
        step=step,
        reason=reason,
        family=family,
        codes=family.codes_shared,
        inchikey=inchikey,
    )


def candidate(entry: Entry, reason: str) -> Candidate:
    """Return ``entry`` as one that may be meant."""
    return Candidate(
        key=entry.key,
        inchikey=entry.inchikey,
        preferred_name=entry.preferred_name,
        reason=reason,
        entry=entry,
    )


def among(
    entries: Sequence[Entry], *, strangers: Sequence[Candidate] = (), step: str, reason: str
) -> Identity:
    """Return an ambiguous identity: what all of ``entries`` share; nothing if a stranger may be meant."""
    alone = not strangers
    return Identity(
        outcome=Outcome.AMBIGUOUS,
        entry=None,
        family=_shared([entry.family for entry in entries]) if alone else None,
        effect_group=_shared([entry.effect_group for entry in entries]) if alone else None,
        codes=frozenset.intersection(*(entry.codes for entry in entries)) if alone and entries else NO_CODES,
        candidates=(*(candidate(entry, reason) for entry in entries), *strangers),
        step=step,
        reason=reason,
        inchikey=None,
        preferred_name=None,
        stereo_differs=False,
    )


def together(named: Sequence[tuple[str, Identity]], *, reason: str) -> Identity:
    """Return one ambiguous identity of several names: either-or keeps what all share, a mixture what any has.

    ``named`` are the names as sent with their identities. One without an entry is a candidate by its name.
    """
    mixture = reason == MIXTURE
    identities = [identity for _, identity in named]
    candidates = tuple(
        each for name, identity in named for each in _as_candidates(name, identity, reason=reason)
    )
    return Identity(
        outcome=Outcome.AMBIGUOUS,
        entry=None,
        family=_shared([identity.family for identity in identities]),
        effect_group=_shared([identity.effect_group for identity in identities]),
        codes=(frozenset.union if mixture else frozenset.intersection)(*(one.codes for one in identities)),
        candidates=tuple({each.key or each.preferred_name: each for each in candidates}.values()),
        step="name",
        reason=reason,
        inchikey=None,
        preferred_name=None,
        stereo_differs=False,
        parts=tuple(identities) if mixture else (),
    )


def _as_candidates(name: str, identity: Identity, *, reason: str) -> tuple[Candidate, ...]:
    if identity.entry is not None:
        return (candidate(identity.entry, reason),)
    if identity.outcome is Outcome.AMBIGUOUS:
        return identity.candidates
    return (Candidate(key="", inchikey=None, preferred_name=name.strip(), reason=identity.reason),)


def _shared(values: Sequence[str | None]) -> str | None:
    return values[0] if values and len(set(values)) == 1 else None
