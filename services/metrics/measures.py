"""How long each step took, from the event to its closure.

Pure. The points are t0 event, t1 detected, t2 confirmed by a laboratory, t3 sent, t4 received, t5 classified,
t6 first dispatched, t7 delivered, t8 acknowledged by a person, t9 action reported, t10 closed or retracted.
Source: HPAD-2021:RIME.1.5@L314 (respond in the shortest possible time); targets after 7-1-7, IHR Article 6,
RASFF and the CAS of the British health service, none of which was set for drug alerts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from schemas.dates import PartialDate
from schemas.vocabularies import DatePrecision, Severity, Status

Stated = datetime | date  # as its sender wrote it: an instant, or no more than a day

# Over a week between writing and arrival nobody was waiting for: an archive is being loaded, or a country has
# just been connected. The longest delay of a lasting outage that we want to see in the figures is shorter.
MOST_IN_TRANSFER = timedelta(days=7)
# The window in which two findings still count as one threat; what was detected before it is history by then.
MOST_BEFORE_SENT = timedelta(days=180)


class Measure(StrEnum):
    """A span between two points."""

    DETECTION = "detection"
    CONFIRMATION = "confirmation"
    NOTIFICATION = "notification"
    TRANSFER = "transfer"
    CLASSIFICATION = "classification"
    PROCESSING = "processing"
    DELIVERY = "delivery"
    ACKNOWLEDGEMENT = "acknowledgement"
    END_TO_END = "end_to_end"
    RESPONSE = "response"
    CLOSURE = "closure"


class Omission(StrEnum):
    """Why an alert is left out of the response times."""

    NOT_ACTUAL = "not_actual"  # exercise, test, draft
    BACKFILLED = "backfilled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """The points that are known of one message, and for one recipient where a recipient is concerned."""

    event: Stated | None = None
    detected: Stated | None = None
    lab_confirmed: Stated | None = None
    sent: datetime | None = None
    received: datetime | None = None
    classified: datetime | None = None
    dispatched: datetime | None = None  # the first attempt to anybody; for `delivery`, to this recipient
    delivered: datetime | None = None
    acknowledged: datetime | None = None
    acted: Stated | None = None
    closed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A measured span; with `days_only` the elapsed time is whole days and must not be shown in hours."""

    measure: Measure
    elapsed: timedelta
    days_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A share of the spans of some severities is to stay within a time."""

    measure: Measure
    severities: frozenset[Severity]
    within: timedelta
    share_percent: int


_EVERY = frozenset(Severity)
_GRAVE = frozenset({Severity.CRITICAL, Severity.HIGH})
TARGETS: tuple[Target, ...] = (
    Target(measure=Measure.DETECTION, severities=_EVERY, within=timedelta(days=7), share_percent=50),
    Target(measure=Measure.NOTIFICATION, severities=_GRAVE, within=timedelta(hours=24), share_percent=95),
    Target(
        measure=Measure.NOTIFICATION, severities=_EVERY - _GRAVE, within=timedelta(hours=48), share_percent=95
    ),
    Target(measure=Measure.PROCESSING, severities=_EVERY, within=timedelta(seconds=60), share_percent=95),
    Target(measure=Measure.DELIVERY, severities=_EVERY, within=timedelta(minutes=5), share_percent=95),
    Target(
        measure=Measure.ACKNOWLEDGEMENT,
        severities=frozenset({Severity.CRITICAL}),
        within=timedelta(hours=4),
        share_percent=50,
    ),
    Target(
        measure=Measure.ACKNOWLEDGEMENT,
        severities=frozenset({Severity.CRITICAL}),
        within=timedelta(hours=24),
        share_percent=90,
    ),
    Target(
        measure=Measure.ACKNOWLEDGEMENT,
        severities=frozenset({Severity.HIGH}),
        within=timedelta(hours=48),
        share_percent=90,
    ),
    Target(measure=Measure.RESPONSE, severities=_EVERY, within=timedelta(days=7), share_percent=50),
)


def stated(written: PartialDate | None) -> Stated | None:
    """Return the instant or the day that a contract's date says.

    A month or a year alone says no day, and nothing is computed from it: None, as for an absent date.
    """
    if written is None:
        return None
    return written.instant or (written.first if written.precision is DatePrecision.DAY else None)


def omission(
    *, status: Status, detected: Stated | None, sent: datetime, received: datetime
) -> Omission | None:
    """Return why an alert's times are not counted, or None where they are.

    Back-filled: received more than `MOST_IN_TRANSFER` after it was sent, or sent more than `MOST_BEFORE_SENT`
    after the detection.
    """
    if status != Status.ACTUAL:
        return Omission.NOT_ACTUAL
    if received - sent > MOST_IN_TRANSFER:
        return Omission.BACKFILLED
    if detected is not None:
        found = elapsed(detected, sent)
        if found is not None and found[0] > MOST_BEFORE_SENT:
            return Omission.BACKFILLED
    return None


def spans(points: Points, wanted: Iterable[Measure]) -> tuple[Span, ...]:
    """Return the wanted spans whose two points are known, in the order wanted."""
    found = (span(measure, points) for measure in wanted)
    return tuple(one for one in found if one is not None)


def span(measure: Measure, points: Points) -> Span | None:
    """Return one span; None where a point is missing, or the end lies before the start (a clock was wrong)."""
    start, end = _ends(measure, points)
    if start is None or end is None:
        return None
    taken = elapsed(start, end)
    if taken is None:
        return None
    return Span(measure=measure, elapsed=taken[0], days_only=taken[1])


def elapsed(start: Stated, end: Stated) -> tuple[timedelta, bool] | None:
    """Return the time between two points and whether it is whole days only; None where it is negative.

    A day without a time is compared by the calendar of whoever wrote it: with the day that the other point
    shows in its own offset, never with an hour.
    """
    if isinstance(start, datetime) and isinstance(end, datetime):
        taken, days_only = end - start, False
    else:
        taken, days_only = _day(end) - _day(start), True
    return None if taken < timedelta(0) else (taken, days_only)


def _day(point: Stated) -> date:
    return point.date() if isinstance(point, datetime) else point


def _ends(measure: Measure, points: Points) -> tuple[Stated | None, Stated | None]:
    match measure:
        case Measure.DETECTION:
            return points.event, points.detected
        case Measure.CONFIRMATION:
            return points.detected, points.lab_confirmed
        case Measure.NOTIFICATION:
            return points.detected, points.sent
        case Measure.TRANSFER:
            return points.sent, points.received
        case Measure.CLASSIFICATION:
            return points.received, points.classified
        case Measure.PROCESSING:
            return points.received, points.dispatched
        case Measure.DELIVERY:
            return points.dispatched, points.delivered
        case Measure.ACKNOWLEDGEMENT:
            return points.delivered, points.acknowledged
        case Measure.END_TO_END:
            return points.detected, points.acknowledged
        case Measure.RESPONSE:
            return points.dispatched, points.acted
        case Measure.CLOSURE:
            return points.received, points.closed
