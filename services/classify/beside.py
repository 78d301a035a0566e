"""A name with something beside it: its other name, its class, its name in the street, or another substance.

``3-MMC (metaphedrone)``, ``benzodiacepina bromazolam``, ``MDMA – ecstasy`` and ``bazuco (cocaína base)`` name
one substance. What stands beside it must agree: another name of it or of its plant, a class word with its
family, a street name with its row. What is not understood leaves the whole to a person, but where two names
agree already; beside a class it changes nothing. A word for analogues always does.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from schemas.vocabularies import Outcome
from services.classify.identities import Identity, among, candidate, together, unresolved
from services.classify.lookup import alone, otherwise_spelt, written
from services.classify.peeling import names_nothing, of_another, peeled
from services.reference.catalogue import Catalogue, Entry
from services.reference.names import exact_key
from services.reference.words import Words, singular

_MOST_WORDS = 8  # of a name and what stands beside it
_OPIOIDS = frozenset({"opioid", "synthetic_opioid"})
_BETWEEN = " ,:;-–"
_DASHED = re.compile(r"(.+?)\s+[-–—]\s+(.+)")
_INSIDE = re.compile(r",\s+|\s*[;/=+&]\s*|\s+(?:y|e|et|and|en)\s+", re.IGNORECASE)
_CHEMICAL = re.compile(  # what makes another substance of a name, and what no stamp on a pill is called
    r"[0-9]|^(?:nor|des|iso|ortho|meta|para|alpha|beta|gamma|delta|cis|trans|homo|pro|bis|di|tri|tetra|hydr|hidr)(?:$|-)"
    r"|fluor|chlor|clor|brom|iodo?$|[iy]l$|ox[iy]$|(?:hydr|hidr|nitr|thi|ti|az|ket|ox|amin)o$|(?:ronid|oxid|amid|ester|eter)"
    r"|(?:as[ae]|at[eo]|[ií]d[eo]|in[ae]|on[ae]|[ae]n[eo]|ol|ium|lactam|acid|aci)$|methyl|metil|ethyl|etil|acetyl|acetil|enzym|enzim"
)
_BRAND = re.compile(r"[®™]$|^[\"“«].+[\"”»]$")
_OPENING = {")": "(", "]": "["}


def parted(name: str) -> tuple[str, str] | None:
    """Return the name before brackets at the end, or before a dash, and what stands there; else None."""
    text = name.strip()
    opening = _OPENING.get(text[-1:])
    if opening is None:
        dashed = _DASHED.fullmatch(text)
        return (dashed[1], dashed[2]) if dashed is not None else None
    depth = 0
    for at in range(len(text) - 1, 0, -1):
        depth += (text[at] == text[-1]) - (text[at] == opening)
        if depth == 0:
            return (text[:at].strip(), text[at + 1 : -1].strip()) if text[:at].strip() else None
    return None


def beside_alias(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the one identity that ``name`` and what stands in its brackets give, or None."""
    pair = parted(name)
    if pair is None:
        return None
    head, inside = pair
    parts = [head, inside] if alone(inside, catalogue) is not None else [head, *_INSIDE.split(inside)]
    read = [(part, _read(part, head, catalogue)) for part in parts if part]
    entries = {one.entry.key: one.entry for _, one in read if one is not None and one.entry is not None}
    first = next(iter(entries.values()), None)
    if first is None:
        return _class_of(read, catalogue.words)
    others = [entry for entry in entries.values() if not is_same(first, entry)]
    if others and read[0][1] is None:
        return _contents(read, entries.values(), catalogue)
    if others and _is_class_of_all(read, catalogue.words):
        return together([(part, one) for part, one in read[1:] if one is not None], reason="mixture")
    if others:
        both = name.strip()[-1] in _OPENING  # A – B may be two substances
        return among(list(entries.values()), step="name", reason="identifiers_disagree") if both else None
    unread = 0
    for part, one in read:
        if one is None and not _is_told(part, first, catalogue):
            unread += 1
        elif one is not None and one.entry is None and not _agrees(part, one, first, catalogue.words):
            return None
    names = sum(one is not None and one.entry is not None for _, one in read)
    head_unread = read[0][1] is None and not _is_told(head, first, catalogue)
    if unread and (names < 2 or head_unread):
        return None
    of_class = read[0][1]
    if of_class is not None and of_class.entry is None and _unnamed(head, catalogue.words):
        return replace(of_class, candidates=(candidate(first, "part_of_name"),))
    return next(one for _, one in read if one is not None and one.entry is first)


def named_with_class(name: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity of a substance named behind or before its class, or None."""
    words, parts = catalogue.words, name.split()
    if not 1 < len(parts) <= _MOST_WORDS or any(_word(part) in words.analogue for part in parts):
        return None
    for place in range(1, len(parts)):
        head, tail = " ".join(parts[:place]).strip(_BETWEEN), " ".join(parts[place:]).strip(_BETWEEN)
        if _word(parts[place - 1]) in words.joiners:  # the precursor of a substance is another one
            continue
        for kind, substance in ((head, tail), (tail, head)):
            found = alone(substance, catalogue) if kind and substance else None
            if found is None or found.entry is None or _is_part_of_names(kind, words):
                continue
            if (kind == tail and _relates(kind, words)) or of_another(f"{kind} {substance}", words):
                continue
            beside = alone(kind, catalogue)
            if beside is not None and beside.entry is None and _of_its_kind(beside, found.entry):
                return found
    return None


def _relates(kind: str, words: Words) -> bool:
    """Return whether ``kind`` behind a name makes another substance of it: a P2P precursor is not P2P."""
    return any(_word(part) in words.relations for part in kind.split())


def is_street_name(part: str, entry: Entry, catalogue: Catalogue) -> bool:
    """Return whether the street calls ``entry`` so: enough to agree, never to identify.

    A word that names nothing in particular agrees by the one effect that it promises: K9, zèb, poes.
    """
    bare = peeled(part, catalogue.words)
    spellings = {part, bare.name if bare is not None else part}
    called = {key for one in spellings for key in catalogue.names.find_in_street(one)}
    promise = catalogue.promises.whole(part)
    if called or promise is None:
        return entry.key in called
    groups = {entry.effect_group, *promise.effect_groups}
    return bool(promise.effect_groups) and (len(groups) == 1 or groups <= _OPIOIDS)


def _read(part: str, head: str, catalogue: Catalogue) -> Identity | None:
    """Return what a part means: alone, respelt, or with the word that it shares: ácido muriático (clorídrico)."""
    found = alone(part, catalogue) or otherwise_spelt(part, catalogue)
    if found is None and part != head:
        bare = peeled(part, catalogue.words, with_methods=True)
        found = written(bare.name, catalogue) if bare is not None else None
    shared = head.split()[0]
    if found is None and part != head and _word(shared) in catalogue.words.acid_salts:
        return alone(f"{shared} {part}", catalogue)
    return found


def _contents(
    read: Sequence[tuple[str, Identity | None]], entries: Iterable[Entry], catalogue: Catalogue
) -> Identity:
    """Return the mixture in brackets behind what a product is called: tusi (ketamina, MDMA)."""
    name = read[0][0]
    called = names_nothing(name, catalogue.words) or any(
        is_street_name(name, one, catalogue) for one in entries
    )
    unread = unresolved(Outcome.UNKNOWN, step="none", reason="not_in_catalogue")
    return together([(part, one or unread) for part, one in read[called:]], reason="mixture")


def _is_class_of_all(read: Sequence[tuple[str, Identity | None]], words: Words) -> bool:
    """Return whether members stand behind their class: nitazenes (protonitazene, metonitazene)."""
    (head, kind), *members = read
    if kind is None or kind.entry is not None or _is_part_of_names(head, words):
        return False
    return all(
        one is not None and one.entry is not None and _of_its_kind(kind, one.entry) for _, one in members
    )


def _tells(part: str, entry: Entry, catalogue: Catalogue) -> bool:
    """Return whether ``part`` tells what a product looks like, or of what else ``entry`` is a metabolite."""
    relation, _, other = part.partition(" ")
    if _word(relation) in catalogue.words.relations:
        joiner, _, other = other.partition(" ")
        of = alone(other, catalogue) if _word(joiner) in catalogue.words.joiners else None
        return of is not None and of.entry is not None and of.entry is not entry
    return names_nothing(part, catalogue.words)


def _is_told(part: str, entry: Entry, catalogue: Catalogue) -> bool:
    """Return whether ``part``, which names nothing known, objects to nothing either."""
    return (
        is_street_name(part, entry, catalogue)
        or _tells(part, entry, catalogue)
        or _is_brand(part, catalogue.words)
    )


def _is_brand(part: str, words: Words) -> bool:
    """Return whether ``part`` is the name of a product, which objects to nothing: Tramaking®, "Tramaking"."""
    said = {_word(word.strip('"“”«»®™')) for word in part.split()}
    kinds = (words.analogue, words.isomers, words.relations, words.roles, words.negations, words.claims)
    if _BRAND.search(part) is None or not all(said.isdisjoint(kind) for kind in kinds):
        return False
    return part[-1] in "®™" or not any(_CHEMICAL.search(word) for word in said)


def _class_of(read: list[tuple[str, Identity | None]], words: Words) -> Identity | None:
    """Return the class that stands where no substance does: before brackets, or alone within them."""
    known = [(part, one) for part, one in read if one is not None]
    if len(known) != 1 or any(_word(word) in words.analogue for part, _ in read for word in part.split()):
        return None
    ((part, one),) = known
    return None if part != read[0][0] and _is_part_of_names(part, words) else one


def is_same(first: Entry, other: Entry) -> bool:
    """Return whether two entries are one, or a plant and the substance that it is known by."""
    return first is other or other.key == first.marker or first.key == other.marker


def _agrees(part: str, beside: Identity, entry: Entry, words: Words) -> bool:
    if beside.outcome is Outcome.AMBIGUOUS:
        return any(one.key == entry.key for one in beside.candidates)
    return _of_its_kind(beside, entry) and not _is_part_of_names(part, words)


def _of_its_kind(beside: Identity, entry: Entry) -> bool:
    """Return whether a class or effect word says a kind of substance to which ``entry`` belongs."""
    groups = {beside.effect_group, entry.effect_group}
    if beside.outcome is Outcome.CLASS_ONLY:
        return beside.family == entry.family or (groups <= _OPIOIDS and beside.family == "opioid_other")
    return beside.step == "effect_word" and (len(groups) == 1 or groups <= _OPIOIDS)


def _is_part_of_names(kind: str, words: Words) -> bool:
    """Return whether a class is named by what is also a group within names: mescaline NBOMe is no mescaline."""
    return any(_word(part.strip("()[]")) in words.name_parts for part in kind.split())


def _unnamed(head: str, words: Words) -> bool:
    """Return whether ``head`` says that the substance is not known: opioide sin identificar."""
    parts = {_word(part) for part in head.split()}
    return bool(parts & words.unnamed) or bool(parts & words.negations and parts & words.participles)


def _word(part: str) -> str:
    return singular(exact_key(part.strip(_BETWEEN)))
