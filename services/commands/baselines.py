"""`relay baselines`: what each state already knows, so that a first is one."""

import csv
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from services.classify.identify import identify
from services.classify.keys import FAMILY, family_key, substance_key
from services.commands import ledger, output
from services.commands.faults import Failed
from services.commands.keys import country_code
from services.reference.catalogue import Catalogue
from services.runtime import settings, tables
from services.storage import baselines
from services.storage.baselines import Familiar

app = typer.Typer(no_args_is_help=True, help="What each state already knows: without it nothing is a first.")

COLUMNS = ("name", "cas", "inchikey", "family", "admin1", "common")
_YES = frozenset({"yes", "true", "1", "x"})


@app.command("import")
def take_in(
    country: Annotated[str, typer.Argument(help="The state, ISO 3166-1 alpha-2.")],
    file: Annotated[Path, typer.Argument(help=f"CSV with a heading; columns {', '.join(COLUMNS)}.")],
) -> None:
    """Make the baseline of a state what a file says; one row a substance (by name, CAS or key) or family.

    Who knows a substance knows its family: that is an entry of its own. Refused whole for one row that names nothing
    of the catalogue. Only the heading: it knows of nothing.
    """
    code = country_code(country)
    catalogue = tables.load(settings.load().classify.catalogue).catalogue
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise Failed(f"{file}: {fault}") from fault
    known: list[Familiar] = []
    faults = 0
    for number, row in enumerate(rows, start=2):
        if not (found := familiar(row, catalogue)):
            faults += 1
            output.say(f"{file}:{number}: names no substance or family of the catalogue")
        known.extend(found)
    if faults:
        raise Failed(f"{file} has {faults} faults; nothing was changed")
    unit = partial(baselines.replace, country=code, known=known, actor=ledger.ACTOR, now=ledger.now())
    count = ledger.using(lambda opened: opened.executor.write(unit))
    output.say(f"relay: the baseline of {code} has {count} entries")


@app.command("list")
def show(as_json: output.Json = False) -> None:
    """List the states that have loaded a baseline, with its entries."""
    found = ledger.using(lambda opened: opened.executor.read(baselines.counts))
    rows = [{"country": country, "entries": entries} for country, entries in found.items()]
    output.listing(rows, ("country", "entries"), as_json=as_json)


def familiar(row: Mapping[str, str | None], catalogue: Catalogue) -> tuple[Familiar, ...]:
    """Return what a row says is known: a substance with its family, or a family; nothing where it names neither.

    Who knows a member knows of its family. That a substance is common makes its family no common one.
    """
    text = {name: (row.get(name) or "").strip() for name in COLUMNS}
    admin1, common = text["admin1"], text["common"].lower() in _YES
    if text["family"]:
        known = text["family"] in catalogue.families
        return (Familiar(key=FAMILY + text["family"], admin1=admin1, common=common),) if known else ()
    identity = identify(
        name=text["name"] or None,
        cas=text["cas"] or None,
        inchikey=text["inchikey"] or None,
        catalogue=catalogue,
        structures=None,
    )
    substance, family = substance_key(identity), family_key(identity)
    if substance is None:
        named = identity.entry is None and family is not None
        return (Familiar(key=family, admin1=admin1, common=common),) if named and family else ()
    found = Familiar(key=substance, admin1=admin1, common=common)
    return (found, Familiar(key=family, admin1=admin1)) if family is not None else (found,)
