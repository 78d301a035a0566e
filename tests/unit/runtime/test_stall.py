"""A partition that stands still ends the process; time in which the broker does not answer is not counted."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.errors import Transient
from services.runtime.fence import TEMPORARY_FAILURE
from services.runtime.stall import Stall, watch
from services.storage.kafka_reach import Partition, Reach

ONE = ("alerts.v1", 0)
OTHER = ("alerts.v1", 1)
SECOND = timedelta(seconds=1)
LIMIT = timedelta(seconds=3)
STILL = {ONE: Reach(committed=4, end=9)}


def look(stall: Stall, reaches: Mapping[Partition, Reach], *, times: int = 1) -> frozenset[Partition]:
    found: frozenset[Partition] = frozenset()
    for _ in range(times):
        found = stall.look(reaches, passed=SECOND)
    return found


def test_what_stands_still_longer_than_the_limit_is_named() -> None:
    stall = Stall(LIMIT)
    assert look(stall, STILL, times=4) == frozenset()
    assert look(stall, STILL) == {ONE}


def test_a_partition_that_was_read_to_its_end_stands_still_for_ever() -> None:
    assert look(Stall(LIMIT), {ONE: Reach(committed=9, end=9)}, times=100) == frozenset()


def test_a_step_forward_counts_anew_for_its_partition_only() -> None:
    stall = Stall(LIMIT)
    look(stall, {**STILL, OTHER: Reach(committed=0, end=2)}, times=4)
    moved = {ONE: Reach(committed=5, end=9), OTHER: Reach(committed=0, end=2)}
    assert look(stall, moved) == {OTHER}


def test_a_partition_that_was_given_away_counts_anew() -> None:
    stall = Stall(LIMIT)
    look(stall, STILL, times=4)
    look(stall, {})
    assert look(stall, STILL, times=4) == frozenset()


@given(st.lists(st.integers(min_value=0, max_value=3), max_size=40))
def test_nothing_that_moves_within_the_limit_is_ever_named(pauses: list[int]) -> None:
    stall = Stall(LIMIT)
    for committed, pause in enumerate(pauses):
        found = look(stall, {ONE: Reach(committed=committed, end=1000)}, times=pause + 1)
        assert found == frozenset()


class Rig:
    """Answers of a broker, one a look; a fault among them is raised. The watch ends after the last."""

    def __init__(self, *answers: Mapping[Partition, Reach] | Transient, excused: bool = False) -> None:
        self.answers = list(answers)
        self.excused = excused
        self.stop = asyncio.Event()
        self.ended: list[int] = []

    async def ask(self) -> Mapping[Partition, Reach]:
        answer = self.answers.pop(0)
        if not self.answers:
            self.stop.set()
        if isinstance(answer, Transient):
            raise answer
        return answer

    async def run(self) -> list[int]:
        await watch(
            self.stop,
            stall=Stall(timedelta(milliseconds=3)),
            ask=self.ask,
            excused=lambda: self.excused,
            end=self.ended.append,
            every=timedelta(milliseconds=1),
        )
        return self.ended


async def test_a_stall_ends_the_process() -> None:
    assert await Rig(*[STILL] * 5).run() == [TEMPORARY_FAILURE]


async def test_an_outage_of_the_broker_is_not_counted() -> None:
    away = Transient("the broker does not answer")
    assert await Rig(STILL, *[away] * 50, STILL, STILL, STILL).run() == []


async def test_waiting_for_the_ledger_is_not_counted() -> None:
    assert await Rig(*[STILL] * 50, excused=True).run() == []
