"""Where the tables are, and how one is read."""

import csv
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parent / "data"


def table(directory: Path, name: str) -> Path:
    """Return where the table ``name`` of a version is: a version that leaves one out uses the package's."""
    own = directory / name
    return own if own.exists() else DATA / name


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of one table by column name, every cell as text. Raises OSError."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def items(cell: str) -> list[str]:
    """Return the parts of a cell that holds several, separated by semicolons."""
    return [item.strip() for item in cell.split(";") if item.strip()]
