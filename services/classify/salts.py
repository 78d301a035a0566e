"""Take the words for salts, hydrates and bases off a name, before or after it, in four languages."""

import re
from dataclasses import dataclass

from services.reference.names import exact_key
from services.reference.words import Words, singular

_DOTS = re.compile(r"[·•∙⋅*×]|(?<=[a-z)])\.(?=[a-z0-9])|(?<=\s)x(?=\s)")  # between a base and its acid
_ELISION = re.compile(r"(?<![a-z0-9])([dl])'(?=[a-z])")
_BRACKETED = re.compile(r"[(\[]([a-z ]+)[)\]]")
_TRAILING = re.compile(r"[,;]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A name without its salt words. ``removed`` are those words, in the singular."""

    name: str
    removed: frozenset[str]


def without_salt(name: str, words: Words) -> Parent | None:
    """Return the name of the parent, or None where ``name`` has no salt word or is nothing else."""
    text = _ELISION.sub(r"\1 ", _DOTS.sub(" ", exact_key(name)))
    text = _BRACKETED.sub(lambda found: _opened(found, words), text)
    parts = [_TRAILING.sub("", part) for part in text.split()]
    removed: set[str] = set()
    _strip_before(parts, words, removed)
    _strip_after(parts, words, removed)
    return Parent(name=" ".join(parts), removed=frozenset(removed)) if removed and parts else None


def _opened(found: re.Match[str], words: Words) -> str:
    inside = found[1].split()
    return f" {found[1]} " if all(singular(word) in words.salts for word in inside) else found[0]


def _strip_before(parts: list[str], words: Words, removed: set[str]) -> None:
    while parts:
        word = singular(parts[0])
        follows_acid = len(parts) > 1 and word in words.acid_salts and singular(parts[1]) in words.salts
        if word not in words.salts and not follows_acid:
            break
        removed.add(word)
        del parts[0]
        while parts and parts[0] in words.joiners:
            del parts[0]


def _strip_after(parts: list[str], words: Words, removed: set[str]) -> None:
    while parts:
        stem, hyphen, last = parts[-1].rpartition("-")
        word = singular(last)
        if word not in words.salts and not (removed and word in words.acid_salts):
            break
        removed.add(word)
        if hyphen and stem:
            parts[-1] = stem
        else:
            del parts[-1]
            while len(parts) > 1 and parts[-1] in words.joiners:  # cocaine, sel de chlorhydrate
                del parts[-1]
