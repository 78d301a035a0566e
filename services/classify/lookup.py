"""What one name means by itself: exact layers resolve, and nothing else does.

In order: the name as it stands, in the spelling of another language, without what stands around it
(:mod:`services.classify.peeling`), a class or effect word, another way to write the same name.
Source: HPAD-2021:CM.2.4@L191.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from schemas.vocabularies import Outcome
from services.classify.class_words import ClassNamed, read_class
from services.classify.identities import Candidate, Identity, among, of_class, resolved, together, unresolved
from services.classify.peeling import Peeled, of_another, peeled
from services.classify.respell import perhaps, respelt, with_each_locant
from services.reference.catalogue import Catalogue, Entry
from services.reference.names import exact_key, loose_key
from services.reference.words import Words

_PERHAPS_PREFIXED = re.compile(r"\(([^\W\d_]{2,})\)\s?-?([^\W\d_].*)")


def alone(part: str, catalogue: Catalogue) -> Identity | None:
    """Return what a part of a name means by itself, by name or by class, or None."""
    return written(part, catalogue) or peeled_of(part, catalogue).found or classed(part, catalogue)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """A name without what stood around it (as it was where nothing did), and what that is a name of."""

    name: str
    found: Identity | None


def peeled_of(name: str, catalogue: Catalogue) -> Bare:
    """Return ``name`` without what stands around it, and the substance or substances it then names."""
    bare = None if of_another(name, catalogue.words) else peeled(name, catalogue.words)
    if bare is None:
        return Bare(name=name, found=None)
    return Bare(name=bare.name, found=_parent(bare, catalogue))


def written(name: str, catalogue: Catalogue) -> Identity | None:
    """Return what ``name`` means as it is written, in any of four languages."""
    return _as_written(name, catalogue, step="name") or _folded(name, catalogue)


def classed(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the class or the effect that ``name`` is a word for."""
    read = read_class(
        name,
        words=catalogue.words,
        family_of=lambda substance: _family_of(substance, catalogue),
        effect_of=lambda family: catalogue.families[family].effect_group,
        is_substance=lambda word: bool(catalogue.with_name(word)),
    )
    if read is None:
        return None
    if isinstance(read, ClassNamed):
        return of_class(catalogue.families[read.family], step="class_word", reason="class_named")
    return unresolved(
        Outcome.UNKNOWN, step="effect_word", reason="effect_named", effect_group=read.effect_group
    )


def otherwise_spelt(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of a name whose other spellings are names of one substance and no other."""
    found: dict[str, Entry] = {}
    for other in respelt(name):
        read = written(other, catalogue)
        if read is not None and read.entry is None:
            return replace(read, reason="name_ambiguous") if read.outcome is Outcome.AMBIGUOUS else None
        if read is not None and read.entry is not None:
            found[read.entry.key] = read.entry
    entries = list(found.values())
    if len(entries) == 1:
        return resolved(entries[0], step="name", reason="name_respelt")
    return among(entries, step="name", reason="name_ambiguous") if entries else None


def by_locants(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of one name with several locants, each of which makes a substance: 3-/4-MMC."""
    each = [(other, written(other, catalogue)) for other in with_each_locant(name)]
    known = [(other, found) for other, found in each if found is not None and found.entry is not None]
    return together(known, reason="either_or") if known and len(known) == len(each) else None


def with_or_without(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the two substances that a name with a prefix in brackets leaves open: (meth)amphetamine."""
    found = _PERHAPS_PREFIXED.fullmatch(name.strip())
    if found is None or exact_key(name) in catalogue.names.exact:
        return None
    read = [(each, written(each, catalogue)) for each in (f"{found[1]}{found[2]}", found[2])]
    known = [(each, one) for each, one in read if one is not None and one.entry is not None]
    return (
        together(known, reason="either_or")
        if len({one.entry.key for _, one in known if one.entry is not None}) > 1
        else None
    )


def on_which_ring(name: str, catalogue: Catalogue) -> Entry | None:
    """Return what a numbered fentanyl probably is, for a person to confirm."""
    other = perhaps(name)
    read = written(other, catalogue) if other else None
    return None if read is None else read.entry


def entries_of(keys: Iterable[str], catalogue: Catalogue) -> list[Entry]:
    """Return the entries with these keys, in their order."""
    return [catalogue.by_key[key] for key in keys]


def _parent(bare: Peeled, catalogue: Catalogue) -> Identity | None:
    """Return what a name means without what stood around it.

    A salt that is rather an ester is another substance: the words do not tell the two apart.
    """
    step = "salt" if bare.salts else "name"
    found = _as_written(bare.name, catalogue, step=step) or _folded(bare.name, catalogue)
    if found is not None and found.entry is not None:
        esterlike = catalogue.words.esterlike.get(found.entry.family, frozenset())
        if esterlike & bare.salts:
            return unresolved(Outcome.UNKNOWN, step="none", reason="not_in_catalogue")
    return found


def _as_written(name: str, catalogue: Catalogue, *, step: str) -> Identity | None:
    names = catalogue.names
    if is_plain_word(name, catalogue.words):
        return None
    if (ambiguity := names.ambiguity(name)) is not None:
        strangers = [
            Candidate(key="", inchikey=each.inchikey, preferred_name=each.name, reason="name_ambiguous")
            for each in ambiguity.strangers
        ]
        return classed(name, catalogue) or among(
            entries_of(ambiguity.keys, catalogue), strangers=strangers, step=step, reason="name_ambiguous"
        )
    found = entries_of(names.find(name), catalogue)
    if len(found) == 1:
        return resolved(found[0], step=step, reason="name_known")
    if found:
        return among(found, step=step, reason="name_ambiguous")
    variants = entries_of(names.find_without_locants(name), catalogue)
    return among(variants, step=step, reason="locant_missing") if variants else None


def _folded(name: str, catalogue: Catalogue) -> Identity | None:
    found = entries_of(catalogue.names.find_folded(name), catalogue)
    if len(found) == 1:
        return resolved(found[0], step="fold", reason="spelling_of_another_language")
    return among(found, step="fold", reason="spelling_ambiguous") if found else None


def is_plain_word(name: str, words: Words) -> bool:
    """Return whether ``name`` is an everyday word, as which it is no code: off, met, doc."""
    return loose_key(name) in words.plain_words and not name.isupper()


def _family_of(substance: str, catalogue: Catalogue) -> str | None:
    """Return the family whose analogues ``substance`` stands for, where its kind has a class word.

    A name that lacks its locant stands for the family that all its meanings share.
    """
    found = written(substance, catalogue)
    classes = set(catalogue.words.families.values())
    return found.family if found is not None and found.family in classes else None
