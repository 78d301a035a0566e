"""`relay classify`: what the relay would make of alerts; nothing is stored, no history is known."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from schemas.problems import Problem
from services.classify.assess import classify_alert
from services.classify.explain import explain
from services.commands import ledger, output
from services.commands.faults import FAILED, Failed
from services.ingest.validation import InvalidAlert, parse_alert
from services.reference.terms import load_terms
from services.runtime import settings, tables

_STDIN = Path("-")


def classify(
    file: Annotated[Path, typer.Argument(help="Alerts, one JSON object a line; - reads standard input.")],
    in_words: Annotated[
        bool, typer.Option("--explain", help="Write words instead, in the language of each alert.")
    ] = False,
) -> None:
    """Classify alerts: for each line {"classification": ..., "explanation": [...]} or {"problem": ...}.

    The order is that of the lines. Exit status 1 where a line was refused.
    """
    refused = 0
    with opened(file) as (lines, size), output.progressing("classifying") as report:
        used, terms = tables.load(settings.load().classify.catalogue), load_terms()
        done = 0
        for raw in lines:
            done += len(raw)
            report(done, size or done)
            if not raw.strip():
                continue
            try:
                alert = parse_alert(raw.strip(), now=ledger.now())
            except InvalidAlert as fault:
                refused += 1
                output.line({"problem": _problem(fault).model_dump(mode="json", exclude_none=True)})
                continue
            found = classify_alert(
                alert, catalogue=used.catalogue, structures=used.structures, plan=used.plan
            )
            words = explain(found, terms=terms, language=alert.language.value)
            if in_words:
                typer.echo("\n".join((f"{alert.national_ref}: {alert.title}", *words, "")))
            else:
                output.line({"classification": found.model_dump(mode="json"), "explanation": words})
    if refused:
        output.say(f"relay: {refused} refused")
        raise typer.Exit(FAILED)


@contextmanager
def opened(file: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open ``file`` with its size in bytes; - is standard input, whose size is 0. Raises `Failed`."""
    if file == _STDIN:
        yield sys.stdin.buffer, 0
        return
    try:
        with file.open("rb") as lines:
            yield lines, file.stat().st_size
    except OSError as fault:
        raise Failed(f"{file}: {fault.strerror}") from fault


def _problem(fault: InvalidAlert) -> Problem:
    return Problem(title="Invalid alert", status=fault.status, errors=fault.faults)
