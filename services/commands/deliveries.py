"""`relay deliveries`: who was told, by which channel, and how it ended."""

from functools import partial
from typing import Annotated

import typer

from services.commands import ledger, output
from services.commands.alerts import Since
from services.commands.faults import Failed
from services.storage import listing, replaying
from services.storage.listing import Wanted
from services.storage.records import ChannelKind, NotificationState

app = typer.Typer(no_args_is_help=True, help="Notifications and how they ended.")

_COLUMNS = (
    *("id", "relay_id", "thread_version", "occasion", "recipient_id", "channel", "message_type"),
    *("state", "reason", "attempts", "created_at", "next_at", "settled_at", "due_at", "answer"),
)


@app.command("list")
def show(
    state: Annotated[NotificationState | None, typer.Option(help="Only in this state.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only to this recipient.")] = None,
    channel: Annotated[ChannelKind | None, typer.Option(help="Only through this channel.")] = None,
    alert: Annotated[str | None, typer.Option(help="Only of this message.")] = None,
    since: Since = None,
    unacknowledged: Annotated[
        bool,
        typer.Option(
            "--unacknowledged", help="Only delivered and not answered: whom to call, longest due first."
        ),
    ] = False,
    limit: output.Limit = 50,
    as_json: output.Json = False,
) -> None:
    """List notifications, newest first, each with the state of its recipient's answer."""
    wanted = Wanted(
        state=state,
        recipient_id=recipient,
        channel=channel,
        message_id=alert,
        since=output.in_utc(since),
        unacknowledged=unacknowledged,
    )
    found = ledger.using(
        lambda opened: opened.executor.read_slowly(partial(listing.deliveries, wanted=wanted, most=limit))
    )
    output.listing(found, _COLUMNS, as_json=as_json)


@app.command()
def replay(
    notifications: Annotated[
        list[str], typer.Argument(help="Ids of notifications that failed, or that a recipient lost.")
    ],
) -> None:
    """Send notifications again, under the same id.

    Only what failed or was delivered, and not where a newer version was planned for the same recipient.
    """

    async def replayed(opened: ledger.Ledger) -> list[str]:
        return [
            one
            for one in notifications
            if not await opened.executor.write(
                partial(replaying.replay, notification_id=one, actor=ledger.ACTOR, now=ledger.now())
            )
        ]

    refused = ledger.using(replayed)
    output.say(f"relay: {len(notifications) - len(refused)} will be sent again")
    if refused:
        raise Failed(f"not failed or delivered, or overtaken by a newer version: {' '.join(refused)}")
