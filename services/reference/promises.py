"""What the words by which a product is sold promise, in the table ``sold_as.csv``.

Street names are good enough to say which effect a buyer expects, and never say what a product is. A phrase
stands for more than its words: liquid ecstasy promises another effect than ecstasy.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from services.reference.names import exact_key
from services.reference.tables import items, rows, table
from services.reference.words import singular

_WORDS = re.compile(r"[^\s/,;()+\"«»“”'’‘]+")
_FOOD = "food"
_NOTHING = "nothing"  # names that borrow another's: nobody can tell
_ENTRY = "="  # a brand, or what is no surprise in a drink
_ALONE = "alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What one phrase promises: effect groups, substances by their keys, or a food.

    ``alone`` marks words of everyday, which promise it only where nothing else is said.
    """

    effect_groups: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    food: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Promises by phrase, a tuple of words as :func:`words_of` gives them, made singular."""

    by_phrase: Mapping[tuple[str, ...], Promise]
    longest: int

    def read(self, words: Sequence[str]) -> tuple[list[Promise], list[str]]:
        """Return what the phrases in ``words`` promise, the longest first.

        Beside it the words that may be names as well: those outside phrases of several words.
        """
        told: list[Promise] = []
        left: list[str] = []
        same = [singular(word) for word in words]
        at = 0
        while at < len(words):
            size, promise = self._at(same, at)
            if size == 1:
                left.append(words[at])
            if promise is not None:
                told.append(promise)
            at += size
        return told, left

    def phrase(self, words: Sequence[str]) -> Promise | None:
        """Return what ``words`` promise where they are one phrase of several words."""
        return self.by_phrase.get(tuple(map(singular, words))) if len(words) > 1 else None

    def whole(self, text: str) -> Promise | None:
        """Return what ``text`` promises where it is one phrase, of whatever length."""
        return self.by_phrase.get(_phrase(text))

    def _at(self, words: Sequence[str], at: int) -> tuple[int, Promise | None]:
        for size in range(min(self.longest, len(words) - at), 0, -1):
            promise = self.by_phrase.get(tuple(words[at : at + size]))
            if promise is not None and (size == len(words) or not promise.alone):
                return size, promise
        return 1, None


def words_of(text: str) -> list[str]:
    """Return the words of ``text`` as they are compared: exact keys, without brackets, slashes and quotes."""
    return [key for word in _WORDS.findall(text) if (key := exact_key(word))]


def load_promises(
    directory: Path, *, keys: Mapping[str, str], street_names: Iterable[tuple[str, str | None]]
) -> Promises:
    """Read the table. ``keys`` are those of the entries by preferred name.

    ``street_names`` come with the effect group of their substance; the table wins over them. Raises OSError,
    KeyError or ValueError on a broken table.
    """
    found = {
        phrase: Promise(effect_groups=frozenset({effect}), alone=len(phrase) == 1)
        for name, effect in street_names
        if effect is not None and (phrase := _phrase(name))
    }
    for row in rows(table(directory, "sold_as.csv")):
        promise = _promise(items(row["promises"]), keys=keys, alone=row["where"] == _ALONE)
        found.update((_phrase(words), promise) for words in items(row["words"]))
    return Promises(by_phrase=MappingProxyType(found), longest=max(map(len, found), default=0))


def _phrase(text: str) -> tuple[str, ...]:
    return tuple(map(singular, words_of(text)))


def _promise(told: Sequence[str], *, keys: Mapping[str, str], alone: bool) -> Promise:
    named = {keys[one.removeprefix(_ENTRY)] for one in told if one.startswith(_ENTRY)}
    groups = {one for one in told if not one.startswith(_ENTRY)} - {_FOOD, _NOTHING}
    return Promise(effect_groups=frozenset(groups), keys=frozenset(named), food=_FOOD in told, alone=alone)
