"""What is said when no substance is named: a class, an effect, an ending that shows the family.

``nitazenos``, ``análogo de fentanilo`` and ``synthetic cannabinoid`` name a class, in any of four languages
and in either number; ``opioid, unspecified`` names an effect only; ``-nitazene`` hints at a family, no more.
Source: HPAD-2021:CM.2.5@L192 (by class), HPAD-2021:RIME.1.4@L313 (emerging threats, no substance named).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from services.reference.names import exact_key
from services.reference.words import SYNTHETIC, Phrase, Words, singular

_BETWEEN_WORDS = re.compile(r"[\s,;:/()\[\]'\"-]+")
_OPIOIDS = frozenset({"opioid", "synthetic_opioid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassNamed:
    """A phrase that names a family without a substance."""

    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectNamed:
    """A phrase that names an effect group only."""

    effect_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A phrase taken apart: its words of content, and what was said around them."""

    content: tuple[str, ...]
    synthetic: bool
    analogue: bool


def read_class(
    name: str, *, words: Words, family_of: Callable[[str], str | None], effect_of: Callable[[str], str | None]
) -> ClassNamed | EffectNamed | None:
    """Return the class or effect that ``name`` means, or None.

    ``family_of`` tells the family of a substance's name, for "analogue of" it; ``effect_of`` the effect
    group of a family, by which "opioide sintético de tipo nitazeno" is understood.
    """
    reading = _read(name, words)
    if not reading.content:
        return None
    if (family := _family(reading, words)) is not None:
        return ClassNamed(family=family)
    named = [_one(word, words) for word in reading.content]
    families = {family for family, _ in named if family}
    effects = {effect for _, effect in named if effect}
    if None not in (family or effect for family, effect in named):
        if len(families) == 1:
            (family,) = families
            return ClassNamed(family=family) if _agree({effect_of(family), *effects}) else None
        if not families and _agree(set(effects)):
            return EffectNamed(effect_group=_strongest(effects))
    if reading.analogue and (of := family_of(" ".join(reading.content))) is not None:
        return ClassNamed(family=of)
    return None


def family_by_ending(name: str, words: Words) -> str | None:
    """Return the family that the ending of an unlisted name shows: a hint, never a category."""
    exact = exact_key(name)
    return next((family for family, pattern in words.endings if pattern.search(exact)), None)


def _read(name: str, words: Words) -> _Reading:
    content: list[str] = []
    synthetic = analogue = False
    for written in _BETWEEN_WORDS.split(exact_key(name)):
        word = singular(written)
        if word in words.synthetic:
            synthetic = True
        elif word in words.analogue:
            analogue = True
        elif word and word not in words.noise:
            content.append(word)
    return _Reading(content=tuple(content), synthetic=synthetic, analogue=analogue)


def _family(reading: _Reading, words: Words) -> str | None:
    phrase: Phrase = frozenset(reading.content)
    if reading.synthetic and (family := words.families.get(phrase | {SYNTHETIC})) is not None:
        return family
    return words.families.get(phrase)


def _one(word: str, words: Words) -> tuple[str | None, str | None]:
    return words.families.get(frozenset({word})), words.effects.get(word)


def _agree(effects: set[str | None]) -> bool:
    return len({"opioid" if effect in _OPIOIDS else effect for effect in effects}) == 1


def _strongest(effects: set[str]) -> str:
    return "synthetic_opioid" if "synthetic_opioid" in effects else next(iter(effects))
