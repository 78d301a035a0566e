"""Records are handled together and acknowledged in the order in which they came."""

import asyncio

import pytest

from services.runtime.in_order import InOrder


class Rig:
    """A stage whose items end when the test says so."""

    def __init__(self, *, most: int = 3) -> None:
        self.begun: list[int] = []
        self.ends: dict[int, asyncio.Future[None]] = {}
        self.acknowledged: list[int] = []
        self.flow = InOrder[int](handle=self.handle, acknowledge=self.acknowledged.append, most=most)

    async def handle(self, item: int) -> None:
        self.begun.append(item)
        await self.ends.setdefault(item, asyncio.get_running_loop().create_future())

    async def start(self) -> asyncio.Task[None]:
        running = asyncio.create_task(self.flow.run())
        await settled()
        return running

    def end(self, *items: int) -> None:
        for item in items:
            self.ends[item].set_result(None)


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_first_holds_back_the_acknowledgement_of_the_others() -> None:
    rig = Rig()
    running = await rig.start()
    for item in (1, 2, 3):
        await rig.flow.put(item)
    await settled()
    assert rig.begun == [1, 2, 3]
    rig.end(3, 2)
    await settled()
    assert rig.acknowledged == []
    rig.end(1)
    await settled()
    assert rig.acknowledged == [1, 2, 3]
    running.cancel()


async def test_no_more_are_begun_than_may_be_in_flight() -> None:
    rig = Rig(most=2)
    running = await rig.start()
    await rig.flow.put(1)
    await rig.flow.put(2)
    third = asyncio.create_task(rig.flow.put(3))
    await settled()
    assert rig.begun == [1, 2]
    rig.end(2)
    await settled()
    assert rig.begun == [1, 2]
    rig.end(1)
    await settled()
    assert third.done()
    assert rig.begun == [1, 2, 3]
    running.cancel()


async def test_others_have_their_turn_between_two_that_begin() -> None:
    rig = Rig()
    running = await rig.start()
    turns: list[int] = []

    async def tick() -> None:
        while True:
            turns.append(len(rig.begun))
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    for item in (1, 2, 3):
        await rig.flow.put(item)
    await settled()
    assert {1, 2, 3} <= set(turns)
    ticking.cancel()
    running.cancel()


async def test_a_fault_comes_out_and_nothing_behind_it_is_acknowledged() -> None:
    rig = Rig()
    running = await rig.start()
    for item in (1, 2, 3):
        await rig.flow.put(item)
    await settled()
    rig.end(1, 3)
    rig.ends[2].set_exception(ValueError("broken"))
    with pytest.raises(ExceptionGroup) as caught:
        await running
    assert caught.group_contains(ValueError)
    assert rig.acknowledged in ([], [1])
    with pytest.raises(RuntimeError):
        await rig.flow.put(4)


async def test_a_cancelled_flow_takes_what_is_in_flight_with_it() -> None:
    rig = Rig()
    running = await rig.start()
    await rig.flow.put(1)
    await settled()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert rig.ends[1].cancelled()
    assert rig.acknowledged == []


async def test_it_is_full_while_what_comes_next_has_to_wait_for_room() -> None:
    rig = Rig(most=2)
    running = await rig.start()
    assert not rig.flow.is_full()
    await rig.flow.put(1)
    assert not rig.flow.is_full()
    await rig.flow.put(2)
    await settled()
    assert rig.flow.is_full()
    rig.end(1)
    await settled()
    assert not rig.flow.is_full()
    running.cancel()
