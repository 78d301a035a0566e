"""Near spellings, for a person to confirm. Nothing here resolves a name.

A distance cannot tell a slip of the pen from another substance: measured, every matcher that decides merges
substances one syllable or one prefix apart. So numbers, primes and o/m/p are compared as data and must be the
same, the first letter must be, and no known radical is ever corrected into another.
"""

from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.reference.catalogue import Catalogue
from services.reference.names import LEAST_NEAR, exact_key, loosened, positions, spelt_alike
from services.reference.words import Words

_MOST = 3
_LONG = 10  # letters of a spelling in which two slips are still the same name
_FIRST_LOOK = 12


def near_names(name: str, catalogue: Catalogue) -> tuple[str, ...]:
    """Return up to three keys, nearest first, whose names are one slip away (two from ten letters on)."""
    exact = exact_key(name)
    spelling = spelt_alike(loosened(exact))
    if len(spelling) < LEAST_NEAR:
        return ()
    names = catalogue.names
    near = process.extract(
        spelling,
        names.shapes.get(spelling[0] + positions(exact), ()),
        scorer=OSA.distance,
        score_cutoff=2 if len(spelling) >= _LONG else 1,
        limit=_FIRST_LOOK,
    )
    radicals = _radicals(spelling, catalogue.words)
    keys = (
        key
        for found, _, _ in sorted(near, key=lambda hit: (hit[1], hit[0]))
        if radicals <= _radicals(found, catalogue.words)
        for key in names.near[found]
    )
    return tuple(dict.fromkeys(keys))[:_MOST]


def _radicals(spelling: str, words: Words) -> frozenset[str]:
    return frozenset(words.radical_pattern.findall(spelling))
