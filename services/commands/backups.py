"""`relay backup` and `relay restore`: one file that is one moment of the ledger."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from services.commands import ledger
from services.commands.faults import Failed
from services.commands.output import progressing, say
from services.storage import backup as copies
from services.storage.inspection import Inspected, Unusable

_PG_DUMP = "copy it with pg_dump, and put the copy back with pg_restore (deploy/README.md)"
Force = Annotated[bool, typer.Option("--force", help="Replace the file that is there.")]
Copy = Callable[..., Inspected]


def backup(file: Annotated[Path, typer.Argument(help="Where the copy goes.")], force: Force = False) -> None:
    """Copy the ledger while the relay runs, and check the copy."""
    _copied(copies.back_up, ledger.file(instead=_PG_DUMP), file, label="backing up", force=force)


def restore(
    file: Annotated[Path, typer.Argument(help="A copy made by backup.")], force: Force = False
) -> None:
    """Make a copy the ledger again; the relay must not be running."""
    _copied(copies.restore, file, ledger.file(instead=_PG_DUMP), label="restoring", force=force)


def _copied(copy: Copy, source: Path, target: Path, *, label: str, force: bool) -> None:
    try:
        with progressing(label) as report:
            whole = copy(source, target, progress=report, overwrite=force)
    except Unusable as fault:
        raise Failed(f"{source} {fault}") from fault
    except FileExistsError as fault:
        raise Failed(f"{target} is there already; --force replaces it") from fault
    except OSError as fault:
        raise Failed(f"{target}: {fault.strerror}") from fault
    say(f"relay: {source} -> {target}: {whole.size} bytes, revision {whole.revision}, whole")
