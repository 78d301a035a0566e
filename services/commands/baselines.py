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

    Refused whole for one row that names no substance of the catalogue. Only the heading: it knows of nothing.
    """
    code = country_code(country)
    catalogue = tables.load(settings.load().classify.catalogue).catalogue
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise Failed(f"{file}: {fault}") from fault
    known, faults = [], 0
    for number, row in enumerate(rows, start=2):
        if (found := _familiar(row, catalogue)) is None:
            faults += 1
            output.say(f"{file}:{number}: names no substance or family of the catalogue")
        else:
            known.append(found)
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


def _familiar(row: Mapping[str, str | None], catalogue: Catalogue) -> Familiar | None:
    """Return the entry that a row names; None where it names nothing that can be known."""
    text = {name: (row.get(name) or "").strip() for name in COLUMNS}
    key: str | None
    if text["family"]:
        key = FAMILY + text["family"] if text["family"] in catalogue.families else None
    else:
        identity = identify(
            name=text["name"] or None,
            cas=text["cas"] or None,
            inchikey=text["inchikey"] or None,
            catalogue=catalogue,
            structures=None,
        )
        key = substance_key(identity) or (family_key(identity) if identity.entry is None else None)
    if key is None:
        return None
    return Familiar(key=key, admin1=text["admin1"], common=text["common"].lower() in _YES)
