"""The collector asks a real ledger: every port answers what it is asked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from services.metrics import balance
from services.metrics.service import LedgerCollector
from services.notify import routing
from services.notify.retry import DeliveryRules, RetryPolicy
from services.storage.adapters import LedgerDeadLetters, LedgerLeases, LedgerOutbox, LedgerReceipts
from services.storage.deliveries import LedgerDeliveries
from services.storage.sqlite import SqliteLedger
from services.storage.tables import metadata

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def collector_of(ledger: SqliteLedger, clock: Callable[[], datetime]) -> LedgerCollector:
    rules = DeliveryRules(policy=RetryPolicy(give_up_after=timedelta(days=7)))
    return LedgerCollector(
        receipts=LedgerReceipts(ledger),
        deliveries=LedgerDeliveries(ledger, rules=rules, decide=routing.route),
        outbox=LedgerOutbox(ledger),
        dead_letters=LedgerDeadLetters(ledger),
        leases=LedgerLeases(ledger),
        groups={"classify": ("alerts.v1",), "notify": ("classified.v1",)},
        clock=clock,
    )


async def test_an_empty_ledger_shows_zeros_and_no_violation(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "relay.sqlite3")
    await ledger.write(metadata.create_all)
    await LedgerLeases(ledger).acquire("reconcile", holder="h", now=NOW, until=NOW + timedelta(seconds=30))
    collector = collector_of(ledger, lambda: NOW)
    registry = CollectorRegistry()
    registry.register(collector)
    await collector.refresh()
    await ledger.close()
    assert {family.name for family in registry.collect()} == {gauge.name for gauge in balance.GAUGES}
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
    }
    assert samples.pop(("relay_ledger_up",)) == 1
    assert samples.pop(("relay_lease_remaining_seconds", "reconcile")) == 30
    assert set(samples.values()) == {0}
