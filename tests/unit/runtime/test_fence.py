"""A process that stood still for half the session timeout ends before it touches anything."""

import asyncio
from datetime import timedelta

import pytest

from services.runtime.fence import TEMPORARY_FAILURE, Fence

SESSION = timedelta(seconds=10)


class Clock:
    """Ticks that a test sets, and the exit statuses that were asked for."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.ended: list[int] = []

    def fence(self) -> Fence:
        return Fence(session=SESSION, ticks=lambda: self.seconds, end=self.ended.append)


def test_a_slow_start_is_no_pause() -> None:
    clock = Clock()
    fence = clock.fence()
    clock.seconds += 60
    fence.check()
    fence.tick()
    assert clock.ended == []


@pytest.mark.parametrize(("silent", "ends"), [(0.2, False), (4.9, False), (5.1, True), (14.0, True)])
def test_the_limit_is_half_the_session(silent: float, *, ends: bool) -> None:
    clock = Clock()
    fence = clock.fence()
    fence.tick()
    clock.seconds += silent
    fence.check()
    assert clock.ended == ([TEMPORARY_FAILURE] if ends else [])


def test_the_ticker_itself_notices_before_it_notes_the_time_anew() -> None:
    clock = Clock()
    fence = clock.fence()
    fence.tick()
    clock.seconds += 6
    fence.tick()
    assert clock.ended == [TEMPORARY_FAILURE]


async def test_the_ticker_ticks_until_it_is_cancelled() -> None:
    clock = Clock()
    fence = clock.fence()
    ticking = asyncio.create_task(fence.run())
    await asyncio.sleep(0)
    for _ in range(3):
        clock.seconds += 4.9
        await asyncio.sleep(0.25)
    assert clock.ended == []
    ticking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ticking
