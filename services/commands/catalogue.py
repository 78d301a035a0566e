"""`relay catalogue`: whether the substance tables are sound, what they hold, how two versions differ."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from services.classify.identify import identify, valid_cas
from services.classify.identities import Identity
from services.classify.structure import Structure, StructureReader
from services.commands import ledger, output
from services.commands.faults import FAILED, Failed
from services.reference.catalogue import PLANT_PREFIX, Catalogue, Entry
from services.reference.check import problems
from services.reference.controls import DaySpan, controls_on, nps_strict
from services.reference.installing import install
from services.reference.loader import UNVERSIONED, load_catalogue
from services.reference.plan import load_plan_lines
from services.reference.structural import load_class_rules
from services.reference.tables import DATA
from services.runtime import settings
from services.runtime.tables import SETTING

app = typer.Typer(no_args_is_help=True, help="Check, show and compare the substance catalogue.")

Tables = Annotated[
    Path, typer.Option("--tables", help="A directory with the tables of another version.", file_okay=False)
]
_FOLDER = "catalogues"  # beside the ledger
_BLOCK = 14  # letters of an InChIKey that say how the atoms are connected
_FACTS = ("preferred_name", "cas", "family", "codes", "marks", "effect_group", "chemical_group", "controls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one substance differs between two versions."""

    key: str
    preferred_name: str
    change: str  # added, removed, or the names of the facts that changed


@app.command()
def check(tables: Tables = DATA, as_json: output.Json = False) -> None:
    """Check every structure, key, CAS number, control date and name; exit status 1 for a fault.

    It takes a few seconds: structures are checked here and before a release, not when the relay starts.
    """
    try:
        reader = StructureReader(load_class_rules(tables))
        found = problems(lambda smiles: _key(reader, smiles), tables)
        catalogue = load_catalogue(tables)
    except (OSError, KeyError, ValueError) as fault:
        raise Failed(f"{tables}: the tables cannot be read: {fault}") from fault
    if as_json:
        output.document(
            {"version": catalogue.version, "substances": len(catalogue.entries), "problems": found}
        )
    else:
        for line in found:
            typer.echo(line)
        output.say(f"{catalogue.version}: {len(catalogue.entries)} substances, {len(found)} problems")
    if found:
        raise typer.Exit(FAILED)


@app.command()
def show(
    substance: Annotated[str, typer.Argument(help="A name, a CAS number or an InChIKey.")],
    tables: Tables | None = None,
    as_json: output.Json = False,
) -> None:
    """Show one substance: its identifiers, family, categories and international control.

    Exit status 1 where there is no such substance, or more than one; the candidates are then named.
    """
    catalogue = _loaded(tables or _in_use())
    found = _found(substance, catalogue)
    if found.entry is None:
        candidates = ", ".join(one.preferred_name for one in found.candidates)
        hint = f"; perhaps {candidates}" if candidates else ""
        raise Failed(f"{found.outcome.value}: {found.reason}{hint}")
    shown = _shown(found.entry, catalogue, today=ledger.now().date())
    if as_json:
        output.document(shown)
        return
    controls = shown.pop("controls")
    output.listing(
        [{"field": key, "value": value} for key, value in shown.items()], ("field", "value"), as_json=False
    )
    if isinstance(controls, list) and controls:
        typer.echo("")
        output.listing(
            controls, ("convention", "schedule", "decided_on", "effective_on", "until"), as_json=False
        )


@app.command()
def diff(
    tables: Annotated[Path, typer.Argument(help="A directory with the tables of the other version.")],
    as_json: output.Json = False,
) -> None:
    """List what changes from the catalogue in use to another version: substances, codes, control, names."""
    differences = list(_differences(_loaded(_in_use()), _loaded(tables)))
    output.listing([asdict(one) for one in differences], ("change", "preferred_name", "key"), as_json=as_json)


@app.command()
def load(
    tables: Annotated[Path, typer.Argument(help="A directory with the tables of another version.")],
) -> None:
    """Check the tables of another version and keep them beside the ledger; write the setting that uses them.

    Started with it, the relay decides open threads again, and tells of those that have become graver.
    """
    version = _sound(tables)
    if version == UNVERSIONED:
        raise Failed(f'{tables}: give the tables a manifest.json: {{"version": "2027.1"}}')
    if version == _loaded(DATA).version:
        raise Failed(f"{version} is the version of the package: give the tables another in manifest.json")
    try:
        place = install(tables, version=version, into=ledger.folder() / _FOLDER)
    except FileExistsError as fault:
        raise Failed(f"{fault}: this version is there already, with other tables") from fault
    except (OSError, ValueError) as fault:
        raise Failed(f"{tables}: {fault}") from fault
    output.say(f"relay: {version} is kept; set this and restart the relay:")
    typer.echo(f"{SETTING}={place}")


def _in_use() -> Path:
    """Return the directory of the catalogue that the settings name."""
    return settings.load().classify.catalogue or DATA


def _sound(tables: Path) -> str:
    """Return the version of tables without a fault; raises `Failed` for others."""
    try:
        reader = StructureReader(load_class_rules(tables))
        found = problems(lambda smiles: _key(reader, smiles), tables)
    except (OSError, KeyError, ValueError) as fault:
        raise Failed(f"{tables}: the tables cannot be read: {fault}") from fault
    if found:
        raise Failed(f"{tables} has {len(found)} problems; see relay catalogue check --tables")
    return _loaded(tables).version


def _loaded(tables: Path) -> Catalogue:
    try:
        return load_catalogue(tables)
    except (OSError, KeyError, ValueError) as fault:
        raise Failed(f"{tables}: the tables cannot be read: {fault}") from fault


def _key(reader: StructureReader, smiles: str) -> str | None:
    read = reader.read(smiles=smiles)
    return read.raw_inchikey if isinstance(read, Structure) else None


def _found(substance: str, catalogue: Catalogue) -> Identity:
    written = substance.strip()
    by_key = catalogue.with_block(written.upper()) if len(written.split("-")[0]) == _BLOCK else ()
    return identify(
        name=None if by_key or valid_cas(written) else written,
        cas=written if valid_cas(written) else None,
        inchikey=written if by_key else None,
        catalogue=catalogue,
        structures=None,
    )


def _shown(entry: Entry, catalogue: Catalogue, *, today: date) -> dict[str, object]:
    day = DaySpan(first=today, last=today)
    plan = load_plan_lines()
    return {
        "preferred_name": entry.preferred_name,
        "inchikey": entry.inchikey,
        "cas": entry.cas,
        "family": entry.family,
        "chemical_group": entry.chemical_group,
        "effect_group": entry.effect_group,
        "categories": sorted(entry.codes),
        "plan_lines": [f"{code}={plan[code].reference}" for code in sorted(entry.codes) if code in plan],
        "marks": sorted(entry.marks),
        "international_control": controls_on(entry, day).standing.value,
        "nps_strict": nps_strict(entry, day) if "NPS" in entry.codes else False,
        "names": len(_names_by_key(catalogue)[entry.key]),
        "catalogue_version": catalogue.version,
        "controls": [asdict(control) for control in entry.controls],
    }


def _differences(old: Catalogue, new: Catalogue) -> Iterator[Difference]:
    old_names, new_names = _names_by_key(old), _names_by_key(new)
    for key in sorted({*old.by_key, *new.by_key}, key=lambda key: key.removeprefix(PLANT_PREFIX)):
        before, after = old.entry(key), new.entry(key)
        if before is None or after is None:
            entry = after or before
            if entry is not None:
                change = "removed" if after is None else "added"
                yield Difference(key=key, preferred_name=entry.preferred_name, change=change)
            continue
        changed = [fact for fact in _FACTS if getattr(before, fact) != getattr(after, fact)]
        if old_names.get(key) != new_names.get(key):
            changed.append("names")
        if changed:
            yield Difference(key=key, preferred_name=after.preferred_name, change=", ".join(changed))


def _names_by_key(catalogue: Catalogue) -> dict[str, set[str]]:
    names: dict[str, set[str]] = {}
    for name, keys in catalogue.names.exact.items():
        for key in keys:
            names.setdefault(key, set()).add(name)
    return names
