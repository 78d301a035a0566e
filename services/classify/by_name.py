"""What a name means: exact layers resolve, and nothing else does.

In order: the name alone (:mod:`services.classify.lookup`), a name beside its own alias or its class, several
names in one. A near spelling only suggests, and so does a name of the street. Source: HPAD-2021:CM.2.4@L191.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from schemas.vocabularies import Outcome
from services.classify.beside import beside_alias, is_same, is_street_name, named_with_class, parted
from services.classify.class_words import family_by_ending
from services.classify.identities import NO_DRUG, Candidate, Identity, candidate, together, unresolved
from services.classify.lookup import (
    alone,
    by_locants,
    classed,
    entries_of,
    on_which_ring,
    otherwise_spelt,
    peeled_of,
    with_or_without,
    written,
)
from services.classify.peeling import denied, has_dose, of_another, peeled
from services.classify.suggest import near_names
from services.classify.within import PART_OF_NAME, claimed, named_within
from services.reference.catalogue import Catalogue, Entry
from services.reference.names import exact_key
from services.reference.words import singular

_BETWEEN_SUBSTANCES = re.compile(
    r"\s*(?<!\()\+(?!\))\s*|\s+(?:y|e|et|and|con|with|avec|com|más|mas|plus|met|w/|&)\s+|\s+[cw]/\s*|\s*;\s*",
    re.IGNORECASE,
)
_EITHER = re.compile(r"\s+(?:(?:y|e|et|and)/)?(?:o|ou|or|u)\s+", re.IGNORECASE)
_PERHAPS_BETWEEN = re.compile(
    r"\s*(?<=[\w)])\s*(?:/(?!\s?[0-9.,]*\s?(?:[dµ]?l|ml|k?g|h|pill|tab|past)\b)|[|\\])\s*(?=\w)|,\s+|(?<![0-9']),(?=\w)"
)
_MARKED_NEGATIVE = re.compile(  # fentanyl (-), fentanyl: -, fentanyl -, fentanyl (0), fentanyl: n/d
    r"(?<=[\w)\]])(?:[\s:=]*[(\[]\s*(?:[-–—−]|0+(?:[.,]0+)?|n\s?/\s?d)\s*[)\]]"
    r"|\s*[:=]\s*(?:[-–—−]|0+(?:[.,]0+)?|n\s?/\s?d)|\s+(?:[-–—−]|n/d))(?=\s*(?:$|[,;/+&|]))"
    r"|(?<=[\w)\]])[-–—−]$",
    re.IGNORECASE,
)
_MOST_PARTS = 8
_ANSWERS = 8192  # kept: the same few thousand names come again and again
_MOST_CHARACTERS = 200  # of a name, as the contract has it; longer is not looked at


@lru_cache(maxsize=_ANSWERS)
def identify_name(name: str, catalogue: Catalogue) -> Identity:
    """Return what ``name`` means by itself. Never raises; an empty name is unknown."""
    if not name.strip() or len(name) > _MOST_CHARACTERS:
        return unresolved(Outcome.UNKNOWN, step="none", reason="not_a_name")
    if not name[-1].isalpha() or "/" in name:  # in front it is an enantiomer, behind a result
        name = _MARKED_NEGATIVE.sub(" negative", name.rstrip())
    if name.lstrip()[0] == "(" and (found := with_or_without(name, catalogue)) is not None:
        return found
    if (found := written(name, catalogue)) is not None:
        return found if found.step != "class_word" else _only_substances(name, catalogue) or found
    bare = peeled_of(name, catalogue)
    if bare.found is not None:
        return bare.found
    if denied(name, catalogue.words):  # what is left of a class, never a substance
        return classed(name, catalogue) or _unknown(name, bare=bare.name, denied=True, catalogue=catalogue)
    found = _composed(name, bare=bare.name, catalogue=catalogue)
    if found is not None and found.step == "class_word":
        return _only_substances(name, catalogue) or found  # amphetamine and its kin name a class as well
    return (
        found
        or by_locants(bare.name, catalogue)
        or (None if _is_explained(name, catalogue) else _several(name, catalogue))
        or _either_or(name, catalogue)
        or named_with_class(bare.name, catalogue)
        or _unknown(name, bare=bare.name, catalogue=catalogue)
    )


def _is_explained(name: str, catalogue: Catalogue) -> bool:
    """Return whether names in brackets are of what another substance stands in a relation to."""
    return of_another(name, catalogue.words) and name.rstrip()[-1] in ")]" and parted(name) is not None


def _single(name: str, catalogue: Catalogue) -> Identity | None:
    if (found := written(name, catalogue)) is not None:
        return found
    bare = peeled_of(name, catalogue)
    return bare.found or _composed(name, bare=bare.name, catalogue=catalogue)


def _composed(name: str, *, bare: str, catalogue: Catalogue) -> Identity | None:
    """Return what a name that is not listed means: with its brackets, as a class, or respelt."""
    in_brackets = beside_alias(name, catalogue) or (beside_alias(bare, catalogue) if bare != name else None)
    return in_brackets or classed(name, catalogue) or otherwise_spelt(bare, catalogue)


def _several(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of ``A + B``.

    A slash or a comma parts names only where both sides are known, or each has its dose. A name of the street
    beside the substance's own says nothing more.
    """
    parts = _parts(_BETWEEN_SUBSTANCES.split(name))
    sure = len(parts) > 1
    parts = _parts(part for whole in parts for part in _PERHAPS_BETWEEN.split(whole))
    if not 1 < len(parts) <= _MOST_PARTS:
        return None
    sure = sure or all(map(has_dose, parts))
    read = [
        (part, _single(part, catalogue) or _unknown(part, bare=part, catalogue=catalogue)) for part in parts
    ]
    entries = {one.entry.key: one.entry for _, one in read if one.entry is not None}
    read = [
        (part, one)
        for part, one in read
        if one.entry is not None
        or not any(is_street_name(part, entry, catalogue) for entry in entries.values())
    ]
    known = sum(identity.outcome is not Outcome.UNKNOWN for _, identity in read)
    if known < (1 if sure else len(read)):
        return None
    first, *others = [identity for _, identity in read]
    alike = all(
        first.entry is not None
        and other.entry is not None
        and (first.entry is other.entry or (not sure and is_same(first.entry, other.entry)))
        for other in others
    )
    if alike and first.entry is not None:
        return first  # one substance by two of its names
    return together(read, reason="mixture")


def _only_substances(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of several names in one where each is a substance's: amphetamine/methamphetamine."""
    several = _several(name, catalogue) or _either_or(name, catalogue)
    return several if several is not None and all(one.key for one in several.candidates) else None


def _either_or(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of ``3-MMC o 4-MMC``, where both sides are known."""
    parts = _parts(_EITHER.split(name))
    if not 1 < len(parts) <= _MOST_PARTS:
        return None
    read = [(part, identity) for part in parts if (identity := _single(part, catalogue)) is not None]
    known = len(read) == len(parts) and all(one.outcome is not Outcome.UNKNOWN for _, one in read)
    return together(read, reason="either_or") if known else None


def _parts(split: Iterable[str]) -> list[str]:
    return [part.strip() for part in split if part and part.strip()]


def _unknown(name: str, *, bare: str, catalogue: Catalogue, denied: bool = False) -> Identity:
    """Return what is left to a person: the candidates, and the kind of substance where the name shows it."""
    silent = denied or claimed(name, catalogue.words)
    ending = None if silent else family_by_ending(bare, catalogue.words)
    within = () if silent else named_within(name, catalogue)
    if not within:
        reason = "name_denied" if silent else PART_OF_NAME
        within = tuple(candidate(entry, reason) for entry in _beside_brackets(bare, catalogue))
    hinted = within[0].entry if len(within) == 1 and not ending and not silent else None
    family = hinted.family if hinted is not None else ending
    return unresolved(
        Outcome.UNKNOWN,
        step="none",
        reason="ending_shows_family" if ending else _why_unlisted(name, bare=bare, catalogue=catalogue),
        family=catalogue.families[family] if family else None,
        effect_group=hinted.effect_group if hinted is not None else None,
        candidates=(
            *within,
            *_suggested(name, bare=bare, catalogue=catalogue),
        ),
    )


def _suggested(name: str, *, bare: str, catalogue: Catalogue) -> Iterable[Candidate]:
    ring = on_which_ring(name, catalogue)
    if ring is not None:
        yield candidate(ring, "position_of_which_ring")
    street = catalogue.names.find_in_street(bare)
    for keys, reason in ((street, "street_name"), (near_names(name, catalogue), "near_spelling")):
        for entry in entries_of(keys, catalogue):
            yield candidate(entry, reason)


def _why_unlisted(name: str, *, bare: str, catalogue: Catalogue) -> str:
    """Return whether a name, or one with its other name in brackets, is of something that is no drug."""
    used = peeled(name, catalogue.words, with_methods=True) if " " in name else None  # methanol in blood
    parts = dict.fromkeys(
        (name, bare, used.name if used else bare, *(parted(name) or ())[:1], *(parted(bare) or ())[:1])
    )
    no_drug = any(_phrase(part) - catalogue.words.joiners in catalogue.words.no_drugs for part in parts)
    return NO_DRUG if no_drug else "not_in_catalogue"


def _phrase(name: str) -> frozenset[str]:
    return frozenset(map(singular, exact_key(name).replace("-", " ").split()))


def _beside_brackets(bare: str, catalogue: Catalogue) -> list[Entry]:
    """Return the substances before or within brackets, where the other part is not understood."""
    read = [alone(part, catalogue) for part in parted(bare) or ()]
    entries = (one.entry for one in read if one is not None)
    return list({entry.key: entry for entry in entries if entry is not None}.values())
