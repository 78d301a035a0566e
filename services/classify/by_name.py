"""What a name means: exact layers resolve, and nothing else does.

In order: the name as it stands, a name beside its own alias or its class, a name that lacks its locant, the
name without salt words, the spelling of another language, a class or effect word, another way to write the
same name, several names in one. A near spelling only suggests. Source: HPAD-2021:CM.2.4@L191.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from schemas.vocabularies import Outcome
from services.classify.beside import agrees, is_part_of_names, named_with_class
from services.classify.class_words import ClassNamed, family_by_ending, read_class
from services.classify.identities import (
    NO_DRUG,
    Candidate,
    Identity,
    among,
    candidate,
    of_class,
    resolved,
    together,
    unresolved,
)
from services.classify.respell import perhaps, respelt
from services.classify.salts import without_salt
from services.classify.suggest import near_names
from services.reference.catalogue import Catalogue, Entry
from services.reference.names import exact_key
from services.reference.words import singular

_BESIDE = re.compile(r"(.+?)\s*[(\[]([^()\[\]]+)[)\]]")
_BETWEEN_SUBSTANCES = re.compile(
    r"\s*(?<!\()\+(?!\))\s*|\s+(?:y|e|et|and|con|with|avec|com|más|mas|plus|&)\s+|\s*;\s*", re.IGNORECASE
)
_EITHER = re.compile(r"\s+(?:o|ou|or|u)\s+", re.IGNORECASE)
_PERHAPS_BETWEEN = re.compile(r"\s*(?<=[\w)])\s*/\s*(?=\w)|,\s+")
_MOST_PARTS = 8
_ANSWERS = 8192  # kept: the same few thousand names come again and again
_MOST_CHARACTERS = 200  # of a name, as the contract has it; longer is not looked at


@lru_cache(maxsize=_ANSWERS)
def identify_name(name: str, catalogue: Catalogue) -> Identity:
    """Return what ``name`` means by itself. Never raises; an empty name is unknown."""
    if not name.strip() or len(name) > _MOST_CHARACTERS:
        return unresolved(Outcome.UNKNOWN, step="none", reason="not_a_name")
    found = _single(name, catalogue)
    if found is not None and found.step == "class_word":
        return _only_substances(name, catalogue) or found  # amphetamine and its kin name a class as well
    return (
        found
        or _several(name, catalogue)
        or _either_or(name, catalogue)
        or named_with_class(name, _alone_in(catalogue), words=catalogue.words)
        or _unknown(name, catalogue)
    )


def _single(name: str, catalogue: Catalogue) -> Identity | None:
    found = _as_written(name, catalogue, step="name") or _beside_alias(name, catalogue)
    parent = without_salt(name, catalogue.words)
    if found is None and parent is not None:
        found = _as_written(parent.name, catalogue, step="salt")
        if found is None:
            found = _folded(parent.name, catalogue)
        if found is not None and found.entry is not None:
            esterlike = catalogue.words.esterlike.get(found.entry.family, frozenset())
            if esterlike & parent.removed:
                return None  # its ester is another substance, and the words do not tell them apart
    found = found or _folded(name, catalogue) or _class(name, catalogue)
    return found or _respelt(parent.name if parent is not None else name, catalogue)


def _as_written(name: str, catalogue: Catalogue, *, step: str) -> Identity | None:
    names = catalogue.names
    if (ambiguity := names.ambiguity(name)) is not None:
        strangers = [
            Candidate(key="", inchikey=each.inchikey, preferred_name=each.name, reason="name_ambiguous")
            for each in ambiguity.strangers
        ]
        return _class(name, catalogue) or among(
            _entries(ambiguity.keys, catalogue), strangers=strangers, step=step, reason="name_ambiguous"
        )
    found = _entries(names.find(name), catalogue)
    if len(found) == 1:
        return resolved(found[0], step=step, reason="name_known")
    if found:
        return among(found, step=step, reason="name_ambiguous")
    variants = _entries(names.find_without_locants(name), catalogue)
    return among(variants, step=step, reason="locant_missing") if variants else None


def _beside_alias(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of ``3-MMC (metaphedrone)`` or ``bromazolam (benzodiazepine)``.

    Both must say the same: two names the same substance, a class word the substance's own family.
    """
    matched = _BESIDE.fullmatch(name.strip())
    if matched is None:
        return None
    first, second = (_alone(part, catalogue) for part in matched.groups())
    if first is None or second is None:
        return None
    if second.entry is None and is_part_of_names(matched[2], catalogue.words):
        return None
    if first.entry is None:
        return second if second.entry is not None and agrees(first, second.entry) else None
    if second.entry is None:
        return first if agrees(second, first.entry) else None
    if first.entry.key == second.entry.key:
        return first
    return among([first.entry, second.entry], step="name", reason="identifiers_disagree")


def _alone_in(catalogue: Catalogue) -> Callable[[str], Identity | None]:
    return lambda part: _alone(part, catalogue)


def _alone(part: str, catalogue: Catalogue) -> Identity | None:
    return _as_written(part, catalogue, step="name") or _folded(part, catalogue) or _class(part, catalogue)


def _respelt(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of a name whose other spellings are names of one substance and no other."""
    found: dict[str, Entry] = {}
    for other in respelt(name):
        read = _as_written(other, catalogue, step="name") or _folded(other, catalogue)
        if read is not None and read.entry is None:
            return replace(read, reason="name_ambiguous") if read.outcome is Outcome.AMBIGUOUS else None
        if read is not None and read.entry is not None:
            found[read.entry.key] = read.entry
    entries = list(found.values())
    if len(entries) == 1:
        return resolved(entries[0], step="name", reason="name_respelt")
    return among(entries, step="name", reason="name_ambiguous") if entries else None


def _folded(name: str, catalogue: Catalogue) -> Identity | None:
    found = _entries(catalogue.names.find_folded(name), catalogue)
    if len(found) == 1:
        return resolved(found[0], step="fold", reason="spelling_of_another_language")
    return among(found, step="fold", reason="spelling_ambiguous") if found else None


def _class(name: str, catalogue: Catalogue) -> Identity | None:
    read = read_class(
        name,
        words=catalogue.words,
        family_of=lambda substance: _family_of(substance, catalogue),
        effect_of=lambda family: catalogue.families[family].effect_group,
    )
    if read is None:
        return None
    if isinstance(read, ClassNamed):
        return of_class(catalogue.families[read.family], step="class_word", reason="class_named")
    return unresolved(
        Outcome.UNKNOWN, step="effect_word", reason="effect_named", effect_group=read.effect_group
    )


def _family_of(substance: str, catalogue: Catalogue) -> str | None:
    """Return the family whose analogues ``substance`` stands for, where its kind has a class word."""
    found = _entries(catalogue.names.find(substance), catalogue)
    classes = set(catalogue.words.families.values())
    return found[0].family if len(found) == 1 and found[0].family in classes else None


def _several(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of ``A + B``. A slash or a comma parts names only where both sides are known."""
    parts = _parts(_BETWEEN_SUBSTANCES.split(name))
    sure = len(parts) > 1
    parts = _parts(part for whole in parts for part in _PERHAPS_BETWEEN.split(whole))
    if not 1 < len(parts) <= _MOST_PARTS:
        return None
    read = [(part, _single(part, catalogue) or _unknown(part, catalogue)) for part in parts]
    known = sum(identity.outcome is not Outcome.UNKNOWN for _, identity in read)
    if known < (1 if sure else len(parts)):
        return None
    keys = {identity.entry.key for _, identity in read if identity.entry is not None}
    if len(keys) == 1 and all(identity.entry is not None for _, identity in read):
        return read[0][1]  # one substance by two of its names
    return together(read, reason="mixture")


def _only_substances(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of several names in one where each is a substance's: amphetamine/methamphetamine."""
    several = _several(name, catalogue)
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


def _unknown(name: str, catalogue: Catalogue) -> Identity:
    family = family_by_ending(name, catalogue.words)
    return unresolved(
        Outcome.UNKNOWN,
        step="none",
        reason="ending_shows_family" if family else _why_unlisted(name, catalogue),
        family=catalogue.families[family] if family else None,
        candidates=(
            *_named_within(name, catalogue),
            *_perhaps(name, catalogue),
            *(
                candidate(entry, "near_spelling")
                for entry in _entries(near_names(name, catalogue), catalogue)
            ),
        ),
    )


def _why_unlisted(name: str, catalogue: Catalogue) -> str:
    phrase = frozenset(map(singular, exact_key(name).replace("-", " ").split())) - catalogue.words.joiners
    return NO_DRUG if phrase in catalogue.words.no_drugs else "not_in_catalogue"


def _named_within(name: str, catalogue: Catalogue) -> tuple[Candidate, ...]:
    """Return the substance before or within brackets, where the other part is not understood."""
    matched = _BESIDE.fullmatch(name.strip())
    read = [_alone(part, catalogue) for part in matched.groups()] if matched is not None else []
    entries = {one.entry.key: one.entry for one in read if one is not None and one.entry is not None}
    return tuple(candidate(entry, "part_of_name") for entry in entries.values())


def _perhaps(name: str, catalogue: Catalogue) -> tuple[Candidate, ...]:
    other = perhaps(name)
    read = _as_written(other, catalogue, step="name") or _folded(other, catalogue) if other else None
    return () if read is None or read.entry is None else (candidate(read.entry, "position_of_which_ring"),)


def _entries(keys: Iterable[str], catalogue: Catalogue) -> list[Entry]:
    return [catalogue.by_key[key] for key in keys]
