"""What is measured, under which name: the list that the documentation shows, on a registry passed in.

Labels come from closed vocabularies, and every combination is created at zero: a rate over a series that has not
begun is nothing at all, and an alert rule on it is silent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from schemas.vocabularies import AckState, Category, CorrelationLevel, MessageType, Severity, Status
from services.metrics.measures import Measure, Omission, Span
from services.metrics.reading import AttemptOutcome
from services.storage.records import ChannelKind, NotificationState

# Targets lie on edges: the share within a target is then exact, while a quantile between edges is a guess.
PIPELINE_BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0),
)
HUMAN_BUCKETS: Final = (
    *(60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 43200.0, 86400.0),
    *(172800.0, 259200.0, 604800.0, 1209600.0, 2592000.0, 7776000.0, 15552000.0),
)
DAY_BUCKETS: Final = (0.0, 1.0, 2.0, 3.0, 7.0, 14.0, 30.0, 60.0, 90.0, 180.0)

PIPELINE: Final = (Measure.TRANSFER, Measure.CLASSIFICATION, Measure.PROCESSING)
HUMAN: Final = (
    Measure.DETECTION,
    Measure.CONFIRMATION,
    Measure.NOTIFICATION,
    Measure.ACKNOWLEDGEMENT,
    Measure.END_TO_END,
    Measure.RESPONSE,
    Measure.CLOSURE,
)


SETTLED: Final = (
    NotificationState.DELIVERED,
    NotificationState.FAILED,
    NotificationState.SUPERSEDED,
    NotificationState.WITHHELD,
)
TAKEN_BACK: Final = (MessageType.CORRECTION, MessageType.RETRACTION)


class Kind(StrEnum):
    """The kinds of Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """One metric as the documentation shows it."""

    name: str
    kind: Kind
    labels: Mapping[str, tuple[str, ...]]
    help: str
    buckets: tuple[float, ...] = ()


def _described(
    name: str, kind: Kind, help_text: str, *, buckets: tuple[float, ...] = (), **labels: Iterable[str]
) -> Described:
    values = {label: tuple(str(value) for value in given) for label, given in labels.items()}
    return Described(name=name, kind=kind, labels=values, help=help_text, buckets=buckets)


ACCEPTED: Final = _described(
    "relay_alerts_accepted_total",
    Kind.COUNTER,
    "messages accepted",
    status=[status for status in Status if status is not Status.DRAFT],
    message_type=MessageType,
)
CLASSIFIED: Final = _described(
    "relay_alerts_classified_total",
    Kind.COUNTER,
    "messages classified, by urgency and by how they relate to others",
    severity=Severity,
    correlation=CorrelationLevel,
)
CATEGORIES: Final = _described(
    "relay_alert_categories_total",
    Kind.COUNTER,
    "labels of the catalogue given to messages; X.UNK is what nobody could identify",
    category=Category,
)
LEFT_OUT: Final = _described(
    "relay_alerts_left_out_total",
    Kind.COUNTER,
    "messages whose times are not counted: no real event, or back-filled",
    reason=Omission,
)
ATTEMPTS: Final = _described(
    "relay_delivery_attempts_total",
    Kind.COUNTER,
    "tries to send",
    channel=ChannelKind,
    outcome=AttemptOutcome,
)
NOTIFICATIONS_SETTLED: Final = _described(
    "relay_notifications_settled_total",
    Kind.COUNTER,
    "notifications that ended with an attempt",
    channel=ChannelKind,
    state=SETTLED,
    message_type=MessageType,
)
ANSWERS: Final = _described(
    "relay_acknowledgements_total", Kind.COUNTER, "answers of recipients", state=AckState
)
PIPELINE_SECONDS: Final = _described(
    "relay_pipeline_seconds",
    Kind.HISTOGRAM,
    "spans of the relay itself: sent to received, received to classified, received to first dispatched",
    buckets=PIPELINE_BUCKETS,
    measure=PIPELINE,
    severity=Severity,
)
DELIVERY_SECONDS: Final = _described(
    "relay_delivery_seconds",
    Kind.HISTOGRAM,
    "first attempt to delivered, for each recipient and channel",
    buckets=PIPELINE_BUCKETS,
    channel=ChannelKind,
    severity=Severity,
)
CORRECTION_SECONDS: Final = _described(
    "relay_correction_seconds",
    Kind.HISTOGRAM,
    "routed to delivered, of corrections and retractions",
    buckets=PIPELINE_BUCKETS,
    channel=ChannelKind,
    message_type=TAKEN_BACK,
)
RESPONSE_SECONDS: Final = _described(
    "relay_response_seconds",
    Kind.HISTOGRAM,
    "spans between people, of which both ends are known to the second",
    buckets=HUMAN_BUCKETS,
    measure=HUMAN,
    severity=Severity,
)
RESPONSE_DAYS: Final = _described(
    "relay_response_days",
    Kind.HISTOGRAM,
    "spans between people, of which one end is known to the day only",
    buckets=DAY_BUCKETS,
    measure=HUMAN,
    severity=Severity,
)

EVENTS: Final = (
    *(ACCEPTED, CLASSIFIED, CATEGORIES, LEFT_OUT, ATTEMPTS, NOTIFICATIONS_SETTLED, ANSWERS),
    *(PIPELINE_SECONDS, DELIVERY_SECONDS, CORRECTION_SECONDS, RESPONSE_SECONDS, RESPONSE_DAYS),
)


class Instruments:
    """Counters and histograms of what the topics say."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every metric and create every series at zero."""
        self.accepted = counter(ACCEPTED, registry)
        self.classified = counter(CLASSIFIED, registry)
        self.categories = counter(CATEGORIES, registry)
        self.left_out = counter(LEFT_OUT, registry)
        self.attempts = counter(ATTEMPTS, registry)
        self.settled = counter(NOTIFICATIONS_SETTLED, registry)
        self.answers = counter(ANSWERS, registry)
        self._pipeline = histogram(PIPELINE_SECONDS, registry)
        self._delivery = histogram(DELIVERY_SECONDS, registry)
        self._correction = histogram(CORRECTION_SECONDS, registry)
        self._response = histogram(RESPONSE_SECONDS, registry)
        self._days = histogram(RESPONSE_DAYS, registry)

    def observe(self, span: Span, *, severity: Severity) -> None:
        """Count one span where it belongs: whole days never among the seconds."""
        if span.days_only:
            self._days.labels(span.measure, severity).observe(span.elapsed.days)
        elif span.measure in PIPELINE:
            self._pipeline.labels(span.measure, severity).observe(span.elapsed.total_seconds())
        else:
            self._response.labels(span.measure, severity).observe(span.elapsed.total_seconds())

    def observe_delivery(self, span: Span, *, channel: ChannelKind, severity: Severity) -> None:
        """Count how long one delivery took."""
        self._delivery.labels(channel, severity).observe(span.elapsed.total_seconds())

    def observe_correction(self, seconds: float, *, channel: ChannelKind, message_type: MessageType) -> None:
        """Count how long it took until one recipient had a correction or retraction."""
        self._correction.labels(channel, message_type).observe(seconds)


def counter(described: Described, registry: CollectorRegistry) -> Counter:
    """Return a counter with all its series at zero."""
    made = Counter(described.name, described.help, list(described.labels), registry=registry)
    for values in product(*described.labels.values()):
        made.labels(*values)
    return made


def histogram(described: Described, registry: CollectorRegistry) -> Histogram:
    """Return a histogram with all its series at zero."""
    made = Histogram(
        described.name, described.help, list(described.labels), registry=registry, buckets=described.buckets
    )
    for values in product(*described.labels.values()):
        made.labels(*values)
    return made
