"""What upkeep counts, on a registry passed in."""

from enum import StrEnum
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge


class Task(StrEnum):
    """A loop of upkeep; also the name of its lease."""

    RECONCILE = "reconcile"  # receipts without a terminal state
    REROUTE = "reroute"  # classified versions that nobody was chosen for
    EXPIRE_HELD = "expire_held"
    AUDIT_DELIVERIES = "audit_deliveries"
    CHAIN_AUDIT = "chain_audit"
    RETENTION = "retention"


class Ended(StrEnum):
    """How a round of a loop ended."""

    DONE = "done"
    ELSEWHERE = "elsewhere"  # another process holds the lease
    WAITING = "waiting"  # not the time for it: the readers are behind, or the ledger was out of reach
    UNREACHABLE = "unreachable"


ROUNDS: Final = ("relay_upkeep_rounds_total", ("task", "outcome"), "rounds of the loops of upkeep")
HANDLED: Final = (
    "relay_upkeep_handled_total",
    ("task",),
    "what the loops did: messages published again, records chained or pruned, violations found",
)
LAST_DONE: Final = (
    "relay_upkeep_last_done_timestamp_seconds",
    ("task",),
    "when a loop last ended a round here; 0 before the first",
)
VIOLATIONS: Final = ("relay_upkeep_violations", (), "violations that the last audit of the deliveries found")
BROKEN: Final = (
    "relay_audit_chain_broken",
    (),
    "1 where a record of the audit does not follow from the one before",
)
DESCRIBED: Final = (ROUNDS, HANDLED, LAST_DONE, VIOLATIONS, BROKEN)


class Instruments:
    """Counters and gauges of the loops."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every metric and create every series at zero."""
        self._rounds = Counter(ROUNDS[0], ROUNDS[2], ROUNDS[1], registry=registry)
        self._handled = Counter(HANDLED[0], HANDLED[2], HANDLED[1], registry=registry)
        self._last_done = Gauge(LAST_DONE[0], LAST_DONE[2], LAST_DONE[1], registry=registry)
        self.violations = Gauge(VIOLATIONS[0], VIOLATIONS[2], registry=registry)
        self.broken = Gauge(BROKEN[0], BROKEN[2], registry=registry)
        for task, ended in product(Task, Ended):
            self._rounds.labels(task, ended)
        for task in Task:
            self._handled.labels(task)
            self._last_done.labels(task)

    def ended(self, task: Task, outcome: Ended, *, handled: int, at_seconds: float) -> None:
        """Count a round; `at_seconds` since the epoch."""
        self._rounds.labels(task, outcome).inc()
        self._handled.labels(task).inc(handled)
        if outcome is Ended.DONE:
            self._last_done.labels(task).set(at_seconds)
