"""The undisturbed run of a chaos run: equal to a ledger that decided in its order, and a witness where it is not."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Update, update

from benchmarks.chaos_load import alert
from benchmarks.chaos_replay import differences
from schemas.alerts import Alert
from services.storage.tables import sightings, threads, verdicts
from tests.databases import PostgresPlace
from tests.ledger import Relay

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]


def send(relay: Relay, number: int, version: int = 1) -> None:
    country, text = alert(number, version)
    relay.send(Alert.model_validate_json(text), sender_id=f"chaos-{country.lower()}", country=country)


async def found(place: PostgresPlace, folder: Path) -> list[str]:
    ledger = place.open()
    try:
        return await differences(ledger, folder)
    finally:
        await ledger.close()


async def test_a_ledger_equals_its_undisturbed_run_in_whatever_order_it_was_decided(
    relay: Relay, place: PostgresPlace, tmp_path: Path
) -> None:
    for number, version in ((7, 1), (3, 1), (7, 3), (7, 2), (1206, 1), (3, 2)):
        send(relay, number, version)
    assert await found(place, tmp_path) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (update(verdicts).values(level="critical"), "verdicts: 2 of 2 rows differ"),
        (update(threads).values(state="closed"), "threads: 2 of 2 rows differ"),
        (update(sightings).values(market="other"), "sightings"),
    ],
    ids=["verdict", "thread", "evidence"],
)
async def test_a_ledger_that_says_something_else_is_told_with_its_rows(
    relay: Relay, place: PostgresPlace, tmp_path: Path, change: Update, named: str
) -> None:
    send(relay, 1)
    send(relay, 2)
    relay.run(_unit(change))
    lines = await found(place, tmp_path)
    assert lines[0].startswith(named)
    assert "in the undisturbed run" in lines[1]


async def test_another_order_of_decision_shows(relay: Relay, place: PostgresPlace, tmp_path: Path) -> None:
    one, other = of_one_substance()
    send(relay, one)
    send(relay, other)  # names the first one, which in the other order names this
    relay.run(_unit(update(verdicts).values(decision=1_000_000 - verdicts.c.decision)))
    assert await found(place, tmp_path) != []


def of_one_substance() -> tuple[int, int]:
    """Return two alerts that report the same substance."""
    seen: dict[str, int] = {}
    for number in itertools.count():
        _, text = alert(number, 1)
        name = json.loads(text)["findings"][0]["substances"][0]["name"]
        if name in seen:
            return seen[name], number
        seen[name] = number
    raise AssertionError("the numbers never end")


def _unit(change: Update) -> Callable[[Connection], None]:
    def unit(connection: Connection) -> None:
        connection.execute(change)

    return unit
