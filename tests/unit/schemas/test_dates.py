"""Dates keep what was written, and are compared no finer than they are known."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Alert, canonical_json
from schemas.dates import PartialDate
from schemas.vocabularies import DatePrecision
from tests.builders import make_alert

_DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
_WRITTEN = st.builds(lambda day, length: day.isoformat()[:length], _DAYS, st.sampled_from([4, 7, 10]))
_INSTANTS = st.datetimes(datetime(1901, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds must be naive
    lambda at: at.isoformat()
)


@pytest.mark.parametrize(
    ("text", "precision", "first", "last"),
    [
        ("2026", DatePrecision.YEAR, date(2026, 1, 1), date(2026, 12, 31)),
        ("2024-02", DatePrecision.MONTH, date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-11-14", DatePrecision.DAY, date(2026, 11, 14), date(2026, 11, 14)),
        ("2026-11-14T23:30:00-03:00", DatePrecision.INSTANT, date(2026, 11, 14), date(2026, 11, 14)),
    ],
)
def test_a_date_bounds_the_days_it_may_mean(
    text: str, precision: DatePrecision, first: date, last: date
) -> None:
    when = PartialDate.parse(text)
    assert (when.precision, when.first, when.last, str(when)) == (precision, first, last, text)


def test_an_instant_is_bounded_by_itself_in_utc_and_keeps_its_offset() -> None:
    when = PartialDate.parse("2026-11-14T23:30:00-03:00")
    assert when.earliest == when.latest == datetime(2026, 11, 15, 2, 30, tzinfo=UTC)
    assert when.instant is not None
    assert when.instant.utcoffset() == timedelta(hours=-3)
    assert PartialDate.parse("2026-11-14").instant is None


@pytest.mark.parametrize(
    "text", ["", "26", "2026-1", "2026-02-30", "2026-11-14T20:30", "1899", "2026-11-14T24:30:00Z"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        PartialDate.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "after"),
    [
        ("2026-11-15", "2026-11-14", True),
        ("2026-11", "2026-11-14", False),
        ("2026", "2025-12-31", True),
        ("2026-11-14T23:59:00-03:00", "2026-11-14", False),
        ("2026-11-15T00:30:00Z", "2026-11-14T22:00:00-03:00", False),
        ("2026-11-14T23:30:00-03:00", "2026-11-15T01:00:00Z", True),
    ],
)
def test_dates_are_compared_at_the_coarser_precision(one: str, other: str, *, after: bool) -> None:
    assert PartialDate.parse(one).is_after(PartialDate.parse(other)) is after


@given(_WRITTEN | _INSTANTS)
def test_a_date_lies_within_its_bounds_and_never_after_itself(text: str) -> None:
    when = PartialDate.parse(text)
    assert when.first <= when.last
    assert when.earliest <= when.latest
    assert not when.is_after(when)


@given(_WRITTEN, _WRITTEN)
def test_of_two_dates_one_at_most_is_after_the_other(one: str, other: str) -> None:
    left, right = PartialDate.parse(one), PartialDate.parse(other)
    assert not (left.is_after(right) and right.is_after(left))
    assert left.is_after(right) is (left.first > right.last)


def test_a_timestamp_is_written_back_with_the_sender_s_offset() -> None:
    alert = make_alert(sent_at="2026-11-14T20:30:00-03:00")
    assert b'"sent_at":"2026-11-14T20:30:00-03:00"' in canonical_json(alert)
    assert Alert.model_validate_json(canonical_json(alert)).sent_at.utcoffset() == timedelta(hours=-3)
