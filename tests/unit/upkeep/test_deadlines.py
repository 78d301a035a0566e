"""When it is time to publish again, and how long to wait."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.upkeep.deadlines import Patience, Policy, is_late, overdue_since, wait_after

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
POLICY = Policy(
    every=timedelta(seconds=10),
    reconcile_after=timedelta(seconds=30),
    keep_outbox=timedelta(days=7),
    keep_keys=timedelta(days=7),
)


def test_what_was_published_before_the_deadline_is_overdue() -> None:
    before = overdue_since(POLICY, now=NOW, reachable_since=LONG_AGO, late_until=None)
    assert before == NOW - timedelta(seconds=30)


def test_nothing_is_overdue_until_the_ledger_has_answered_for_a_while() -> None:
    back = NOW - timedelta(seconds=29)
    assert overdue_since(POLICY, now=NOW, reachable_since=back, late_until=None) is None


@pytest.mark.parametrize(("age", "late"), [(5, False), (30, False), (31, True)])
def test_a_reader_is_late_that_leaves_something_unread_for_too_long(age: int, late: bool) -> None:
    assert is_late(POLICY, now=NOW, oldest_unread_at=NOW - timedelta(seconds=age)) is late
    assert not is_late(POLICY, now=NOW, oldest_unread_at=None)


@pytest.mark.parametrize(("ago", "overdue"), [(0, False), (49, False), (50, True)])
def test_nothing_is_overdue_until_its_reader_has_kept_up_for_a_while(ago: int, overdue: bool) -> None:
    late_until = NOW - timedelta(seconds=ago)
    before = overdue_since(POLICY, now=NOW, reachable_since=LONG_AGO, late_until=late_until)
    assert (before is not None) is overdue


def test_a_full_round_is_followed_at_once() -> None:
    assert wait_after(POLICY, full=True, failures=0) == timedelta(0)
    assert wait_after(POLICY, full=False, failures=0) == POLICY.every


@given(failures=st.integers(min_value=1, max_value=10_000))
def test_the_wait_grows_while_nothing_answers_up_to_its_bound(failures: int) -> None:
    wait = wait_after(POLICY, full=True, failures=failures)
    assert POLICY.every <= wait <= POLICY.longest_wait
    assert wait <= wait_after(POLICY, full=True, failures=failures + 1)


def test_what_never_succeeds_is_tried_less_and_less_often() -> None:
    patience = Patience(timedelta(seconds=30))
    at = [second for second in range(0, 4000, 10) if patience.due("m", now=NOW + timedelta(seconds=second))]
    assert at == [0, 30, 90, 210, 450, 930, 1890, 3810]
    assert patience.due("another", now=NOW)


def test_the_wait_ends_at_an_hour() -> None:
    patience = Patience(timedelta(seconds=30))
    moments = (NOW + timedelta(minutes=minute) for minute in range(0, 60 * 24, 1))
    tries = [moment for moment in moments if patience.due("m", now=moment)]
    assert max(b - a for a, b in pairwise(tries)) == timedelta(hours=1)


def test_what_waits_for_its_turn_is_counted() -> None:
    patience = Patience(timedelta(seconds=30))
    assert patience.waiting(now=NOW) == 0
    assert all(patience.due(name, now=NOW) for name in "ab")
    assert patience.waiting(now=NOW) == 2
    assert patience.waiting(now=NOW + timedelta(seconds=30)) == 0


def test_the_memory_is_bounded() -> None:
    patience = Patience(timedelta(seconds=30), most=2)
    assert all(patience.due(name, now=NOW) for name in "abc")
    assert patience.due("a", now=NOW)
    assert not patience.due("c", now=NOW)
