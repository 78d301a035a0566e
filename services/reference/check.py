"""Check the chemistry and the consistency of the tables: for a test, and before a new version is used.

It needs the structure library and takes a few seconds, so nothing calls it at start.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from services.reference.catalogue import Catalogue, Entry
from services.reference.loader import load_catalogue
from services.reference.names import loose_key, spelt_alike
from services.reference.tables import DATA, items, rows

Row = Mapping[str, str]
KeyOf = Callable[[str], str | None]  # SMILES to the InChIKey of the structure as drawn, or None


def problems(key_of: KeyOf, directory: Path = DATA) -> list[str]:
    """Return every fault of the tables in ``directory`` as one line of English; empty means sound."""
    catalogue = load_catalogue(directory)
    substances = list(rows(directory / "substances.csv"))
    return [
        *_structures(substances, key_of),
        *_cas_numbers(substances),
        *_dates(catalogue),
        *_controls(substances, catalogue),
        *_shared_names(catalogue),
        *_isomers(substances, catalogue),
        *_settled(catalogue),
    ]


def _structures(substances: Sequence[Row], key_of: KeyOf) -> Iterator[str]:
    for row in substances:
        if key_of(row["smiles"]) != row["inchikey"]:
            yield f"{row['preferred_name']}: the structure does not have the key {row['inchikey']}"


def _cas_numbers(substances: Sequence[Row]) -> Iterator[str]:
    for row in substances:
        for cas in (row["cas"], *items(row["cas_other"])):
            if cas and not _check_digit_holds(cas):
                yield f"{row['preferred_name']}: CAS number {cas} fails its check digit"


def _check_digit_holds(cas: str) -> bool:
    digits = cas.replace("-", "")
    return sum(place * int(digit) for place, digit in enumerate(digits[-2::-1], 1)) % 10 == int(digits[-1])


def _dates(catalogue: Catalogue) -> Iterator[str]:
    """Every date is a day or a year that there was, and a period ends after it began."""
    for entry in catalogue.entries:
        for control in entry.controls:
            written = (control.decided_on, control.effective_on, control.until)
            if not all(_is_date(text) for text in written if text is not None):
                yield f"{entry.preferred_name}: a control date is neither a day nor a year"
            elif (control.precision == "year") is not (len(control.decided_on) == len("2026")):
                yield f"{entry.preferred_name}: decided on {control.decided_on}, precision {control.precision}"
            elif control.until is not None and control.until < control.decided_on:
                yield f"{entry.preferred_name}: control ends before it was decided"


def _is_date(text: str) -> bool:
    if re.fullmatch(r"[12][0-9]{3}", text):
        return True
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _controls(substances: Sequence[Row], catalogue: Catalogue) -> Iterator[str]:
    """Compare ``un_control`` with the periods that are still open."""
    for row in substances:
        entry = catalogue.by_key[row["inchikey"]]
        stated = set(items(row["un_control"])) - {"none", "unknown"}
        if stated != open_schedules(entry):
            yield f"{row['preferred_name']}: un_control says {sorted(stated)}, the dates do not"


def open_schedules(entry: Entry) -> set[str]:
    """Return the schedules in force without an end, written as in ``un_control``: 1961-I, 1988-Table-II."""
    return {
        f"{control.convention}-{control.schedule.replace(' ', '-')}"
        for control in entry.controls
        if control.until is None
    }


def _shared_names(catalogue: Catalogue) -> Iterator[str]:
    """A name of two substances is sound only where the systematic name leaves the stereochemistry out."""
    for name, keys in catalogue.names.loose.items():
        blocks = {key[:14] for key in keys}
        if len(blocks) > 1 and name not in catalogue.names.ambiguous and not _settled_name(name, catalogue):
            yield f"{name}: a name of {', '.join(catalogue.by_key[key].preferred_name for key in keys)}"


def _settled_name(name: str, catalogue: Catalogue) -> bool:
    return any(loose_key(exact) == name for exact in catalogue.names.settled)


def _isomers(substances: Sequence[Row], catalogue: Catalogue) -> Iterator[str]:
    """Substances of one formula differ by a position only: none of their spellings may coincide."""
    formula = {row["inchikey"]: row["formula"] for row in substances}
    for name, keys in catalogue.names.folded.items():
        same: defaultdict[str, set[str]] = defaultdict(set)
        for key in keys:
            same[formula.get(key, key)].add(key[:14])
        if any(len(blocks) > 1 for blocks in same.values()):
            yield f"{name}: a spelling of two isomers"


def _settled(catalogue: Catalogue) -> Iterator[str]:
    for name, key in catalogue.names.settled.items():
        if key not in catalogue.by_key:
            yield f"{name}: resolved to {key}, which is not in the table"
        elif spelt_alike(loose_key(name)) == "":
            yield f"{name}: an override without a name"
