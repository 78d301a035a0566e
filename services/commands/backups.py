"""`relay backup` and `relay restore`: one file that is one moment of the ledger; `relay restored`: a database's."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from services.commands import ledger, output
from services.commands.faults import Failed
from services.commands.output import progressing, say
from services.errors import Misconfigured
from services.reference.states import load_states
from services.runtime import ledgers, settings
from services.storage import backup as copies
from services.storage.inspection import Unusable
from services.storage.outliving import Mended, Outlived, mark_of, mend, outlived

T = TypeVar("T")
_PG_DUMP = "copy it with pg_dump, and put the copy back with pg_restore (deploy/README.md)"
_COLUMNS = ("relay_id", "sender_id", "national_ref", "version", "message_type", "received_at")
Force = Annotated[bool, typer.Option("--force", help="Replace the file that is there.")]


def backup(file: Annotated[Path, typer.Argument(help="Where the copy goes.")], force: Force = False) -> None:
    """Copy the ledger while the relay runs, and check the copy."""
    source = ledger.file(instead=_PG_DUMP)
    with progressing("backing up") as report:
        whole = _copied(
            lambda: copies.back_up(source, file, progress=report, overwrite=force), source=source, target=file
        )
    say(f"relay: {source} -> {file}: {whole.size} bytes, revision {whole.revision}, whole")


def restore(
    file: Annotated[Path, typer.Argument(help="A copy made by backup.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace the ledger that is there; it is kept beside.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Make a copy the ledger again; the relay must not be running.

    Lists what was accepted since the copy was made: its senders must send it again.
    """
    target = ledger.file(instead=_PG_DUMP)
    now = ledger.now()
    with progressing("restoring") as report:
        done = _copied(
            lambda: copies.restore(
                file, target, progress=report, mend=_mending(now=now), now=now, overwrite=force
            ),
            source=file,
            target=target,
        )
    say(f"relay: {file} -> {target}: {done.whole.size} bytes, revision {done.whole.revision}, whole")
    if done.kept is not None:
        say(
            f"relay: what it replaces is kept as {done.kept}: delete it when nothing in it is needed any more"
        )
    _tell(done.mended, since=done.since, unread=done.unread, as_json=as_json)


def restored(
    replaced: Annotated[
        str | None,
        typer.Option(help="The database that was replaced, under its new name on the same server."),
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Mend a database that pg_restore put back, before the relay starts over it: see deploy/README.md.

    Gives no number twice and undoes no right that ended; lists what was accepted since the copy was made.
    """
    held = settings.load().ledger
    if held.url is None:
        raise Misconfigured(ledgers.URL_SETTING, "is not set: on a file `relay restore` does all of this")
    since = ledger.using(lambda opened: opened.executor.read(mark_of))
    found, unread = None, "was not named"
    if replaced is not None:
        found = _read_elsewhere(held, replaced, partial(outlived, since=since))
        unread = "does not go back to this copy"
    mending = _mending(now=ledger.now())
    mended = ledger.using(lambda opened: opened.executor.write(lambda connection: mending(connection, found)))
    _tell(mended, since=since.at, unread=None if found else unread, as_json=as_json)


def _read_elsewhere(held: settings.LedgerSettings, database: str, unit: Callable[[Connection], T]) -> T:
    other = ledgers.on_database(held, database)
    ledgers.require_head(other)

    async def read() -> T:
        opened = ledgers.open_ledger(other, exclusive=False)
        try:
            return await opened.read_slowly(unit)
        finally:
            await opened.close()

    return asyncio.run(read())


def _mending(*, now: datetime) -> Callable[[Connection, Outlived | None], Mended]:
    def unit(connection: Connection, found: Outlived | None) -> Mended:
        return mend(connection, found, prefix=prefix, countries=countries, actor=ledger.ACTOR, now=now)

    prefix = settings.load().classify.relay_prefix
    countries = [state.code for state in load_states()]
    return unit


def _tell(mended: Mended, *, since: datetime | None, unread: str | None, as_json: bool) -> None:
    moment = output.moment(since) or "the beginning"
    if mended.carried is None:
        say(f"relay: the ledger that is replaced {unread}: numbers go on after a gap")
        say(
            f"relay: do again what was done since {moment}: revoke keys and make those that were rotated "
            "(`relay keys`), import the directory, set how states take part, make webhook secrets "
            "(`relay recipients`); ask the senders to send again what they sent"
        )
    else:
        kept = ", ".join(f"{count} {name}" for name, count in mended.carried.items())
        say(f"relay: kept from what is replaced, where it differs: {kept}; numbers go on where they were")
        say(f"relay: {len(mended.lost)} messages were accepted since {moment}: have them sent again")
        output.listing(mended.lost, _COLUMNS, as_json=as_json)
    say(
        "relay: answers, reviews and separations of that time are undone; whoever was signed in signs in again"
    )


def _copied(copy: Callable[[], T], *, source: Path, target: Path) -> T:
    try:
        return copy()
    except Unusable as fault:
        raise Failed(f"{source} {fault}") from fault
    except FileExistsError as fault:
        raise Failed(f"{fault.filename or target} is there already; --force replaces it") from fault
    except OSError as fault:
        raise Failed(f"{target}: {fault.strerror}") from fault
