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

_SPOKEN = re.compile(
    r"([\s,;:/()\[\]'\"?!*-]*)([^\s,;:/()\[\]'\"?!*-]+)"
)  # what stands before a word, and the word
_SEGMENT = re.compile(r"[,;:()\[\]]")
_WORD, _THE_REST = "word", "rest"
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
    name: str,
    *,
    words: Words,
    family_of: Callable[[str], str | None],
    effect_of: Callable[[str], str | None],
    is_substance: Callable[[str], bool],
) -> ClassNamed | EffectNamed | None:
    """Return the class or effect that ``name`` means, or None.

    ``family_of`` tells the family of a substance's name, for "analogue of" it; ``effect_of`` the effect
    group of a family, by which "opioide sintético de tipo nitazeno" is understood, ``is_substance`` what a
    negation may leave out of a class: "opioid, no morphine".
    """
    reading = _read(name, words, is_substance)
    if reading is None or not reading.content:
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


def _read(name: str, words: Words, is_substance: Callable[[str], bool]) -> _Reading | None:
    """Return the phrase without what a negation takes away; None where it takes away the whole.

    Behind a class a negation denies the class, by whatever verb (not found, non retrouvé), unless it leaves
    another class or a substance out of it.
    """
    content: list[str] = []
    synthetic = analogue = led = False  # led: behind a mark or a word that leads to a method
    left_out: str | None = None  # until the end of a word or of a segment
    spoken = [(found[1], singular(found[2])) for found in _SPOKEN.finditer(exact_key(name))]
    for place, (before, word) in enumerate(spoken):
        if left_out is not None and (left_out == _WORD or not _SEGMENT.search(before)):
            left_out = None if left_out == _WORD else left_out
            continue
        left_out = None
        led = led or word in words.links or _SEGMENT.search(before) is not None
        if word in words.negations:
            between, after = next(
                (each for each in spoken[place + 1 :] if each[1] not in words.adverbs), ("", None)
            )
            if after in words.participles:  # not specified, non-medical
                continue
            detected = after is None or after in words.asides or after in words.methods
            if detected or _SEGMENT.search(between):
                return None  # not detected, negative, none (nitazenes)
            if content and word in words.verbal_negations:
                following = _segment(spoken[place + 1 :])
                if not any(
                    any(_one(each, words)) or each in words.synthetic or is_substance(each)
                    for each in following
                ):
                    return None
            left_out = _WORD if word == "non" else _THE_REST
        elif word in words.synthetic:
            synthetic = True
        elif word in words.analogue:
            analogue = True
        elif word not in words.around and not (led and word in words.methods):
            content.append(word)
    return _Reading(content=tuple(content), synthetic=synthetic, analogue=analogue)


def _segment(spoken: list[tuple[str, str]]) -> list[str]:
    """Return the words up to the next mark."""
    end = next((at for at, (before, _) in enumerate(spoken) if _SEGMENT.search(before)), len(spoken))
    return [word for _, word in spoken[:end]]


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
