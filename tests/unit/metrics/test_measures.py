"""Spans between the points t0 to t10."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dates import PartialDate
from schemas.vocabularies import Severity, Status
from services.metrics import measures
from services.metrics.instruments import HUMAN, HUMAN_BUCKETS, PIPELINE, PIPELINE_BUCKETS
from services.metrics.measures import TARGETS, Measure, Omission, Points

NOON = datetime(2026, 11, 14, 12, tzinfo=UTC)
MONTEVIDEO = timezone(timedelta(hours=-3))

instants = st.datetimes(timezones=st.just(UTC))
days = st.dates()


def omitted(
    *, status: Status = Status.ACTUAL, detected: measures.Stated | None = None, late: timedelta = timedelta(0)
) -> Omission | None:
    return measures.omission(status=status, detected=detected, sent=NOON, received=NOON + late)


def test_two_instants_give_seconds() -> None:
    points = Points(sent=NOON, received=NOON + timedelta(seconds=1.5))
    span = measures.span(Measure.TRANSFER, points)
    assert span == measures.Span(measure=Measure.TRANSFER, elapsed=timedelta(seconds=1.5), days_only=False)


def test_a_day_without_a_time_gives_whole_days() -> None:
    span = measures.span(Measure.NOTIFICATION, Points(detected=date(2026, 11, 12), sent=NOON))
    assert span is not None
    assert (span.elapsed, span.days_only) == (timedelta(days=2), True)


def test_a_day_is_compared_by_the_calendar_of_the_sender() -> None:
    evening = datetime(2026, 11, 14, 22, tzinfo=MONTEVIDEO)  # the 15th in UTC
    span = measures.span(Measure.NOTIFICATION, Points(detected=date(2026, 11, 14), sent=evening))
    assert span is not None
    assert span.elapsed == timedelta(0)


@pytest.mark.parametrize(
    ("written", "stated"),
    [
        ("2026", None),
        ("2026-11", None),
        ("2026-11-14", date(2026, 11, 14)),
        ("2026-11-14T12:00:00Z", NOON),
    ],
)
def test_a_month_or_a_year_is_no_point(written: str, stated: measures.Stated | None) -> None:
    assert measures.stated(PartialDate.parse(written)) == stated


def test_a_span_needs_both_points() -> None:
    assert measures.span(Measure.DETECTION, Points(detected=NOON)) is None
    assert measures.stated(None) is None


def test_an_end_before_the_start_is_no_span() -> None:
    assert measures.span(Measure.TRANSFER, Points(sent=NOON, received=NOON - timedelta(seconds=1))) is None


@pytest.mark.parametrize("status", [Status.EXERCISE, Status.TEST, Status.DRAFT])
def test_what_is_no_real_event_is_left_out(status: Status) -> None:
    assert omitted(status=status) is Omission.NOT_ACTUAL


def test_an_archive_that_is_loaded_is_left_out() -> None:
    assert omitted(late=timedelta(days=7)) is None
    assert omitted(late=timedelta(days=7, seconds=1)) is Omission.BACKFILLED


def test_an_alert_on_what_is_history_is_left_out() -> None:
    assert omitted(detected=NOON.date() - timedelta(days=180)) is None
    assert omitted(detected=NOON.date() - timedelta(days=181)) is Omission.BACKFILLED


def test_spans_come_in_the_order_wanted_without_those_that_are_unknown() -> None:
    points = Points(detected=NOON, sent=NOON, received=NOON)
    wanted = [Measure.TRANSFER, Measure.DETECTION, Measure.NOTIFICATION]
    assert [span.measure for span in measures.spans(points, wanted)] == [
        Measure.TRANSFER,
        Measure.NOTIFICATION,
    ]


@pytest.mark.parametrize("measure", Measure)
def test_every_measure_has_its_two_points(measure: Measure) -> None:
    points = Points(**dict.fromkeys(Points.__slots__, NOON))
    span = measures.span(measure, points)
    assert span is not None
    assert span.elapsed == timedelta(0)


@given(start=st.one_of(instants, days), end=st.one_of(instants, days))
def test_hours_come_from_two_instants_only(start: measures.Stated, end: measures.Stated) -> None:
    taken = measures.elapsed(start, end)
    if taken is None:
        return
    elapsed, days_only = taken
    assert elapsed >= timedelta(0)
    assert days_only is not (isinstance(start, datetime) and isinstance(end, datetime))
    if days_only:
        assert elapsed == timedelta(days=elapsed.days)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.measure} {target.within}")
def test_every_target_lies_on_an_edge_of_its_buckets(target: measures.Target) -> None:
    buckets = HUMAN_BUCKETS if target.measure in HUMAN else PIPELINE_BUCKETS
    assert target.within.total_seconds() in buckets
    assert target.severities <= set(Severity)


def test_every_measure_belongs_to_one_family_of_buckets() -> None:
    assert {*PIPELINE, *HUMAN, Measure.DELIVERY} == set(Measure)
    assert not set(PIPELINE) & set(HUMAN)
