"""What stands in the ledger right now: what is late, what waits, what went missing.

What never arrives shows in no histogram, so these are asked of the ledger at the moment of the scrape.
Pure: a snapshot goes in, metric families come out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.core import GaugeMetricFamily

from schemas.vocabularies import MessageState
from services.storage.records import NotificationState

UNHEALTHY: Final = ("failing", "disabled")
# The others are counted as they happen: counting them here would take longer with every alert.
STANDING: Final = (NotificationState.PENDING, NotificationState.CLAIMED, NotificationState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What one group has still to read."""

    records: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The ledger at one moment; `leases` by name, `backlogs` by group."""

    taken_at: datetime
    messages: Mapping[str, int]
    notifications: Mapping[str, int]
    oldest_undelivered_at: datetime | None
    oldest_unacknowledged_at: datetime | None
    failing_endpoints: int
    disabled_endpoints: int
    backlogs: Mapping[str, Backlog]
    dead_letters: int
    violations: int
    leases: Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One gauge as the documentation shows it; its labels come from closed lists."""

    name: str
    label: str | None
    help: str


UP: Final = Gauge(
    name="relay_ledger_up", label=None, help="1 while the ledger answers; at 0 the other gauges are absent"
)
MESSAGES: Final = Gauge(name="relay_alerts", label="state", help="accepted messages by state")
UNACCOUNTED: Final = Gauge(
    name="relay_alerts_unaccounted",
    label=None,
    help="accepted messages that are in none of the states: always 0",
)
NOTIFICATIONS: Final = Gauge(
    name="relay_notifications", label="state", help="notifications that are open or failed, by state"
)
UNDELIVERED: Final = Gauge(
    name="relay_oldest_undelivered_age_seconds",
    label=None,
    help="age of the oldest notification that is not delivered yet; 0 where there is none",
)
UNACKNOWLEDGED: Final = Gauge(
    name="relay_oldest_unacknowledged_age_seconds",
    label=None,
    help="how long the oldest answer that is asked for has been missing; 0 where there is none",
)
ENDPOINTS: Final = Gauge(
    name="relay_unhealthy_endpoints", label="state", help="addresses that back off, or take nothing any more"
)
OUTBOX: Final = Gauge(
    name="relay_outbox_backlog", label="group", help="records that a service has still to read"
)
OUTBOX_AGE: Final = Gauge(
    name="relay_outbox_oldest_age_seconds",
    label="group",
    help="age of the oldest record that a service has still to read; 0 where there is none",
)
DEAD_LETTERS: Final = Gauge(
    name="relay_dead_letters", label=None, help="records that can never succeed and wait for a person"
)
VIOLATIONS: Final = Gauge(
    name="relay_delivery_violations",
    label=None,
    help="versions that should have reached a recipient and neither ended nor have a next attempt: always 0",
)
LEASES: Final = Gauge(
    name="relay_lease_remaining_seconds",
    label="lease",
    help="until when a loop of upkeep is held; below 0 nobody runs it",
)
GAUGES: Final = (
    *(UP, MESSAGES, UNACCOUNTED, NOTIFICATIONS, UNDELIVERED, UNACKNOWLEDGED, ENDPOINTS),
    *(OUTBOX, OUTBOX_AGE, DEAD_LETTERS, VIOLATIONS, LEASES),
)


def families(snapshot: Snapshot | None) -> Iterator[GaugeMetricFamily]:
    """Yield the gauges of a snapshot; of None (the ledger does not answer) only that."""
    yield _plain(UP, 0 if snapshot is None else 1)
    if snapshot is None:
        return
    now = snapshot.taken_at
    states = {state.value: snapshot.messages.get(state, 0) for state in MessageState}
    yield _labelled(MESSAGES, states)
    yield _plain(UNACCOUNTED, _accepted(snapshot.messages) - sum(states.values()))
    yield _labelled(NOTIFICATIONS, {state.value: snapshot.notifications.get(state, 0) for state in STANDING})
    yield _plain(UNDELIVERED, _age(snapshot.oldest_undelivered_at, now=now))
    yield _plain(UNACKNOWLEDGED, _age(snapshot.oldest_unacknowledged_at, now=now))
    unhealthy = (snapshot.failing_endpoints, snapshot.disabled_endpoints)
    yield _labelled(ENDPOINTS, dict(zip(UNHEALTHY, unhealthy, strict=True)))
    yield _labelled(OUTBOX, {group: backlog.records for group, backlog in snapshot.backlogs.items()})
    yield _labelled(
        OUTBOX_AGE, {group: _age(backlog.oldest_at, now=now) for group, backlog in snapshot.backlogs.items()}
    )
    yield _plain(DEAD_LETTERS, snapshot.dead_letters)
    yield _plain(VIOLATIONS, snapshot.violations)
    yield _labelled(LEASES, {name: (until - now).total_seconds() for name, until in snapshot.leases.items()})


def _accepted(messages: Mapping[str, int]) -> int:
    return sum(count for state, count in messages.items() if state != "draft")


def _age(at: datetime | None, *, now: datetime) -> float:
    return 0.0 if at is None else max((now - at).total_seconds(), 0.0)


def _plain(gauge: Gauge, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(gauge.name, gauge.help, value=value)


def _labelled(gauge: Gauge, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=[gauge.label or ""])
    for label, value in values.items():
        family.add_metric([label], value)
    return family
