"""How the identification is judged: by sets of names and structures that none of its rules was written for.

``variants.csv`` holds other spellings of listed substances, ``negatives.csv`` what is no substance of the
catalogue, ``never_listed.csv`` real substances outside it, with a structure drawn by hand. Spellings of the
latter are multiplied by rules of their own, so that no code under test makes them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.classify.identify import identify
from services.classify.identities import Identity
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.tables import items, rows

HERE = Path(__file__).parent
_SHOWN = 3  # candidates that a person is shown

_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    lambda name: name.replace("-", " "),
    lambda name: name.replace("-", "–"),
    lambda name: f"clorhidrato de {name}",
    lambda name: f"{name} HCl",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One name or structure: what it should be, and what was found."""

    kind: str
    asked: str
    expected: str  # preferred name, family, or empty where nothing may be found
    found: Identity

    @property
    def got(self) -> str:
        """The substance found, or empty."""
        return self.found.entry.preferred_name if self.found.entry is not None else ""

    @property
    def suggested(self) -> bool:
        """Whether the expected substance is found or among the candidates that are shown."""
        shown = {one.preferred_name for one in self.found.candidates[:_SHOWN]}
        return self.expected == self.got or self.expected in shown


def variants(catalogue: Catalogue) -> Iterator[Judged]:
    """Yield other spellings of listed substances, ``expected`` by preferred name."""
    for row in rows(HERE / "variants.csv"):
        found = identify(name=row["name"], catalogue=catalogue, structures=None)
        yield Judged(kind=row["kind"], asked=row["name"], expected=row["expected"], found=found)


def negatives(catalogue: Catalogue) -> Iterator[Judged]:
    """Yield what is no substance of the catalogue; ``expected`` is the family of a class word."""
    for row in rows(HERE / "negatives.csv"):
        found = identify(name=row["name"], catalogue=catalogue, structures=None)
        yield Judged(kind=row["kind"], asked=row["name"], expected=row["family"], found=found)


def never_listed_names(catalogue: Catalogue) -> Iterator[Judged]:
    """Yield spellings of real substances outside the catalogue: none may become another substance."""
    for row in rows(HERE / "never_listed.csv"):
        for spelling in dict.fromkeys(spell(name) for name in items(row["names"]) for spell in _SPELLINGS):
            found = identify(name=spelling, catalogue=catalogue, structures=None)
            yield Judged(kind=row["family"], asked=spelling, expected="", found=found)


def never_listed_structures(catalogue: Catalogue, structures: StructureReader) -> Iterator[Judged]:
    """Yield the structures of the same substances, ``expected`` by family."""
    for row in rows(HERE / "never_listed.csv"):
        found = identify(name=None, smiles=row["smiles"], catalogue=catalogue, structures=structures)
        yield Judged(kind=row["family"], asked=row["smiles"], expected=row["family"], found=found)


def share(held: Sequence[bool]) -> float:
    """Return how many of ``held`` are true, from 0 to 1; 1 of none."""
    return sum(held) / len(held) if held else 1.0
