"""Reads the topics into counters and response times, and asks the ledger what is late.

All of it is derived: a restart loses nothing that the ledger does not have, and a record that comes twice is
counted once as long as it is remembered.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from schemas.vocabularies import AckState, MessageType, Severity
from services.errors import Transient
from services.metrics import balance, measures, reading
from services.metrics.instruments import SETTLED, TAKEN_BACK, Instruments
from services.metrics.measures import Measure, Omission, Points
from services.metrics.recent import Recent
from services.storage.ports import DeadLetters, Deliveries, Leases, Outbox, Receipts
from services.storage.records import NotificationState, Record

_REMEMBERED: Final = 20_000  # messages: some hundred days of the region, some ten megabytes
_TRIED: Final = frozenset(reading.AttemptOutcome) - {
    reading.AttemptOutcome.WITHHELD,
    reading.AttemptOutcome.MOVED,
}
_OPENING: Final = (Measure.DETECTION, Measure.NOTIFICATION)
_ENDS: Final = (MessageType.CLOSURE, MessageType.RETRACTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    accepted: reading.Accepted
    omission: Omission | None
    fresh: bool  # read from its topic, not looked up: what was counted of it is known


class Metrics:
    """A reader of all topics."""

    name = "metrics"
    topics: Sequence[str] = reading.TOPICS

    def __init__(
        self, *, receipts: Receipts, instruments: Instruments, remembered: int = _REMEMBERED
    ) -> None:
        """Take the port that knows what is forgotten here, and where to count."""
        self._receipts = receipts
        self._count = instruments
        self._known: Recent[_Known] = Recent(remembered)
        self._classified: Recent[datetime] = Recent(remembered)
        self._opened: Recent[datetime] = Recent(remembered)
        self._confirmed: Recent[bool] = Recent(remembered)
        self._dispatched: Recent[datetime] = Recent(remembered)
        self._answered: Recent[bool] = Recent(remembered)

    async def handle(self, record: Record) -> None:
        """Count one record; `Invalid`: it cannot be read, `Transient`: the ledger does not answer."""
        match reading.read(record):
            case reading.Accepted() as event:
                self._accept(event)
            case reading.Classified() as event:
                self._classify(event, await self._look_up(event.message_id))
            case reading.Attempted() as event:
                self._attempt(event, await self._look_up(event.message_id))
            case reading.Answered() as event:
                self._answer(event, await self._look_up(event.message_id))

    async def _look_up(self, message_id: str) -> _Known | None:
        known = self._known.get(message_id)
        if known is not None:
            return known
        message = await self._receipts.get(message_id)
        if message is None:
            return None
        alert = message.alert
        known = _known(
            reading.Accepted(
                message_id=message_id,
                status=alert.status,
                message_type=alert.message_type,
                event=measures.stated(alert.event_start),
                detected=measures.stated(alert.detected_at),
                lab_confirmed=measures.stated(alert.lab_confirmed_at),
                sent=alert.sent_at,
                received=message.received_at,
            ),
            fresh=False,
        )
        self._known.put(message_id, known)
        return known

    def _accept(self, event: reading.Accepted) -> None:
        known = _known(event, fresh=True)
        if not self._known.is_new(event.message_id, known):
            return
        self._count.accepted.labels(event.status, event.message_type).inc()
        if known.omission is not None:
            self._count.left_out.labels(known.omission).inc()

    def _classify(self, event: reading.Classified, known: _Known | None) -> None:
        if not event.first or not self._classified.is_new(event.message_id, event.at):
            return
        if event.correlation is not None:
            self._count.classified.labels(event.severity, event.correlation).inc()
        for category in event.categories:
            self._count.categories.labels(category).inc()
        if known is None or known.omission is not None:
            return
        accepted = known.accepted
        self._opened.is_new(event.thread_id, accepted.received)
        wanted = [Measure.TRANSFER, Measure.CLASSIFICATION]
        if accepted.message_type is MessageType.ALERT:
            wanted += _OPENING
        if accepted.lab_confirmed is not None and self._confirmed.is_new(event.thread_id, True):
            wanted.append(Measure.CONFIRMATION)
        points = Points(
            event=accepted.event,
            detected=accepted.detected,
            lab_confirmed=accepted.lab_confirmed,
            sent=accepted.sent,
            received=accepted.received,
            classified=event.at,
        )
        self._observe(points, wanted, severity=event.severity)
        if accepted.message_type in _ENDS:
            closed = Points(received=self._opened.get(event.thread_id), closed=event.at)
            self._observe(closed, [Measure.CLOSURE], severity=event.severity)

    def _attempt(self, event: reading.Attempted, known: _Known | None) -> None:
        self._count.attempts.labels(event.channel, event.outcome).inc()
        if event.state in SETTLED:
            self._count.settled.labels(event.channel, event.state, event.message_type).inc()
        if known is None or known.omission is not None or event.outcome not in _TRIED:
            return
        if self._dispatched.is_new(event.message_id, event.began) and known.fresh:
            points = Points(received=known.accepted.received, dispatched=event.began)
            self._observe(points, [Measure.PROCESSING], severity=event.severity)
        if event.state is NotificationState.DELIVERED:
            self._deliver(event)

    def _deliver(self, event: reading.Attempted) -> None:
        points = Points(dispatched=event.first_attempt or event.began, delivered=event.ended)
        span = measures.span(Measure.DELIVERY, points)
        if span is not None:
            self._count.observe_delivery(span, channel=event.channel, severity=event.severity)
        if event.message_type in TAKEN_BACK:
            seconds = max((event.ended - event.routed).total_seconds(), 0.0)
            self._count.observe_correction(seconds, channel=event.channel, message_type=event.message_type)

    def _answer(self, event: reading.Answered, known: _Known | None) -> None:
        self._count.answers.labels(event.state).inc()
        if known is None or known.omission is not None or event.state is AckState.SEEN:
            return  # a page that was opened is no answer
        who = (event.message_id, event.recipient_id)
        acted = event.acted or event.answered if event.state is AckState.ACTION_TAKEN else None
        points = Points(
            detected=known.accepted.detected,
            dispatched=self._dispatched.get(event.message_id) or event.delivered,
            delivered=event.delivered,
            acknowledged=event.answered,
            acted=acted,
        )
        if self._answered.is_new(who, True):
            self._observe(points, [Measure.ACKNOWLEDGEMENT, Measure.END_TO_END], severity=event.severity)
        if acted is not None and self._answered.is_new((*who, "acted"), True):
            self._observe(points, [Measure.RESPONSE], severity=event.severity)

    def _observe(self, points: Points, wanted: Sequence[Measure], *, severity: Severity) -> None:
        for span in measures.spans(points, wanted):
            self._count.observe(span, severity=severity)


class LedgerCollector(Collector):
    """Gauges from the ledger: asked before a scrape, kept for a moment, absent while it does not answer."""

    def __init__(
        self,
        *,
        receipts: Receipts,
        deliveries: Deliveries,
        outbox: Outbox,
        dead_letters: DeadLetters,
        leases: Leases,
        groups: Mapping[str, Sequence[str]],
        clock: Callable[[], datetime],
        keep: timedelta = timedelta(seconds=5),
        patience: timedelta = timedelta(seconds=5),
    ) -> None:
        """`groups`: who reads which topics. Asked again after `keep` at the earliest, for `patience` at most."""
        self._receipts = receipts
        self._deliveries = deliveries
        self._outbox = outbox
        self._dead_letters = dead_letters
        self._leases = leases
        self._groups = groups
        self._clock = clock
        self._keep = keep
        self._patience = patience
        self._asking = asyncio.Lock()
        self._asked_at: datetime | None = None
        self._snapshot: balance.Snapshot | None = None

    async def refresh(self) -> None:
        """Ask the ledger, unless it was asked a moment ago; raises nothing where it does not answer."""
        async with self._asking:
            now = self._clock()
            if self._asked_at is not None and now - self._asked_at < self._keep:
                return
            self._asked_at = now
            try:
                async with asyncio.timeout(self._patience.total_seconds()):
                    self._snapshot = await self._take(now)
            except (Transient, TimeoutError):
                self._snapshot = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the gauges of the last snapshot."""
        return balance.families(self._snapshot)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return the names, so that the registry refuses one that is taken."""
        for gauge in balance.GAUGES:
            yield GaugeMetricFamily(gauge.name, gauge.help)

    async def _take(self, now: datetime) -> balance.Snapshot:
        standing = await self._deliveries.standing()
        return balance.Snapshot(
            taken_at=now,
            messages=await self._receipts.counts(),
            notifications=standing.states,
            oldest_undelivered_at=standing.oldest_undelivered_at,
            oldest_unacknowledged_at=standing.oldest_unacknowledged_at,
            failing_endpoints=standing.failing_endpoints,
            disabled_endpoints=standing.disabled_endpoints,
            backlogs={group: await self._backlog(group, topics) for group, topics in self._groups.items()},
            dead_letters=await self._dead_letters.count(),
            violations=await self._deliveries.violations(now=now),
            leases=await self._leases.held(),
        )

    async def _backlog(self, group: str, topics: Sequence[str]) -> balance.Backlog:
        records, oldest_at = await self._outbox.backlog(group=group, topics=topics)
        return balance.Backlog(records=records, oldest_at=oldest_at)


def _known(event: reading.Accepted, *, fresh: bool) -> _Known:
    omission = measures.omission(
        status=event.status, detected=event.detected, sent=event.sent, received=event.received
    )
    return _Known(accepted=event, omission=omission, fresh=fresh)
