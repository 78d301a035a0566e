"""When to try again, and when to ask a failing endpoint."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.notify.retry import BackOff, DeliveryRules, RetryPolicy
from services.storage.delivery_records import Health
from tests.builders import NOW

POLICY = RetryPolicy(first=timedelta(seconds=1), ceiling=timedelta(hours=1), give_up_after=timedelta(days=7))
WELL = Health(id="webhook:1", failures=0, failing_since=None, next_probe_at=None, disabled_reason=None)


@given(failures=st.integers(1, 10_000), draw=st.floats(0, 1, exclude_max=True))
def test_a_wait_is_between_half_the_first_and_the_ceiling(failures: int, draw: float) -> None:
    assert POLICY.first / 2 <= POLICY.wait(failures=failures, draw=draw) <= POLICY.ceiling


def test_the_wait_doubles_up_to_the_ceiling() -> None:
    waits = [POLICY.wait(failures=number, draw=0.999_999).total_seconds() for number in range(1, 15)]
    assert [round(wait) for wait in waits[:5]] == [1, 2, 4, 8, 16]
    assert round(waits[-1]) == 3600


def test_after_the_last_day_there_is_no_next_try() -> None:
    late = NOW + timedelta(days=7)
    assert POLICY.retry_at(failures=3, began_at=NOW, now=late, draw=0.0, retry_after=None) is None


def test_a_receiver_may_ask_for_patience_within_bounds() -> None:
    def wait(asked: timedelta) -> timedelta:
        at = POLICY.retry_at(failures=1, began_at=NOW, now=NOW, draw=0.0, retry_after=asked)
        assert at is not None
        return at - NOW

    assert wait(timedelta(seconds=30)) == timedelta(seconds=30)
    assert wait(timedelta(days=9)) == timedelta(minutes=15)
    assert wait(timedelta(seconds=-5)) == timedelta(seconds=0.5)


def test_back_off_begins_after_three_failures_in_a_row() -> None:
    rules = DeliveryRules()
    health = WELL
    probes = []
    for _ in range(4):
        health = rules.after_failure(health, now=NOW, draw=0.0, retry_after=None)
        probes.append(health.next_probe_at)
    assert probes[:2] == [None, None]
    assert probes[2:] == [NOW + timedelta(seconds=1)] * 2  # what was in flight together backs off together


@given(draw=st.floats(0, 1, exclude_max=True), failing_for=st.integers(0, 10**7))
def test_a_probe_is_never_sooner_than_a_second_nor_later_than_a_quarter_of_an_hour_and_a_fifth(
    draw: float, failing_for: int
) -> None:
    wait = BackOff().wait(failing_for=timedelta(seconds=failing_for), draw=draw)
    assert timedelta(seconds=1) <= wait <= timedelta(minutes=18)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=60, max_size=60))
def test_at_most_eight_probes_in_the_first_twenty_seconds_then_one_a_minute(draws: list[float]) -> None:
    at, asked = timedelta(0), []
    for draw in draws:
        at += BackOff().wait(failing_for=at, draw=draw)
        asked.append(at)
    assert len([one for one in asked if one <= timedelta(seconds=20)]) <= 8
    steady = [one for one in asked if one > timedelta(seconds=30)]
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(steady))
