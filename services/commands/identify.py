"""`relay identify`: what a list of names and structures means, line by line; nothing is stored."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from services.classify.lines import MOST_BYTES, Line, identify_raw
from services.commands import ledger, output
from services.commands.classify import opened
from services.runtime import settings, tables


def identify(
    file: Annotated[
        Path, typer.Argument(help="Substances, one JSON object a line; - reads standard input.")
    ] = Path("-"),
) -> None:
    """Identify substances: one JSON object a line in, one a line out, in the same order.

    Each has `ref` and any of `name`, `cas`, `inchikey`, `inchi`, `smiles`, `role`, `on` (a date).
    A line that cannot be read is answered in its place with the outcome `invalid`, and is no failure.
    """
    with opened(file) as (lines, size), output.progressing("identifying") as report:
        used = tables.load(settings.load().classify.catalogue)
        done, today = 0, ledger.now().date()
        for raw in _bounded(lines):
            done += len(raw)
            report(done, size or done)
            if raw.strip():
                _write(identify_raw(raw, catalogue=used.catalogue, structures=used.structures, today=today))


def _bounded(lines: BinaryIO) -> Iterator[bytes]:
    """Yield the lines; of one that is too long its beginning, which is still too long."""
    while raw := lines.readline(MOST_BYTES + 1):
        rest = raw
        while not rest.endswith(b"\n") and (rest := lines.readline(MOST_BYTES)):
            pass
        yield raw


def _write(answer: Line) -> None:
    # A lone surrogate in a ref has no bytes in UTF-8; its escape is the same text in JSON.
    text = json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(text + b"\n")
    sys.stdout.buffer.flush()
