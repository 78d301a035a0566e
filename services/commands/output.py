"""What a command writes: data to standard output, everything else to standard error."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

_UNBOUNDED = 10_000  # columns: a table in a file or a pipe is never cut

Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many rows.")]
Row = Mapping[str, object]


def listing(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool) -> None:
    """Write rows to standard output: a table of `columns`, or a JSON array with every field."""
    if as_json:
        document([dict(row) for row in rows])
        return
    from rich.console import Console  # most commands write no table
    from rich.table import Table

    table = Table(
        *(column.replace("_", " ") for column in columns), box=None, pad_edge=False, header_style="bold"
    )
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    width = None if sys.stdout.isatty() else _UNBOUNDED
    Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False).print(table)


def document(value: object) -> None:
    """Write one JSON document to standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=plain))


def line(value: object) -> None:
    """Write one JSON document on a line of its own, at once."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=plain))


def say(text: str) -> None:
    """Write a message to standard error."""
    typer.echo(text, err=True)


def plain(value: object) -> Any:
    """Return what JSON can hold: times in UTC, spans in ISO 8601, sets sorted."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, frozenset | set):
        return sorted(str(one) for one in value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    return str(value)


def moment(at: datetime | None) -> str:
    """Return a time in UTC as RFC 3339, to the second; empty for none."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_utc(at: datetime | None) -> datetime | None:
    """Return a time given on the command line; one without offset is UTC."""
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)


def span(value: timedelta) -> str:
    """Return a span as ISO 8601 (PT30S, P7D), as settings take it."""
    days, seconds = divmod(int(value.total_seconds()), 86_400)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    clock = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds % 60, "S")) if n)
    return f"P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}" if days or clock else "PT0S"


@contextmanager
def progressing(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while it is a terminal; yield what takes (done, in all)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(str(one) for one in value)
    return str(value if isinstance(value, str | int | float) else plain(value))
