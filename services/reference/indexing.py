"""Build the index of names from the rows of the tables."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from services.reference.catalogue import Ambiguity, Entry, NameIndex, Stranger, frozen
from services.reference.names import (
    LEAST_NEAR,
    exact_key,
    has_locants,
    is_code,
    long_enough,
    loose_key,
    loosened,
    may_fold,
    positions,
    spelt_alike,
    without_locants,
)
from services.reference.tables import items

VARIANTS = 2  # of one name with different locants: from here on the bare name is ambiguous

_MOST_FOLDED = 60  # characters of a systematic name

Row = Mapping[str, str]


@dataclass(slots=True)
class NamesBuilder:
    """The index of names while it is being built."""

    dropped: frozenset[tuple[str, str]]  # preferred name, and a name of that row in lower case
    exact: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    loose: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    folded: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    locantless: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    near: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    shapes: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    street: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, row: Row, *, key: str) -> None:
        """Add the names of one row. Street names are never identity, so they stand apart."""
        for name in items(row.get("street_names") or ""):
            self.add_street_name(name, key=key)
        if row.get("iupac_name"):
            self._add_systematic(row["iupac_name"], key=key)
        for name in self._names(row):
            self.add_name(name, key=key)
        for name in _species(row.get("species") or ""):
            if exact_key(name) not in self.exact:  # of a plant and what is made of it, the plant comes first
                self.add_name(name, key=key)

    def add_name(self, name: str, *, key: str) -> None:
        """Add one name of the entry ``key``, in every strictness."""
        exact, loose = self._add_exact(name, key=key)
        spelling = spelt_alike(loose)
        if not is_code(name) and long_enough(loose) and may_fold(exact):
            self.folded[spelling].add(key)
        if len(spelling) >= LEAST_NEAR:
            self.near[spelling].add(key)
            self.shapes[spelling[0] + positions(exact)].add(spelling)

    def add_street_name(self, name: str, *, key: str) -> None:
        """Add what the street calls the entry ``key``."""
        self.street[loose_key(name)].add(key)

    def _add_systematic(self, name: str, *, key: str) -> None:
        """Add a systematic name; the long ones nobody spells in another language."""
        _, loose = self._add_exact(name, key=key)
        if len(loose) <= _MOST_FOLDED and not is_code(name) and long_enough(loose):
            self.folded[spelt_alike(loose)].add(key)

    def _add_exact(self, name: str, *, key: str) -> tuple[str, str]:
        exact = exact_key(name)
        loose = loosened(exact)
        self.exact[exact].add(key)
        self.loose[loose].add(key)
        if has_locants(exact):
            self.locantless[without_locants(exact)].add(key)
        return exact, loose

    def _names(self, row: Row) -> Iterator[str]:
        preferred = row["preferred_name"]
        yield preferred
        slang = {name.lower() for name in items(row.get("street_names") or "")}
        for name in items(row["synonyms"]):
            lower = name.lower()
            if lower not in slang and (preferred, lower) not in self.dropped:
                yield name

    def index(self, overrides: Iterable[Row], *, by_key: Mapping[str, Entry]) -> NameIndex:
        """Return the finished index; ``overrides`` come last and win."""
        settled: dict[str, str] = {}
        ambiguous: dict[str, Ambiguity] = {}
        for row in overrides:
            keys = row["candidates_inchikey"].split(";")
            labels = row["candidates_name"].split("; ")
            if row["resolved_to"]:
                settled[exact_key(row["name"])] = keys[labels.index(row["resolved_to"])]
                ambiguous.pop(loose_key(row["name"]), None)
                continue
            settled.pop(exact_key(row["name"]), None)
            ambiguous[loose_key(row["name"])] = Ambiguity(
                keys=tuple(key for key in keys if key in by_key),
                strangers=tuple(
                    Stranger(inchikey=key, name=label)
                    for key, label in zip(keys, labels, strict=False)
                    if key not in by_key
                ),
                note=row["note"],
            )
        return NameIndex(
            exact=frozen(self.exact),
            loose=frozen(self.loose),
            folded=frozen(self.folded),
            locantless=frozen(
                {name: keys for name, keys in self.locantless.items() if len(keys) >= VARIANTS}
            ),
            ambiguous=MappingProxyType(ambiguous),
            street=frozen(self.street),
            settled=MappingProxyType(settled),
            near=frozen(self.near),
            shapes=frozen(self.shapes),
        )


def _species(cell: str) -> Iterator[str]:
    """Yield scientific names, with and without their author: Cannabis sativa L., Datura spp., Datura metel."""
    for species in cell.split(" / "):
        words = species.split()
        if len(words) > 1 and words[0].istitle() and words[1] == "spp.":
            yield words[0]
        elif len(words) > 1 and words[0].istitle() and words[1].islower():
            yield species
            yield f"{words[0]} {words[1]}"
