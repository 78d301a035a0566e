"""What a product was sold as: effects, a medicine, a food, or nothing that we can tell.

Street names are good enough here: what is compared is the effect that a buyer expects, and they never say
what a product is. What stays unclear has no effect, and nothing is ever disguised by it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from schemas.vocabularies import Outcome
from services.classify.by_name import identify_name
from services.reference.catalogue import Catalogue, Entry
from services.reference.promises import Promise, words_of

_ANSWERS = 4096  # kept: the same words come again and again
# Plant material with the drug sprayed on it: finding the plant itself surprises nobody.
_CARRIED_BY = {"synthetic_cannabinoid_agonist": "cannabinoid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldAs:
    """What the buyer expected. ``keys`` are the substances that the words name, with what plants act by;
    ``effect_groups`` every effect that they promise, where ``opioid`` and ``synthetic_opioid`` are one.
    A ``food`` promises no effect.
    """

    keys: frozenset[str]
    families: frozenset[str]
    effect_groups: frozenset[str]
    medicine: bool
    food: bool


NOTHING_TOLD = SoldAs(
    keys=frozenset(), families=frozenset(), effect_groups=frozenset(), medicine=False, food=False
)


@lru_cache(maxsize=_ANSWERS)
def promise_of(text: str | None, catalogue: Catalogue) -> SoldAs:
    """Return what ``text`` promises: a phrase of its own, a substance or a class, else what its words do."""
    if text is None or not text.strip():
        return NOTHING_TOLD
    words = words_of(text)
    if (phrase := catalogue.promises.phrase(words)) is not None:
        return _promise([], told=[phrase], catalogue=catalogue)
    whole = identify_name(text, catalogue)
    if whole.entry is not None:
        told = [] if whole.entry.effect_group else catalogue.promises.read(words)[0]
        return _promise([whole.entry], told=told, catalogue=catalogue)
    if whole.outcome is Outcome.CLASS_ONLY or whole.effect_group is not None:
        return _promise([], family=whole.family, groups=[whole.effect_group], catalogue=catalogue)
    told, left = catalogue.promises.read(words)
    entries = [entry for word in left if (entry := _named(word, catalogue)) is not None]
    return _promise(entries, told=told, catalogue=catalogue)


def same_group(effect_group: str | None) -> str | None:
    """Return the effect group as compared: plant, semi-synthetic and synthetic opioids are one."""
    return "opioid" if effect_group == "synthetic_opioid" else effect_group


def _named(word: str, catalogue: Catalogue) -> Entry | None:
    keys = catalogue.with_name(word)
    return catalogue.by_key[keys[0]] if len(keys) == 1 else None


def _promise(
    entries: Sequence[Entry],
    *,
    catalogue: Catalogue,
    told: Sequence[Promise] = (),
    family: str | None = None,
    groups: Iterable[str | None] = (),
) -> SoldAs:
    drugs = [one for one in told if not one.food]
    food = len(drugs) < len(told) and not entries and not any(one.effect_groups or one.keys for one in drugs)
    named = [*entries, *(catalogue.by_key[key] for one in told for key in sorted(one.keys))]
    told_groups = (group for one in drugs for group in one.effect_groups)
    every = () if food else (*groups, *told_groups, *(entry.effect_group for entry in named))
    promised = {group for one in every if (group := same_group(one)) is not None}
    carried = {_CARRIED_BY[one] for one in promised if one in _CARRIED_BY}
    return SoldAs(
        keys=frozenset(key for one in named for key in (one.key, one.marker) if key is not None),
        families=frozenset(filter(None, (family, *(entry.family for entry in named)))),
        effect_groups=frozenset(promised | carried),
        medicine=not food and any(code.partition(".")[0] == "PHA" for one in named for code in one.codes),
        food=food,
    )
