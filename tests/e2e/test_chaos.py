"""Whatever is killed while alerts come in, none is lost, told twice, out of order or decided otherwise (P1, P2, P4)."""

from pathlib import Path

import pytest

from benchmarks import chaos
from benchmarks.chaos_faults import Fault, Kind

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka"), pytest.mark.needs("postgresql")]

ROUNDS = (
    (Fault(kind=Kind.KILL, place=("classify", 0)), Fault(kind=Kind.TERM, place=("notify", 1))),
    (
        Fault(kind=Kind.BROKER_KILL),
        Fault(kind=Kind.DATABASE_KILL),
        Fault(kind=Kind.KILL, place=("ingest", 0)),
    ),
)


async def test_processes_broker_and_database_are_killed_under_load_and_every_promise_is_kept(
    tmp_path: Path,
) -> None:
    account = await chaos.run(ROUNDS, seed=20261121, folder=tmp_path, per_second=20, between=(1.0, 2.0))
    assert account.complaints() == [], account.closing_line()
    assert account.rounds == 2
    assert account.accepted > 50
    assert account.delivered > account.accepted  # by email and by webhook
