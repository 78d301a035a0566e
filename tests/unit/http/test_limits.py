"""How much one caller may ask."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.http.limits import Bucket, Quota, headers_of


def _bucket(requests: int = 3, seconds: int = 60) -> Bucket:
    return Bucket(Quota(requests=requests, window=timedelta(seconds=seconds)))


def test_the_whole_quota_may_come_at_once_and_no_more() -> None:
    bucket = _bucket()
    assert [bucket.take("a", now=0.0).allowed for _ in range(4)] == [True, True, True, False]


def test_the_quota_refills_evenly() -> None:
    bucket = _bucket()
    for _ in range(3):
        bucket.take("a", now=0.0)
    assert not bucket.take("a", now=19.0).allowed
    assert bucket.take("a", now=20.0).allowed


def test_a_refused_caller_learns_when_to_come_again() -> None:
    bucket = _bucket()
    for _ in range(3):
        bucket.take("a", now=0.0)
    headers = headers_of(bucket, bucket.take("a", now=5.0))
    assert headers == {
        "RateLimit-Policy": '"default";q=3;w=60',
        "RateLimit": '"default";r=0;t=55',
        "Retry-After": "15",
    }


def test_callers_do_not_share_a_quota() -> None:
    bucket = _bucket(requests=1)
    assert bucket.take("a", now=0.0).allowed
    assert bucket.take("b", now=0.0).allowed


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=60))
def test_never_more_than_twice_the_quota_in_any_window(waits: list[float]) -> None:
    bucket = _bucket(requests=5, seconds=60)
    now, allowed = 0.0, []
    for wait in waits:
        now += wait
        if bucket.take("a", now=now).allowed:
            allowed.append(now)
    for start in allowed:
        assert sum(start <= at < start + 60 for at in allowed) <= 10
