"""Who waits for room is let in by urgency."""

import asyncio

from services.notify.channels.room import Room


async def _enter(room: Room, order: list[str], name: str, *, urgency: int) -> None:
    async with room.place(urgency=urgency):
        order.append(name)


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
    async with asyncio.TaskGroup() as group, room.place(urgency=3), room.place(urgency=3):
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
