"""`relay reviews`: what a person should look at, and what that person says."""

import csv
import sys
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from services.classify.reviewing import Item, items_of, named_by, proposed_row, reconsidering
from services.commands import ledger, output
from services.commands.faults import Failed
from services.runtime import settings, tables
from services.runtime.eyes import Eyes
from services.storage.recipients import DirectoryReader
from services.storage.review_records import NOT_A_SUBSTANCE, NewResolution, Resolution, Resolved
from services.storage.reviews import LedgerReviews

app = typer.Typer(no_args_is_help=True, help="What a person should look at: the human queue.")

_COLUMNS = (
    *("since", "urgency", "relay_id", "message_id", "finding", "substance"),
    *("name", "outcome", "reason", "candidates"),
)
_PAGE = 200

Position = Annotated[int, typer.Option(min=0, help="Its place, from 0.")]


@app.command("list")
def show(limit: output.Limit = 50, as_json: output.Json = False) -> None:
    """List what waits, oldest decision first: unknown, ambiguous and conflicting substances."""
    items = ledger.using(partial(_waiting, limit=limit))
    if as_json:
        output.document([asdict(item) for item in items])
        return
    rows = [
        asdict(item) | {"candidates": "; ".join(one.preferred_name for one in item.candidates)}
        for item in items
    ]
    output.listing(rows, _COLUMNS, as_json=False)


@app.command()
def resolve(
    message: Annotated[str, typer.Argument(help="Id of the message.")],
    finding: Position,
    substance: Position,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the answer.")],
    inchikey: Annotated[
        str | None, typer.Option(help="What it is: a key of the catalogue, see `relay catalogue show`.")
    ] = None,
    not_a_substance: Annotated[
        bool, typer.Option("--not-a-substance", help="The name means no substance.")
    ] = False,
) -> None:
    """Say what a reported substance is: the alert is classified again, and told again where it is graver."""
    if (inchikey is None) is not not_a_substance:
        raise typer.BadParameter("give one of the two", param_hint="--inchikey, --not-a-substance")
    if not reason.strip():
        raise typer.BadParameter("must not be blank", param_hint="--reason")
    used = tables.load(settings.load().classify.catalogue)
    outcome = inchikey or NOT_A_SUBSTANCE
    if named_by(outcome, used.catalogue) is None:
        raise Failed("the catalogue has no substance of this key")
    new = NewResolution(
        message_id=message,
        finding=finding,
        substance=substance,
        outcome=outcome,
        reason=reason,
        actor=ledger.ACTOR,
    )
    kept = ledger.using(partial(_resolved, new=new, used=used))
    severity = kept.version.classification.severity
    output.say(f"relay: {'said before' if kept.again else 'kept'}; the level is {severity.level.value}")
    typer.echo(kept.resolution.id)


@app.command()
def propose(
    resolution: Annotated[str, typer.Argument(help="Id of a resolution, as resolve writes it.")],
) -> None:
    """Write the row of added_names.csv that an answer amounts to."""
    found = ledger.using(partial(_resolution, resolution_id=resolution))
    if found is None:
        raise Failed(f"there is no resolution {resolution}")
    row = proposed_row(found, tables.load(settings.load().classify.catalogue).catalogue)
    if row is None:
        raise Failed("it names no substance of the catalogue")
    csv.writer(sys.stdout, lineterminator="\n").writerow(row.values())


async def _waiting(opened: ledger.Ledger, *, limit: int) -> list[Item]:
    reviews = LedgerReviews(opened.executor, may_see=_nobody)
    items: list[Item] = []
    cursor = 0
    while len(items) < limit:
        page = await reviews.queue(after=cursor, most=_PAGE)
        items.extend(item for version in page.versions for item in items_of(version))
        cursor = page.cursor
        if len(page.versions) < _PAGE:
            break
    return items[:limit]


async def _resolved(opened: ledger.Ledger, *, new: NewResolution, used: tables.Tables) -> Resolved:
    eyes = Eyes(partial(opened.executor.read, DirectoryReader()))
    await eyes.refresh()
    reconsider = reconsidering(catalogue=used.catalogue, structures=used.structures, plan=used.plan)
    reviews = LedgerReviews(opened.executor, may_see=eyes.may_see)
    return await reviews.resolve(new, reconsider=reconsider, now=ledger.now())


async def _resolution(opened: ledger.Ledger, *, resolution_id: str) -> Resolution | None:
    return await LedgerReviews(opened.executor, may_see=_nobody).resolution(resolution_id)


def _nobody(_institution_id: str, _message: object) -> bool:
    return False
