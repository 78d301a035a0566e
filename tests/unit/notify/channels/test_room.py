"""Who waits for room is let in by urgency."""

import asyncio
from collections.abc import Callable, Iterable

import pytest

from services.notify.channels.room import Room


async def _enter(room: Room, order: list[str], name: str, *, urgency: int) -> None:
    async with room.place(urgency=urgency):
        order.append(name)


async def _stay(room: Room, inside: list[int]) -> None:
    async with room.place(urgency=3):
        inside.append(1)
        await asyncio.Event().wait()


async def _fit(room: Room) -> int:
    """Return how many are let in of more than there may be."""
    inside: list[int] = []
    tasks = [asyncio.create_task(_stay(room, inside)) for _ in range(9)]
    await _turn()
    fit = len(inside)
    for task in reversed(tasks):  # who waits first
        task.cancel()
    await asyncio.wait(tasks)
    return fit


async def _turn() -> None:
    """Let every task that can run do so once, and those that they wake."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_most_urgent_is_let_in_first_and_those_alike_in_their_order() -> None:
    room, order = Room(1), list[str]()
    async with asyncio.TaskGroup() as group, room.place(urgency=3):
        for name, urgency in (("info", 3), ("high", 1), ("critical", 0), ("high too", 1)):
            group.create_task(_enter(room, order, name, urgency=urgency))
        await _turn()
        assert order == []
    assert order == ["critical", "high", "high too", "info"]


async def test_as_many_as_there_are_places_are_in_at_a_time() -> None:
    room, order = Room(2), list[str]()
    async with asyncio.TaskGroup() as group, room.place(urgency=3) as waited, room.place(urgency=3):
        assert not waited
        group.create_task(_enter(room, order, "third", urgency=0))
        await _turn()
        assert order == []
    assert order == ["third"]


async def test_who_gives_up_waiting_takes_no_place_along() -> None:
    room, order = Room(1), list[str]()
    async with room.place(urgency=3):
        waiting = asyncio.create_task(_enter(room, order, "gave up", urgency=0))
        granted = asyncio.create_task(_enter(room, order, "gave up with its place", urgency=1))
        await _turn()
        waiting.cancel()
        await _turn()
    granted.cancel()  # the place is its own already
    await asyncio.wait([waiting, granted])
    await _enter(room, order, "next", urgency=3)
    assert order == ["next"]


@pytest.mark.parametrize("in_order", [list, reversed], ids=["holders first", "waiters first"])
async def test_those_inside_and_those_waiting_may_all_end_in_one_turn(
    in_order: Callable[[list[asyncio.Task[None]]], Iterable[asyncio.Task[None]]],
) -> None:
    room = Room(2)
    tasks = [asyncio.create_task(_stay(room, [])) for _ in range(6)]
    await _turn()
    for task in in_order(tasks):
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert await _fit(room) == 2


async def test_all_of_them_may_run_out_of_time_together() -> None:
    room = Room(2)

    async def all_of_them() -> None:
        async with asyncio.timeout(None) as ending, asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(_stay(room, []))
            await _turn()
            ending.reschedule(asyncio.get_running_loop().time())

    with pytest.raises(TimeoutError):
        await all_of_them()
    assert await _fit(room) == 2


async def test_a_place_given_to_who_ends_is_passed_over_those_who_end_with_it() -> None:
    room, inside = Room(1), list[int]()
    async with room.place(urgency=3):
        ending = [asyncio.create_task(_stay(room, [])) for _ in range(3)]
        staying = asyncio.create_task(_stay(room, inside))
        await _turn()
    for task in ending:  # the first has been given the place
        task.cancel()
    await asyncio.wait(ending)
    await _turn()
    assert all(task.cancelled() for task in ending)
    assert inside == [1]
    staying.cancel()
    await asyncio.wait([staying])
    assert await _fit(room) == 1
