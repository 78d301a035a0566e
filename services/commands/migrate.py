"""`relay migrate`: the ledger brought to the revision that this code needs."""

from typing import Annotated

import typer

from services.commands.faults import FAILED
from services.commands.output import say
from services.runtime import ledgers, settings


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit status 1 where there is something to do.")
    ] = False,
) -> None:
    """Create the ledger, or bring it up to the newest revision; safe to repeat, and to run twice at once."""
    held = settings.load().ledger
    place = ledgers.place_of(held)
    if check:
        fault = ledgers.unfit(held)
        say(f"relay: {place}: {fault}" if fault else f"relay: {place} needs no migration")
        raise typer.Exit(FAILED if fault else 0)
    before, after = ledgers.migrate(held)
    changed = f"{before or 'nothing'} -> {after}" if before != after else f"already at {after}"
    say(f"relay: {place}: {changed}")
