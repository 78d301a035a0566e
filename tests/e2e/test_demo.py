"""The demonstration is a test: every notification of the list written by hand arrives, and no other."""

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from services.demo import run
from services.demo.installation import Relay


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(run.embedded, id="embedded"),
        pytest.param(
            run.cluster, id="cluster", marks=[pytest.mark.needs("kafka"), pytest.mark.needs("postgresql")]
        ),
    ],
)
async def test_the_demonstration_delivers_what_the_rules_say(
    tmp_path: Path, build: Callable[[Path, Mapping[str, str]], Relay]
) -> None:
    outcome = await run.play(tmp_path, build=build)
    assert outcome.refused == ()
    assert outcome.missing == ()
    assert outcome.unexpected == ()
    assert outcome.passed
    page = io.StringIO()
    run.report(outcome, folder=tmp_path, console=Console(file=page, width=200))
    last = page.getvalue().splitlines()[-1]
    expected = outcome.expected
    assert expected > 600
    assert re.fullmatch(
        rf"demo: {expected} expected, {expected} delivered, 0 unexpected, p50 \d+\.\d ms, p99 \d+\.\d ms",
        last,
    )
