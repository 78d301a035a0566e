"""`relay dead-letters`: records that can never succeed, until a person looks."""

from dataclasses import asdict
from typing import Annotated

import typer

from services.commands import ledger, output
from services.commands.faults import Failed

app = typer.Typer(no_args_is_help=True, help="Records that could not be handled.")

_COLUMNS = (
    *("id", "died_at", "group", "topic", "sender_id", "national_ref", "version", "message_id"),
    *("reason", "replayed_at"),
)


@app.command("list")
def show(limit: output.Limit = 50, as_json: output.Json = False) -> None:
    """List dead letters, newest first, each with the alert that it is about."""
    letters = ledger.using(lambda opened: opened.dead_letters.listed(most=limit))
    rows = [asdict(letter) for letter in letters]
    output.listing(rows, _COLUMNS, as_json=as_json)


@app.command()
def replay(letters: Annotated[list[str], typer.Argument(help="Ids of dead letters.")]) -> None:
    """Put dead letters on their topics again."""

    async def replayed(opened: ledger.Ledger) -> list[str]:
        return [
            letter for letter in letters if not await opened.dead_letters.replay(letter, now=ledger.now())
        ]

    missing = ledger.using(replayed)
    output.say(f"relay: {len(letters) - len(missing)} replayed")
    if missing:
        raise Failed(f"no such dead letter: {' '.join(missing)}")
