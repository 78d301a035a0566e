"""A name with words beside it that say what kind of substance it is, or how sure the sender is.

``benzodiacepina bromazolam``, ``carfentanil (opioide sintético)`` and ``posible metanfetamina`` name one
substance. The words must agree with it: a class word with its family, an effect word with its effect group.
A word that names a substance itself, and any word for analogues, leaves the whole to a person.
"""

from collections.abc import Callable

from schemas.vocabularies import Outcome
from services.classify.identities import Identity
from services.reference.catalogue import Entry
from services.reference.names import exact_key
from services.reference.words import Words, singular

_MOST_WORDS = 8  # of a name and what stands beside it
_OPIOIDS = frozenset({"opioid", "synthetic_opioid"})
_BETWEEN = " ,:;-–"


def agrees(beside: Identity, entry: Entry) -> bool:
    """Return whether what stands beside a name says a kind of substance to which ``entry`` belongs."""
    if beside.outcome is Outcome.CLASS_ONLY:
        opioids = {beside.effect_group, entry.effect_group} <= _OPIOIDS
        return beside.family == entry.family or (opioids and beside.family == "opioid_other")
    if beside.step != "effect_word":
        return False
    groups = {beside.effect_group, entry.effect_group}
    return len(groups) == 1 or groups <= _OPIOIDS


def named_with_class(name: str, read: Callable[[str], Identity | None], *, words: Words) -> Identity | None:
    """Return the identity of a substance named behind or before its class or a qualifier, or None.

    ``read`` tells what a part of the name means by itself.
    """
    parts = name.split()
    if not 1 < len(parts) <= _MOST_WORDS or any(_word(part) in words.analogue for part in parts):
        return None
    written = len(parts)
    while len(parts) > 1 and (
        _word(parts[0]) in words.qualifiers or (len(parts) < written and _word(parts[0]) in words.joiners)
    ):
        del parts[0]
    if len(parts) < written:
        found = read(" ".join(parts))
        if found is not None and found.entry is not None:
            return found
    for place in range(1, len(parts)):
        head, tail = " ".join(parts[:place]).strip(_BETWEEN), " ".join(parts[place:]).strip(_BETWEEN)
        if _word(parts[place - 1]) in words.joiners:  # the precursor of a substance is another one
            continue
        for kind, substance in ((head, tail), (tail, head)):
            named = read(substance) if kind and substance else None
            if named is None or named.entry is None or is_part_of_names(kind, words):
                continue
            beside = read(kind)
            if beside is not None and beside.entry is None and agrees(beside, named.entry):
                return named
    return None


def is_part_of_names(kind: str, words: Words) -> bool:
    """Return whether a class is named by what is also a group within names: mescaline NBOMe is no mescaline."""
    return any(_word(part.strip("()[]")) in words.name_parts for part in kind.split())


def _word(part: str) -> str:
    return singular(exact_key(part.strip(_BETWEEN)))
