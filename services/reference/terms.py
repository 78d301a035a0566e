"""The fixed words and phrases of the relay in its four languages."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from services.reference.tables import DATA, rows

LANGUAGES = ("en", "es", "fr", "pt")

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Every phrase by group, code and language. Shared freely: nothing changes after loading."""

    by_code: Mapping[tuple[str, str], Mapping[str, str]]

    def phrase(self, group: str, code: str, language: str, /, **placeholders: object) -> str:
        """Return one phrase with its placeholders filled in, each value as its text.

        Values are put in as they are: braces inside them mean nothing. Raises KeyError for an unknown phrase
        or language, and for a placeholder without a value; a value without a placeholder is ignored.
        """
        template = self.by_code[group, code][language]
        if "{" not in template:
            return template
        return _PLACEHOLDER.sub(lambda found: str(placeholders[found[1]]), template)

    def has(self, group: str, code: str) -> bool:
        """Return whether there is such a phrase."""
        return (group, code) in self.by_code

    def codes(self, group: str) -> tuple[str, ...]:
        """Return the codes of one group in the order of the table."""
        return tuple(code for of, code in self.by_code if of == group)

    def placeholders(self, group: str, code: str, language: str) -> frozenset[str]:
        """Return the names of the placeholders of one phrase."""
        return frozenset(_PLACEHOLDER.findall(self.by_code[group, code][language]))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield every group and code in the order of the table."""
        return iter(self.by_code)


def load_terms(directory: Path = DATA) -> Terms:
    """Read ``terms.csv``. Raises OSError, KeyError, or ValueError where a code stands twice in a group."""
    found: dict[tuple[str, str], Mapping[str, str]] = {}
    for row in rows(directory / "terms.csv"):
        key = (row["group"], row["code"])
        if key in found:
            raise ValueError(f"terms.csv has {key} twice")
        found[key] = MappingProxyType({language: row[language] for language in LANGUAGES})
    return Terms(by_code=MappingProxyType(found))


def plural(number: int, language: str) -> str:
    """Return the suffix of the plural form that ``language`` uses for ``number``: one or other.

    French counts zero as one, as Brazilian Portuguese does (CLDR plural rules).
    """
    singular = number in {0, 1} if language in {"fr", "pt"} else number == 1
    return "one" if singular else "other"


def unfilled(text: str) -> Iterable[str]:
    """Return the placeholders that a finished text still holds."""
    return _PLACEHOLDER.findall(text)
