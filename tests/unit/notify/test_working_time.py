"""When a recipient is at work, where it is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.working_time import at_work
from tests.deliveries_rig import make_recipient


@pytest.mark.parametrize(
    ("timezone", "at", "works"),
    [
        ("America/Bogota", "2026-11-20T13:00", True),  # Friday, 8:00
        ("America/Bogota", "2026-11-20T12:59", False),
        ("America/Bogota", "2026-11-20T22:59", True),  # 17:59
        ("America/Bogota", "2026-11-20T23:00", False),
        ("America/Bogota", "2026-11-21T15:00", False),  # Saturday
        ("America/Tijuana", "2026-11-21T01:30", True),  # still Friday there, 17:30
        ("America/New_York", "2026-07-20T12:00", True),  # 8:00 in summer
        ("America/New_York", "2026-11-20T12:00", False),  # 7:00 in winter
    ],
)
def test_working_time_is_local(timezone: str, at: str, *, works: bool) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert at_work(make_recipient(timezone=timezone), now) is works


@given(st.integers(0, 366 * 24 * 60))
def test_a_week_of_bogota_has_fifty_working_hours(minutes: int) -> None:
    begin, recipient = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes), make_recipient()
    hours = [at_work(recipient, begin + timedelta(hours=hour)) for hour in range(24 * 7)]
    assert sum(hours) == 50
