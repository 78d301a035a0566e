"""Read the catalogue from its tables.

A key that stands twice stops the load. The chemistry of the tables is checked by
:mod:`services.reference.check`, which needs a structure library and takes seconds.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from services.reference.catalogue import (
    PLANT_PREFIX,
    Catalogue,
    Control,
    Entry,
    Family,
    frozen,
)
from services.reference.indexing import NamesBuilder
from services.reference.promises import load_promises
from services.reference.tables import DATA, items, rows, table
from services.reference.words import load_words

_SHARED_BY = 0.9  # of a family's rows: below, a code says nothing of a member that is not named
_VARIANTS = 2  # of one name with different locants: from here on the bare name is ambiguous

UNVERSIONED = "unversioned"  # tables without a manifest: to look at, not to use

Row = Mapping[str, str]


def load_catalogue(directory: Path = DATA) -> Catalogue:
    """Read the tables of ``directory`` (about 0.3 s); those that it leaves out are the package's.

    It must have the substances. Raises OSError, KeyError, ValueError.
    """
    families = {row["family"]: row for row in rows(table(directory, "families.csv"))}
    marks = _marks(rows(table(directory, "marks.csv")))
    controls = _controls(rows(table(directory, "un_control_dates.csv")))
    substances = list(rows(directory / "substances.csv"))
    plants = list(rows(table(directory, "plant_materials.csv")))
    drawn = [
        _substance(row, family=families[row["family"]], marks=marks, controls=controls) for row in substances
    ]
    effects = {entry.key: entry.effect_group for entry in drawn}
    entries = [
        *drawn,
        *(_plant(row, family=families["plant_based"], effects=effects, controls=controls) for row in plants),
    ]
    by_key = {entry.key: entry for entry in entries}
    if len(by_key) < len(entries):
        raise ValueError("a key stands twice in the catalogue")
    names = NamesBuilder(dropped=_dropped(rows(table(directory, "dropped_names.csv"))))
    for row, entry in zip([*substances, *plants], entries, strict=True):
        names.add(row, key=entry.key)
    keys = {entry.preferred_name: entry.key for entry in entries}
    for row in rows(table(directory, "added_names.csv")):
        names.add_name(row["name"], key=keys[row["preferred_name"]])
    for row in rows(table(directory, "street_names.csv")):
        names.add_street_name(row["name"], key=keys[row["preferred_name"]])
    overrides = [
        *rows(table(directory, "ambiguous_names.csv")),
        *rows(table(directory, "ambiguous_names_extra.csv")),
    ]
    return Catalogue(
        version=_version(directory),
        entries=tuple(entries),
        families=MappingProxyType(_families(families, entries)),
        names=names.index(overrides, by_key=by_key),
        words=load_words(directory),
        promises=load_promises(directory, keys=keys, street_names=_street_names(substances, effects)),
        by_key=MappingProxyType(by_key),
        by_cas=_by_cas(substances),
        by_block=_by_block(entries),
        by_smiles=MappingProxyType({row["smiles"]: row["inchikey"] for row in substances}),
    )


def _version(directory: Path) -> str:
    manifest = directory / "manifest.json"
    return str(json.loads(manifest.read_text("utf-8"))["version"]) if manifest.exists() else UNVERSIONED


def _substance(row: Row, *, family: Row, marks: Mapping[str, frozenset[str]], controls: "_Controls") -> Entry:
    marked = marks.get(row["inchikey"], frozenset())
    effects = [mark.removeprefix("effect:") for mark in marked if mark.startswith("effect:")]
    return Entry(
        key=row["inchikey"],
        inchikey=row["inchikey"],
        preferred_name=row["preferred_name"],
        cas=row["cas"] or None,
        family=row["family"],
        codes=frozenset(items(row["plan_category"])),
        marks=frozenset(mark for mark in marked if not mark.startswith("effect:")),
        effect_group=effects[0] if effects else family["effect_group"] or None,
        chemical_group=family["chemical_group"] or None,
        controls=controls.get(row["inchikey"], ()),
        plant=False,
    )


def _plant(row: Row, *, family: Row, effects: Mapping[str, str | None], controls: "_Controls") -> Entry:
    """Return a plant, which acts by its marker: coca paste is a stimulant."""
    key = PLANT_PREFIX + row["preferred_name"]
    return Entry(
        key=key,
        inchikey=None,
        preferred_name=row["preferred_name"],
        cas=None,
        family="plant_based",
        codes=frozenset(items(row["plan_category"])),
        marks=frozenset(),
        effect_group=effects.get(row["marker_inchikey"]) or family["effect_group"] or None,
        chemical_group=family["chemical_group"] or None,
        controls=controls.get(key, ()),
        plant=True,
        marker=row["marker_inchikey"] if row["marker_inchikey"] in effects else None,
    )


def _street_names(
    substances: Iterable[Row], effects: Mapping[str, str | None]
) -> Iterator[tuple[str, str | None]]:
    return (
        (name, effects[row["inchikey"]]) for row in substances for name in items(row["street_names"] or "")
    )


_Controls = Mapping[str, tuple[Control, ...]]


def _controls(table: Iterable[Row]) -> _Controls:
    found: defaultdict[str, list[Control]] = defaultdict(list)
    for row in table:
        key = row["inchikey"] or PLANT_PREFIX + row["preferred_name"]
        found[key].append(
            Control(
                convention=row["convention"],
                schedule=row["schedule"],
                decided_on=row["decided_on"],
                precision=row["decided_on_precision"],
                effective_on=row["effective_on"] or None,
                until=row["until"] or None,
                source=row["source"],
            )
        )
    return {key: tuple(periods) for key, periods in found.items()}


def _marks(table: Iterable[Row]) -> Mapping[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in table:
        found[row["inchikey"]].add(row["mark"])
    return {key: frozenset(marks) for key, marks in found.items()}


def _dropped(table: Iterable[Row]) -> frozenset[tuple[str, str]]:
    return frozenset((row["preferred_name"], row["name"].lower()) for row in table)


def _families(table: Mapping[str, Row], entries: Iterable[Entry]) -> dict[str, Family]:
    codes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    members: Counter[str] = Counter()
    for entry in entries:
        if not entry.plant:  # a leaf is no member of a family of substances
            members[entry.family] += 1
            codes[entry.family].update(entry.codes)
    return {
        name: Family(
            name=name,
            chemical_group=row["chemical_group"] or None,
            effect_group=row["effect_group"] or None,
            codes_shared=frozenset(c for c, n in codes[name].items() if n >= _SHARED_BY * members[name]),
        )
        for name, row in table.items()
    }


def _by_cas(substances: Iterable[Row]) -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in substances:
        for cas in (row["cas"], *items(row["cas_other"])):
            if cas:
                found[cas].add(row["inchikey"])
    return frozen(found)


def _by_block(entries: Iterable[Entry]) -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.inchikey:
            found[entry.inchikey[:14]].add(entry.key)
    return frozen(found)
