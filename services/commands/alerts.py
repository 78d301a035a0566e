"""`relay alerts`: what was accepted, and what became of it. Titles and texts are not shown in lists."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer

from schemas.vocabularies import MessageState, Status
from services.commands import ledger, output
from services.commands.faults import Failed
from services.commands.keys import country_or_none
from services.storage import answers, listing
from services.storage.listing import Wanted

app = typer.Typer(no_args_is_help=True, help="Accepted alerts and what became of them.")

_COLUMNS = (
    *("id", "received_at", "country", "national_ref", "version", "status", "message_type", "tlp", "state"),
    *("state_reason", "relay_id", "urgency", "categories"),
)

Since = Annotated[datetime | None, typer.Option(help="Only from this day or UTC time on.")]


@app.command("list")
def show_all(
    state: Annotated[MessageState | None, typer.Option(help="Only in this state.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only of this status.")] = None,
    country: Annotated[
        str | None, typer.Option(callback=country_or_none, help="Only of senders of this country.")
    ] = None,
    since: Since = None,
    limit: output.Limit = 50,
    as_json: output.Json = False,
) -> None:
    """List accepted messages, newest first."""
    wanted = Wanted(state=state, status=status, country=country, since=output.in_utc(since))
    found = ledger.using(
        lambda opened: opened.executor.read_slowly(partial(listing.messages, wanted=wanted, most=limit))
    )
    output.listing(
        [{**row, "categories": (row["categories"] or "").split()} for row in found], _COLUMNS, as_json=as_json
    )


@app.command("show")
def show_one(
    name: Annotated[str, typer.Argument(help="Id of a message, or a relay id: every message of its thread.")],
) -> None:
    """Write one alert, or every message of a thread, as JSON: receipt, alert, verdict, notifications, answers."""

    async def described(opened: ledger.Ledger) -> list[dict[str, Any]]:
        ids = await opened.executor.read(partial(listing.message_ids, name=name))
        return [await _described(opened, message_id) for message_id in ids]

    found = ledger.using(described)
    if not found:
        raise Failed(f"there is no alert {name}")
    output.document(found if len(found) > 1 else found[0])


async def _described(opened: ledger.Ledger, message_id: str) -> dict[str, Any]:
    message = await opened.receipts.get(message_id)
    if message is None:
        raise Failed(f"there is no alert {message_id}")
    version = await opened.executor.read(partial(ledger.version_of, message_id=message_id))
    told = await opened.executor.read(
        partial(listing.deliveries, wanted=Wanted(message_id=message_id), most=10_000)
    )
    thread = None
    if version is not None:
        thread = {
            "id": version.thread.id,
            "relay_id": version.thread.relay_id,
            "state": version.thread.state,
            "disputed": version.thread.disputed,
            "version": version.thread_version,
            "incident_id": version.thread.incident_id,
        }
    return {
        "receipt": {
            "id": message.id,
            "sender": message.sender_id,
            "received_at": message.received_at,
            "content_sha256": message.content_sha256,
            "state": message.state,
            "reason": message.state_reason,
        },
        "thread": thread,
        "alert": message.alert.model_dump(mode="json", exclude_defaults=True),
        "classification": None if version is None else version.classification.model_dump(mode="json"),
        "correlation": None if version is None else version.correlation.model_dump(mode="json"),
        "notifications": told,
        "answers": [
            {
                "recipient_id": one.recipient_id,
                "state": one.state,
                "note": one.note,
                "action_on": one.action_on,
                "via": one.via,
                "answered_at": one.answered_at,
            }
            for one in await opened.executor.read(partial(answers.answers_of, message_id=message_id))
        ],
    }
