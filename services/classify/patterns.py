"""Substructure patterns, of which only those are tried that a molecule has the atoms for.

A match maps each atom of a pattern to an atom of the molecule, and each bond to a bond. So a molecule with
fewer atoms of an element, fewer aromatic atoms, fewer atoms in saturated rings or fewer independent rings than
a pattern demands cannot hold it. What a pattern demands is read from the pattern itself; an atom that leaves a
choice demands only what the choices share.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_ELEMENTS = ("C", "N", "O", "S", "F", "Cl", "Br", "I", "Si")
_ALIPHATIC_RING, _AROMATIC, _RINGS = "aliphatic_ring", "aromatic", "rings"
_COUNTED = (*_ELEMENTS, _ALIPHATIC_RING, _AROMATIC, _RINGS)

_PRIMITIVE = re.compile(r"(?:Cl|Br|Si|[CNOSFI]|[cnosaA]|#[0-9]+)")
_BY_NUMBER = {"#6": "C", "#7": "N", "#8": "O", "#14": "Si", "#16": "S"}
_BY_AROMATIC = {"c": "C", "n": "N", "o": "O", "s": "S"}
_FORMULA_PART = re.compile(r"([A-Z][a-z]?)([0-9]*)")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. ``needs`` is what a molecule that holds it has at least, in a fixed order."""

    query: Any
    needs: tuple[int, ...]

    def is_in(self, molecule: Any) -> bool:
        """Return whether ``molecule`` holds the pattern."""
        return bool(molecule.HasSubstructMatch(self.query))


class Screen:
    """Tells which of many patterns a molecule may hold, by what it has of each thing that they demand."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._every = (1 << len(patterns)) - 1
        # For each thing counted, by how many of it there are, the patterns that are content with so many.
        self._content: list[list[int]] = []
        for thing in range(len(_COUNTED)):
            most = max((pattern.needs[thing] for pattern in patterns), default=0)
            self._content.append(
                [
                    sum(1 << place for place, pattern in enumerate(patterns) if pattern.needs[thing] <= count)
                    for count in range(most + 1)
                ]
            )

    def possible(self, counts: Sequence[int]) -> Iterator[int]:
        """Yield the places of the patterns that a molecule with these ``counts`` may hold, in order."""
        left = self._every
        for content, count in zip(self._content, counts, strict=True):
            if count < len(content):
                left &= content[count]
        while left:
            lowest = left & -left
            yield lowest.bit_length() - 1
            left ^= lowest


def compiled(chemistry: Any, smarts: str) -> Pattern:
    """Return the pattern that ``smarts`` writes. Raises ValueError where it writes none."""
    query = chemistry.MolFromSmarts(smarts)
    if query is None:
        raise ValueError(f"not a pattern: {smarts}")
    needs: Counter[str] = Counter()
    for atom in query.GetAtoms():
        needs.update(_demands(atom.GetSmarts()))
    needs[_RINGS] = query.GetNumBonds() - query.GetNumAtoms() + len(chemistry.GetMolFrags(query))
    return Pattern(query, tuple(needs[thing] for thing in _COUNTED))


def counts_of(*, formula: str, aliphatic_ring: int, aromatic: int, rings: int) -> tuple[int, ...]:
    """Return what a molecule has of each thing that patterns demand.

    ``formula`` is its sum formula; the others are its atoms in rings that are not aromatic, its aromatic
    atoms, and its independent rings.
    """
    elements = dict(_FORMULA_PART.findall(formula))
    return (
        *(int(elements[one] or 1) if one in elements else 0 for one in _ELEMENTS),
        aliphatic_ring,
        aromatic,
        rings,
    )


def _demands(smarts: str) -> set[str]:
    """Return what one atom of a pattern demands to be."""
    demands: set[str] = set()
    in_ring = aliphatic = False
    for part in _by_itself(smarts.removeprefix("[").removesuffix("]")).split(";"):
        if "," in part:
            continue
        for primitive in part.split("&"):
            in_ring |= primitive == "R" or (primitive[:1] == "r" and primitive[1:].isdecimal())
            found = _PRIMITIVE.fullmatch(re.sub(r"(?<=[A-Za-z])[0-9]+$", "", primitive))
            symbol = found[0] if found else ""
            aliphatic |= symbol in _ELEMENTS or symbol == "A" or primitive == "X4"
            if symbol in _BY_AROMATIC or symbol == "a":
                demands.add(_AROMATIC)
            element = _BY_AROMATIC.get(symbol) or _BY_NUMBER.get(symbol) or symbol
            if element in _ELEMENTS:
                demands.add(element)
    return demands | {_ALIPHATIC_RING} if in_ring and aliphatic else demands


def _by_itself(smarts: str) -> str:
    """Return ``smarts`` with nothing in its ``$(...)``: what stands there is of other atoms too."""
    kept: list[str] = []
    depth = 0
    for character in smarts:
        depth += character == "("
        if depth == 0:
            kept.append(character)
        depth -= character == ")"
    return "".join(kept)
