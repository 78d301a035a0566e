"""The substance catalogue: what is known of each substance, and how to find it.

Identity is the first block of the InChIKey, the connectivity; a name is only a way to look it up. The
catalogue is built once by :mod:`services.reference.loader` and never changes afterwards, so every thread may
share it. Nothing here parses a structure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.reference.names import exact_key, fold_key, is_joined, locantless_key, loose_key
from services.reference.promises import Promises
from services.reference.words import Words

PLANT_PREFIX = "plant:"

Keys = tuple[str, ...]
_NOTHING: Keys = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One period under one schedule: a row of ``un_control_dates.csv``.

    Dates are ISO strings: ``YYYY-MM-DD``, or ``YYYY`` where ``precision`` is ``year``. The period begins with
    ``effective_on``, or with ``decided_on`` where that is None, and ends before ``until``.
    """

    convention: str
    schedule: str
    decided_on: str
    precision: str
    effective_on: str | None
    until: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One substance or plant material. ``codes`` are the row's own: role and date rules come later."""

    key: str  # the InChIKey, or "plant:<preferred_name>"
    inchikey: str | None
    preferred_name: str
    cas: str | None
    family: str
    codes: frozenset[str]
    marks: frozenset[str]
    effect_group: str | None
    chemical_group: str | None
    controls: tuple[Control, ...]
    plant: bool
    marker: str | None = None  # of a plant: the key of what it acts by


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family, with the codes that at least 90 % of its substances carry (HPAD-2021:CM.2.5@L192)."""

    name: str
    chemical_group: str | None
    effect_group: str | None
    codes_shared: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A substance outside the catalogue that shares a name with one inside it."""

    inchikey: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguity:
    """A name that must not be resolved by itself: a row of ``ambiguous_names.csv``."""

    keys: tuple[str, ...]  # of entries
    strangers: tuple[Stranger, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIndex:
    """Names to keys of entries, in four strictnesses. Each value is sorted and without repetition.

    ``exact`` keeps hyphens and spaces (ADBICA is not ADB-ICA); ``loose`` drops them; ``folded`` also evens
    out how four languages spell, and holds no codes; ``locantless`` holds names deprived of their locants.
    """

    exact: Mapping[str, Keys]
    loose: Mapping[str, Keys]
    folded: Mapping[str, Keys]
    locantless: Mapping[str, Keys]
    ambiguous: Mapping[str, Ambiguity]  # by loose key
    street: Mapping[str, Keys]  # by loose key: what the street calls so. Never identity, only agreement
    settled: Mapping[str, str]  # exact key -> the one entry that an override names
    near: Mapping[str, Keys]  # by the spelling of names and codes alike, for suggestions only
    shapes: Mapping[str, tuple[str, ...]]  # first letter and positions -> the spellings in ``near``

    def ambiguity(self, name: str) -> Ambiguity | None:
        """Return what makes ``name`` unusable alone, if anything does."""
        return self.ambiguous.get(loose_key(name))

    def find(self, name: str) -> Keys:
        """Return the entries that bear ``name``, hyphens first: more than one means ambiguous."""
        exact = exact_key(name)
        if (settled := self.settled.get(exact)) is not None:
            return (settled,)
        found = self.exact.get(exact, _NOTHING)
        if len(found) == 1 or is_joined(name):
            return found
        return self.loose.get(loose_key(name), _NOTHING)

    def find_in_street(self, name: str) -> Keys:
        """Return the entries that the street calls ``name``."""
        return self.street.get(loose_key(name), _NOTHING)

    def find_folded(self, name: str) -> Keys:
        """Return the entries whose plain names fold to the same spelling as ``name``."""
        folded = None if is_joined(name) else fold_key(name)
        return _NOTHING if folded is None else self.folded.get(folded, _NOTHING)

    def find_without_locants(self, name: str) -> Keys:
        """Return the entries that ``name`` would fit if it carried a locant."""
        if is_joined(name):
            return _NOTHING
        key = loose_key(name)
        return self.locantless.get(key, _NOTHING) if key == locantless_key(name) else _NOTHING


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # by identity: answers are kept by catalogue
class Catalogue:
    """Every substance by every identifier. Lookups return keys sorted, or an empty tuple."""

    version: str
    entries: tuple[Entry, ...]
    families: Mapping[str, Family]
    names: NameIndex
    words: Words
    promises: Promises
    by_key: Mapping[str, Entry]
    by_cas: Mapping[str, Keys]
    by_block: Mapping[str, Keys]  # first block of the InChIKey
    by_smiles: Mapping[str, str]  # canonical SMILES, as tabled: the check holds it equal to the key

    def entry(self, key: str) -> Entry | None:
        """Return the entry with this key (an InChIKey, or ``plant:<preferred_name>``), or None."""
        return self.by_key.get(key)

    def with_cas(self, cas: str) -> Keys:
        """Return the keys that carry this CAS number, of the base form, a salt or a stereo form."""
        return self.by_cas.get(cas, _NOTHING)

    def with_block(self, inchikey: str) -> Keys:
        """Return the keys that share the connectivity of ``inchikey`` (a whole key or its first block)."""
        return self.by_block.get(inchikey[:14], _NOTHING)

    def with_name(self, name: str) -> Keys:
        """Return the keys that bear ``name`` exactly, but for case, accents, hyphens and spaces."""
        return self.names.find(name)

    def family(self, name: str) -> Family | None:
        """Return one family by its name, or None."""
        return self.families.get(name)

    def substances(self) -> Iterator[Entry]:
        """Yield what has a structure, in the order of the table."""
        return (entry for entry in self.entries if not entry.plant)


def frozen(index: Mapping[str, set[str]]) -> Mapping[str, Keys]:
    """Return ``index`` with sorted tuples for sets, read-only."""
    return MappingProxyType(
        {name: tuple(keys) if len(keys) == 1 else tuple(sorted(keys)) for name, keys in index.items()}
    )
