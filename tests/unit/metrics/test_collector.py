"""What the ledger says at the moment of a scrape."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from services.errors import Transient
from services.metrics import balance
from services.metrics.api import metrics_routes
from services.metrics.service import LedgerCollector
from services.storage.delivery_records import Standing

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Ledger:
    """All ports that the collector asks, with what they answer."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked = 0
        self.out_of_reach = False
        self.messages = {"pending": 1, "classified": 7, "dead": 1, "draft": 3}
        self.found = 0

    async def counts(self) -> dict[str, int]:
        self.asked += 1
        if self.out_of_reach:
            raise Transient("the disk is full")
        return self.messages

    async def standing(self) -> Standing:
        return Standing(
            states={"pending": 2, "claimed": 1},
            oldest_undelivered_at=NOW - timedelta(seconds=90),
            oldest_unacknowledged_at=None,
            failing_endpoints=1,
            disabled_endpoints=0,
        )

    async def violations(self, **_asked: object) -> int:
        return self.found

    async def backlog(self, *, group: str, **_asked: object) -> tuple[int, datetime | None]:
        return (3, NOW - timedelta(seconds=4)) if group == "notify" else (0, None)

    async def count(self) -> int:
        return 5

    async def held(self) -> dict[str, datetime]:
        return {"reconcile": NOW + timedelta(seconds=30)}


def collector(ledger: Ledger) -> tuple[LedgerCollector, CollectorRegistry]:
    ports: Any = ledger  # each port is asked for one or two of its methods only
    found = LedgerCollector(
        receipts=ports,
        deliveries=ports,
        outbox=ports,
        dead_letters=ports,
        leases=ports,
        groups={"classify": ("alerts.v1",), "notify": ("classified.v1",)},
        clock=lambda: ledger.now,
    )
    registry = CollectorRegistry()
    registry.register(found)
    return found, registry


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("relay_ledger_up", {}, 1),
        ("relay_alerts", {"state": "classified"}, 7),
        ("relay_alerts", {"state": "held"}, 0),
        ("relay_alerts_unaccounted", {}, 0),
        ("relay_notifications", {"state": "pending"}, 2),
        ("relay_notifications", {"state": "failed"}, 0),
        ("relay_oldest_undelivered_age_seconds", {}, 90),
        ("relay_oldest_unacknowledged_age_seconds", {}, 0),
        ("relay_unhealthy_endpoints", {"state": "failing"}, 1),
        ("relay_outbox_backlog", {"group": "notify"}, 3),
        ("relay_outbox_oldest_age_seconds", {"group": "notify"}, 4),
        ("relay_outbox_oldest_age_seconds", {"group": "classify"}, 0),
        ("relay_dead_letters", {}, 5),
        ("relay_delivery_violations", {}, 0),
        ("relay_lease_remaining_seconds", {"lease": "reconcile"}, 30),
    ],
)
async def test_the_ledger_is_shown_as_it_stands(name: str, labels: dict[str, str], value: float) -> None:
    found, registry = collector(Ledger())
    await found.refresh()
    assert registry.get_sample_value(name, labels) == value


async def test_a_message_in_no_known_state_is_unaccounted() -> None:
    ledger = Ledger()
    ledger.messages["lost"] = 2
    found, registry = collector(ledger)
    await found.refresh()
    assert registry.get_sample_value("relay_alerts_unaccounted") == 2


async def test_the_ledger_is_asked_once_in_a_while() -> None:
    ledger = Ledger()
    found, _ = collector(ledger)
    await found.refresh()
    await found.refresh()
    assert ledger.asked == 1
    ledger.now += timedelta(seconds=5)
    await found.refresh()
    assert ledger.asked == 2


async def test_old_figures_are_not_shown_while_the_ledger_is_out_of_reach() -> None:
    ledger = Ledger()
    found, registry = collector(ledger)
    await found.refresh()
    ledger.out_of_reach = True
    ledger.now += timedelta(seconds=5)
    await found.refresh()
    assert registry.get_sample_value("relay_ledger_up") == 0
    assert registry.get_sample_value("relay_alerts", {"state": "classified"}) is None


def test_every_gauge_that_is_described_is_shown() -> None:
    snapshot = balance.Snapshot(
        taken_at=NOW,
        messages={},
        notifications={},
        oldest_undelivered_at=None,
        oldest_unacknowledged_at=None,
        failing_endpoints=0,
        disabled_endpoints=0,
        backlogs={},
        dead_letters=0,
        violations=0,
        leases={},
    )
    assert {family.name for family in balance.families(snapshot)} == {gauge.name for gauge in balance.GAUGES}


async def test_the_page_asks_the_ledger_and_answers_in_text() -> None:
    ledger = Ledger()
    found, registry = collector(ledger)
    application = Starlette(routes=metrics_routes(registry, refresh=found.refresh).routes)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://relay.example.org"
    ) as client:
        plain = await client.get("/metrics")
        newer = await client.get(
            "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"}
        )
    assert plain.status_code == 200
    assert plain.headers["content-type"].startswith("text/plain")
    assert 'relay_alerts{state="classified"} 7.0' in plain.text
    assert newer.headers["content-type"].startswith("application/openmetrics-text")
    assert newer.text.endswith("# EOF\n")
