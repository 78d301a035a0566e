"""`relay merges`: what was taken for one event, from whom it was kept back, and taking that back."""

from functools import partial
from typing import Annotated

import typer

from services.commands import ledger, output
from services.commands.faults import Failed
from services.errors import Invalid
from services.storage.merge_records import Merge, Undone, WantedMerges
from services.storage.merges import LedgerMerges

app = typer.Typer(no_args_is_help=True, help="Alerts that were taken for one event, and taking that back.")

_COLUMNS = (
    *("id", "since", "severity_assessed", "relay_id", "other_relay_id", "level", "reason", "kept_back"),
    "message_id",
)


@app.command("list")
def show(
    kept_back: Annotated[
        bool, typer.Option("--kept-back", help="Only those of which somebody was not told.")
    ] = False,
    alert: Annotated[str | None, typer.Option(help="Only with this alert, by its relay id.")] = None,
    limit: output.Limit = 50,
    as_json: output.Json = False,
) -> None:
    """List what was taken for one event, newest first: which alert joined which, and why.

    Under `kept back` stands how many recipients were not told of the alert that joined, because they knew of the event.
    """
    wanted = WantedMerges(relay_id=alert, kept_back=kept_back)
    found = ledger.using(lambda opened: LedgerMerges(opened.executor).listed(wanted, most=limit))
    output.listing([_row(one) for one in found], _COLUMNS, as_json=as_json)


@app.command()
def undo(
    merge: Annotated[str, typer.Argument(help="Id of the merge, as list shows it.")],
    reason: Annotated[str, typer.Option(help="Why the two are not one event; it is kept and audited.")],
) -> None:
    """Take a merge back: the alert that joined leaves, and goes to whom the merge had kept it from.

    Every merge between the two incidents that this leaves is taken back with it. A repeat changes nothing.
    """
    if not reason.strip():
        raise typer.BadParameter("must not be blank", param_hint="--reason")
    try:
        done = ledger.using(partial(_undone, merge_id=merge, reason=reason))
    except Invalid as refused:
        raise Failed(f"there is no merge {merge}") from refused
    joined = done.merge.joined
    output.say(
        f"relay: {'undone before' if done.again else 'undone'}; {joined.relay_id} is in its own incident"
    )
    typer.echo(joined.incident_id)


async def _undone(opened: ledger.Ledger, *, merge_id: str, reason: str) -> Undone:
    merges = LedgerMerges(opened.executor)
    return await merges.undo(merge_id, reason=reason, actor=ledger.ACTOR, now=ledger.now())


def _row(merge: Merge) -> dict[str, object]:
    return {
        "id": merge.id,
        "since": merge.linked_at,
        "severity_assessed": merge.joined.level.value,
        "relay_id": merge.joined.relay_id,
        "other_relay_id": merge.other.relay_id,
        "level": merge.level,
        "reason": merge.reason,
        "kept_back": merge.kept_back,
        "incident_id": merge.joined.incident_id,
        "message_id": merge.joined.message_id,
        "other_message_id": merge.other.message_id,
    }
