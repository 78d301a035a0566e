"""What stands still or has no place ends the process; an outage of brokers or ledger, however long, does not."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import Transient
from services.runtime.consume import Intake
from services.runtime.fence import TEMPORARY_FAILURE
from services.runtime.stall import Limits, Stall, excused, watch
from services.storage.kafka_reach import Partition, Reach
from services.storage.records import Record
from tests.e2e.stage import until

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


def test_a_record_that_was_passed_over_is_waited_for_less_long() -> None:
    stall = Stall(timedelta(seconds=9), passed_over=LIMIT)
    both = {**STILL, OTHER: Reach(committed=0, end=2)}
    found = [stall.look(both, passed=SECOND, passed_over={ONE}) for _ in range(5)]
    assert found == [frozenset()] * 4 + [{ONE}]


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


MOMENT = timedelta(milliseconds=1)


class Rig:
    """Answers of a broker, one a look; a fault among them is raised. The watch ends after the last."""

    def __init__(
        self,
        *answers: Mapping[Partition, Reach] | Transient,
        is_excused: bool = False,
        is_busy: bool = False,
        places: str = "",
    ) -> None:
        """`places`: for each look whether there is a place, `.` or `-`; after the last there is."""
        self.answers = list(answers)
        self.is_excused = is_excused
        self.is_busy = is_busy
        self.places = list(places)
        self.stop = asyncio.Event()
        self.ended: list[int] = []

    async def ask(self) -> Mapping[Partition, Reach]:
        answer = self.answers.pop(0)
        if not self.answers:
            self.stop.set()
        if isinstance(answer, Transient):
            raise answer
        return answer

    def placed(self) -> bool:
        return not self.places or self.places.pop(0) == "."

    async def run(self) -> list[int]:
        await watch(
            self.stop,
            limits=Limits(stall=3 * MOMENT, unplaced=6 * MOMENT),
            ask=self.ask,
            placed=self.placed,
            excused=lambda: self.is_excused,
            busy=lambda: self.is_busy,
            end=self.ended.append,
            every=MOMENT,
        )
        return self.ended


AWAY = Transient("the broker does not answer")


async def test_a_stall_ends_the_process() -> None:
    assert await Rig(*[STILL] * 5).run() == [TEMPORARY_FAILURE]


async def test_an_outage_of_the_broker_is_not_counted() -> None:
    assert await Rig(STILL, *[AWAY] * 50, STILL, STILL, STILL).run() == []


async def test_waiting_for_the_ledger_is_not_counted() -> None:
    assert await Rig(*[STILL] * 50, is_excused=True).run() == []


async def test_behind_a_backlog_a_partition_may_stand_still_for_longer_and_not_for_ever() -> None:
    assert await Rig(*[STILL] * 18, is_busy=True).run() == []
    assert await Rig(*[STILL] * 19, is_busy=True).run() == [TEMPORARY_FAILURE]


async def test_a_place_that_is_never_given_ends_the_process() -> None:
    assert await Rig(*[{}] * 6, places="------").run() == []
    assert await Rig(*[{}] * 7, places="-------").run() == [TEMPORARY_FAILURE]


async def test_a_member_without_a_partition_has_a_place() -> None:
    assert await Rig(*[{}] * 50).run() == []


async def test_one_rebalance_after_another_ends_nothing_while_each_ends() -> None:
    assert await Rig(*[{}] * 30, places="-----." * 5).run() == []


async def test_without_a_place_neither_an_outage_of_the_broker_nor_of_the_ledger_is_counted() -> None:
    assert await Rig(*[{}] * 3, *[AWAY] * 50, *[{}] * 3, places="-" * 6).run() == []
    assert await Rig(*[{}] * 50, places="-" * 50, is_excused=True).run() == []


class Ledger:
    """A service, and the dead letters: it answers, refuses, or never answers."""

    name = "classify"
    topics = ("alerts.v1",)

    def __init__(self) -> None:
        self.refuses = False
        self.asked = 0
        self.answers = asyncio.Event()

    async def handle(self, _record: Record) -> None:
        self.asked += 1
        if self.refuses:
            raise Transient("the ledger is out of reach")
        await self.answers.wait()

    async def keep(self, *_asked: Any, **_more: Any) -> None:
        raise AssertionError


class Hand:
    """One record in the hands of an intake."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.stop = asyncio.Event()
        self.intake = Intake(
            self.ledger, dead_letters=self.ledger, clock=lambda: datetime.now(UTC), stop=self.stop
        )
        self.record = Record(topic="alerts.v1", event_id="e", key="k", payload="{}", position=0)
        self.task: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Begin; return once the ledger was asked."""
        self.task = asyncio.create_task(self.intake.take(self.record))
        await until(lambda: self.ledger.asked > 0)

    def excused(self, **limits: timedelta) -> bool:
        return excused(self.intake, limits=Limits(**limits))


@pytest.fixture
async def hand() -> AsyncIterator[Hand]:
    made = Hand()
    yield made
    made.stop.set()
    if made.task is not None:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)


async def test_a_reader_with_nothing_in_hand_has_no_excuse(hand: Hand) -> None:
    assert not hand.excused(held_up=timedelta(0))


async def test_a_record_in_hand_excuses_once_it_takes_longer_than_any_should(hand: Hand) -> None:
    await hand.take()
    assert not hand.excused(held_up=timedelta(hours=1))
    assert hand.excused(held_up=timedelta(0))
    hand.ledger.answers.set()
    await until(lambda: hand.task and hand.task.done())
    assert not hand.excused(held_up=timedelta(0))


async def test_a_ledger_that_refuses_excuses_for_as_long_as_it_does(hand: Hand) -> None:
    """Each try comes back: however long all of them take together, none of them hangs."""
    hand.ledger.refuses = True
    await hand.take()
    one_try = timedelta(milliseconds=100)
    await until(lambda: hand.intake.held_up_for() > 2 * one_try and hand.ledger.asked > 2)
    assert hand.intake.longest_try() < hand.intake.held_up_for()
    assert hand.excused(held_up=one_try, one_try=hand.intake.held_up_for())


async def test_a_call_that_never_comes_back_excuses_nothing(hand: Hand) -> None:
    await hand.take()
    hung = timedelta(milliseconds=5)
    await until(lambda: hand.intake.longest_try() > hung)
    assert hand.excused(held_up=timedelta(0))
    assert not hand.excused(held_up=timedelta(0), one_try=hung)
