"""Whether two localities, as institutions write them, are one town.

Only spellings that cannot mean another town of that subdivision are evened out: accents, hyphens, the usual short
words, and the name of the state or country behind the town's. What stays different may still be the same town:
that costs one message more, where a wrong equality would keep a second event from everybody.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from schemas.places import country_names, subdivision_name
from services.reference.names import exact_key

_TOWNS = 4096  # kept: institutions report from the same towns again and again
_LEAST_SHORTENED = 3  # letters that shorten the name of a state: Chih., Ont., Qué.

_BRACKETED = re.compile(r"[(\[]([^)\]]*)[)\]]")
_PARTS = re.compile(r"\s*[,;/|]\s*|\s+-\s*|\s*-\s+")
_NO_WORD = re.compile(r"[\W_]+")
_SHORT = {
    "cd": "ciudad", "cdad": "ciudad", "gral": "general", "gob": "gobernador", "pto": "puerto", "pte": "presidente",
    "pdte": "presidente", "st": "saint", "ste": "sainte", "sta": "santa", "sto": "santo", "ft": "fort",
    "mt": "mount", "cnel": "coronel", "dr": "doctor",
}  # fmt: skip
_THE_TOWN_OF = re.compile(
    r"^(?:ciudad|municipio|municipalidad|cidade|ville|city|town|municipality|municipalite) (?:de|do|da|of) (?:la )?"
)
_NOTHING_MORE = frozenset({"ciudad", "cidade", "ville de", "ville", "city", "ciudad de", "cidade de", "town"})


@lru_cache(maxsize=_TOWNS)
def town(locality: str | None, *, country: str, admin1: tuple[str, ...] = ()) -> str:
    """Return how ``locality`` is compared within its country and subdivisions; "" where none is stated."""
    if locality is None:
        return ""
    names = (*country_names(country), *map(subdivision_name, admin1))
    states = [_words(name) for name in names if name]
    codes = {country.lower(), *(code.partition("-")[2].lower() for code in admin1)}
    first, *more = _parts(exact_key(locality))
    kept = [first, *(part for part in more if not _is_state(part, states=states, codes=codes))]
    name = _THE_TOWN_OF.sub("", " ".join(kept))
    for state in states:  # Santiago de Chile; Quebec City, the town that is called as its state
        name = name.removesuffix(f" de {state}")
        if name == f"{state} city":
            name = state
    return name


def _parts(text: str) -> list[str]:
    """Return the town, then what stands behind it; brackets are parts of their own. Never empty."""
    bracketed = [_words(part) for part in _BRACKETED.findall(text)]
    parts = [_words(part) for part in _PARTS.split(_BRACKETED.sub(" ", text))]
    return [part for part in (*parts, *bracketed) if part and part not in _NOTHING_MORE] or [_words(text)]


def _words(text: str) -> str:
    words = _NO_WORD.sub(" ", exact_key(text).replace("'", "")).split()
    return " ".join(_SHORT.get(word, word) for word in words)


def _is_state(part: str, *, states: Sequence[str], codes: set[str]) -> bool:
    joined = part.replace(" ", "")
    if part in states or joined in codes:
        return True
    shortened = len(joined) >= _LEAST_SHORTENED and " " not in part
    return shortened and any(" " not in state and state.startswith(joined) for state in states)
