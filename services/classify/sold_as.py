"""What a product was sold as: an effect, a medicine, a food, or nothing that we can tell.

Street names are good enough here: what is compared is the effect that a buyer expects, and they never say
what a product is. What stays unclear has no effect, and nothing is ever disguised by it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from schemas.vocabularies import Outcome
from services.classify.by_name import identify_name
from services.reference.catalogue import Catalogue, Entry
from services.reference.names import exact_key

_ANSWERS = 4096  # kept: the same words come again and again
_WORDS = re.compile(r"[^\s/,;()+\"«»“”'’‘]+")

_FOODS = """
    alimento alimentos aliment aliments food foods snack snacks caramelo caramelos dulce dulces bombón
    bombones bombom bonbon bonbons candy candies sweets gummy gummies gomita gomitas chocolate chocolates
    chocolat galleta galletas cookie cookies biscoito biscoitos biscuit biscuits brownie brownies refresco
    bebida beverage boisson
    suplemento suplementos supplement supplements supplément complemento vitamina vitaminas vitamin vitamins
"""
# Slang by the effect that it promises; names of substances and of classes come from the catalogue.
_SLANG = {
    "cannabinoid": "marihuana marijuana maconha weed hierba herbe herb joint cannabis hachís hashish haxixe",
    "synthetic_cannabinoid_agonist": "k2 k4 k9 spice",
    "stimulant": "crack coca coke speed base pasta paco basuco éxtasis ecstasy xtc molly cristal crystal ice",
    "opioid": "down dope m30 tranq chiva smack",
    "sedative_hypnotic": "benzo benzos xanax sedante sedantes",
}


def _keys(words: str) -> frozenset[str]:
    return frozenset(exact_key(word) for word in words.split())


_FOOD_KEYS = _keys(_FOODS)
_EFFECT_OF = {key: effect for effect, words in _SLANG.items() for key in _keys(words)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldAs:
    """What the buyer expected. ``keys`` are the substances that the words name; ``effect_group`` is None
    where they promise several effects or none. ``opioid`` and ``synthetic_opioid`` are one group here.
    """

    keys: frozenset[str]
    family: str | None
    effect_group: str | None
    medicine: bool
    food: bool


NOTHING_TOLD = SoldAs(keys=frozenset(), family=None, effect_group=None, medicine=False, food=False)


@lru_cache(maxsize=_ANSWERS)
def promise_of(text: str | None, catalogue: Catalogue) -> SoldAs:
    """Return what ``text`` promises: the whole where that names a substance or a class, else its words."""
    if text is None or not text.strip():
        return NOTHING_TOLD
    words = [exact_key(word) for word in _WORDS.findall(text)]
    whole = identify_name(text, catalogue)
    if whole.entry is not None:
        return _promise([whole.entry], groups=_slang(words))
    if whole.outcome is Outcome.CLASS_ONLY or whole.effect_group is not None:
        return _promise([], family=whole.family, groups={whole.effect_group})
    entries = [entry for word in words if (entry := _named(word, catalogue)) is not None]
    groups = _slang(words)
    if not entries and not groups and any(word in _FOOD_KEYS for word in words):
        return SoldAs(keys=frozenset(), family=None, effect_group=None, medicine=False, food=True)
    return _promise(entries, groups=groups)


def same_group(effect_group: str | None) -> str | None:
    """Return the effect group as compared: plant, semi-synthetic and synthetic opioids are one."""
    return "opioid" if effect_group == "synthetic_opioid" else effect_group


def _slang(words: Iterable[str]) -> set[str | None]:
    return {_EFFECT_OF[word] for word in words if word in _EFFECT_OF}


def _named(word: str, catalogue: Catalogue) -> Entry | None:
    keys = catalogue.with_name(word)
    return catalogue.by_key[keys[0]] if len(keys) == 1 else None


def _promise(entries: list[Entry], *, family: str | None = None, groups: Iterable[str | None]) -> SoldAs:
    families: set[str | None] = {entry.family for entry in entries} or {family}
    every = (*groups, *(entry.effect_group for entry in entries))
    promised = {group for one in every if (group := same_group(one)) is not None}
    return SoldAs(
        keys=frozenset(entry.key for entry in entries),
        family=families.pop() if len(families) == 1 else None,
        effect_group=promised.pop() if len(promised) == 1 else None,
        medicine=any(code.partition(".")[0] == "PHA" for entry in entries for code in entry.codes),
        food=False,
    )
