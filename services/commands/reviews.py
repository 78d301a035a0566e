"""`relay reviews`: what a person should look at, and what that person says."""

import csv
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from services.classify.reviewing import (
    Item,
    alike,
    concerns_all_of,
    items_of,
    named_by,
    proposed_row,
    reconsidering,
)
from services.commands import ledger, output
from services.commands.faults import Failed
from services.errors import Invalid
from services.runtime import settings, tables
from services.runtime.eyes import Eyes
from services.storage import verdicts
from services.storage.recipients import DirectoryReader
from services.storage.review_records import (
    NOT_A_SUBSTANCE,
    DealtWith,
    NewResolution,
    Reconsider,
    Resolution,
    Resolved,
)
from services.storage.reviews import LedgerReviews

app = typer.Typer(no_args_is_help=True, help="What a person should look at: the human queue.")

_COLUMNS = (
    *("since", "urgency", "relay_id", "message_id", "finding", "substance"),
    *("name", "outcome", "reason", "candidates"),
)
_PAGE = 200
_EVERYWHERE = 1000  # of the queue, where an answer is given for every alert with the name

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
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also for all else that waits under this name.")
    ] = False,
) -> None:
    """Say what a reported substance is: the alert is classified again, and told again where it is graver.

    The answer holds for the later versions of the thread that report the same name.
    """
    if (inchikey is None) is not not_a_substance:
        raise typer.BadParameter("give one of the two", param_hint="--inchikey, --not-a-substance")
    _stated(reason)
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
    kept, others = ledger.using(partial(_resolved, new=new, used=used, everywhere=everywhere))
    severity = kept.version.classification.severity
    output.say(f"relay: {'said before' if kept.again else 'kept'}; the level is {severity.level.value}")
    if everywhere:
        output.say(f"relay: the same name was answered in {others} other places")
    typer.echo(kept.resolution.id)


@app.command()
def done(
    message: Annotated[str, typer.Argument(help="Id of the message.")],
    review: Annotated[str, typer.Argument(help="What was looked at: the reason that list shows.")],
    reason: Annotated[str, typer.Option(help="Why nothing is left to do; it is kept and audited.")],
) -> None:
    """Take what concerns an alert as a whole off the queue, because a person has looked at it."""
    _stated(reason)
    used = tables.load(settings.load().classify.catalogue)
    kept = ledger.using(partial(_done, message_id=message, review=review, reason=reason, used=used))
    left = ", ".join(kept.version.classification.review) or "nothing"
    output.say(f"relay: {'done before' if kept.again else 'done'}; left to look at: {left}")


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


async def _resolved(
    opened: ledger.Ledger, *, new: NewResolution, used: tables.Tables, everywhere: bool
) -> tuple[Resolved, int]:
    reviews, reconsider = await _reviews(opened), _reconsidering(used)
    kept = await reviews.resolve(new, reconsider=reconsider, now=ledger.now())
    others = 0
    if everywhere:
        reported = kept.version.alert.findings[new.finding].substances[new.substance]
        page = await reviews.queue(after=0, most=_EVERYWHERE)
        for other in alike(page.versions, kept.resolution, seen=reported):
            with suppress(Invalid):  # a newer version came meanwhile, and it is asked of that one
                await reviews.resolve(other, reconsider=reconsider, now=ledger.now())
                others += 1
    return kept, others


async def _done(
    opened: ledger.Ledger, *, message_id: str, review: str, reason: str, used: tables.Tables
) -> DealtWith:
    version = await opened.executor.read(partial(verdicts.version, message_id=message_id))
    asked = version is not None and review in version.classification.review
    if version is not None and asked and not concerns_all_of(version, review):
        raise Failed("it is asked of a substance: say with resolve what that is")
    reviews = await _reviews(opened)
    return await reviews.deal_with(
        message_id,
        review=review,
        reason=reason,
        actor=ledger.ACTOR,
        reconsider=_reconsidering(used),
        now=ledger.now(),
    )


async def _reviews(opened: ledger.Ledger) -> LedgerReviews:
    eyes = Eyes(partial(opened.executor.read, DirectoryReader()))
    await eyes.refresh()
    return LedgerReviews(opened.executor, may_see=eyes.may_see)


def _reconsidering(used: tables.Tables) -> Reconsider:
    return reconsidering(catalogue=used.catalogue, structures=used.structures, plan=used.plan)


def _stated(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("must not be blank", param_hint="--reason")


async def _resolution(opened: ledger.Ledger, *, resolution_id: str) -> Resolution | None:
    return await LedgerReviews(opened.executor, may_see=_nobody).resolution(resolution_id)


def _nobody(_institution_id: str, _message: object) -> bool:
    return False
