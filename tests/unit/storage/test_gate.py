"""So many at a time, the urgent first, and nobody waits for ever."""

import asyncio
from datetime import timedelta

import pytest

from services.errors import Transient
from services.storage.gate import Gate

LONG = timedelta(minutes=1)


class Visitors:
    """Callers of one gate, each staying until it is told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[str] = []
        self._leave: dict[str, asyncio.Event] = {}

    async def come(self, name: str, *, first: bool = False) -> asyncio.Task[None]:
        """Let one come; return once it is inside or waits."""
        self._leave[name] = asyncio.Event()
        task = asyncio.create_task(self._visit(name, first=first))
        await asyncio.sleep(0)
        return task

    async def leave(self, name: str) -> None:
        """Let one go, and who comes next in."""
        self._leave[name].set()
        for _ in range(5):
            await asyncio.sleep(0)

    async def _visit(self, name: str, *, first: bool) -> None:
        async with self.gate.place(first=first):
            self.inside.append(name)
            await self._leave[name].wait()


async def test_the_urgent_go_first_and_each_kind_in_its_order() -> None:
    visitors = Visitors(Gate(1, most_waiting=10, patience=LONG))
    tasks = [
        await visitors.come(name, first=name.startswith("urgent"))
        for name in ("a", "b", "urgent 1", "c", "urgent 2")
    ]
    for name in ("a", "urgent 1", "urgent 2", "b", "c"):
        await visitors.leave(name)
    await asyncio.gather(*tasks)
    assert visitors.inside == ["a", "urgent 1", "urgent 2", "b", "c"]


async def test_a_crowd_of_the_urgent_leaves_the_others_one_place_in_four() -> None:
    visitors = Visitors(Gate(1, most_waiting=20, patience=LONG))
    urgent = [f"urgent {number}" for number in range(1, 8)]
    tasks = [await visitors.come(name, first=name in urgent) for name in ("a", "b", "c", *urgent)]
    expected = ["a", *urgent[:3], "b", *urgent[3:6], "c", urgent[6]]
    for name in expected:
        await visitors.leave(name)
    await asyncio.gather(*tasks)
    assert visitors.inside == expected


async def test_no_more_than_the_places_are_inside() -> None:
    visitors = Visitors(Gate(2, most_waiting=10, patience=LONG))
    tasks = [await visitors.come(name) for name in "abc"]
    assert visitors.inside == ["a", "b"]
    for name in "abc":
        await visitors.leave(name)
    await asyncio.gather(*tasks)


async def test_who_finds_the_queue_full_is_sent_away() -> None:
    visitors = Visitors(Gate(1, most_waiting=1, patience=LONG))
    tasks = [await visitors.come(name) for name in "ab"]
    with pytest.raises(Transient):
        await (await visitors.come("c"))
    for name in "ab":
        await visitors.leave(name)
    await asyncio.gather(*tasks)


async def test_who_waits_too_long_is_sent_away_and_the_next_still_comes_in() -> None:
    visitors = Visitors(Gate(1, most_waiting=10, patience=timedelta(milliseconds=20)))
    inside = await visitors.come("a")
    with pytest.raises(Transient):
        await (await visitors.come("b"))
    await visitors.leave("a")
    await inside
    late = await visitors.come("c")
    await visitors.leave("c")
    await late
    assert visitors.inside == ["a", "c"]


@pytest.mark.parametrize("waits", [0, 1])
async def test_who_is_cancelled_takes_no_place_with_it(waits: int) -> None:
    visitors = Visitors(Gate(1, most_waiting=10, patience=LONG))
    tasks = [await visitors.come(name) for name in "ab"]
    tasks[waits].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[waits]
    await visitors.leave("ab"[1 - waits])
    await tasks[1 - waits]
    last = await visitors.come("c")
    await visitors.leave("c")
    await last
    assert visitors.inside[-1] == "c"


async def test_who_is_cancelled_in_the_moment_of_its_turn_hands_it_on() -> None:
    visitors = Visitors(Gate(1, most_waiting=10, patience=LONG))
    first, second, third = [await visitors.come(name) for name in "abc"]
    visitors._leave["a"].set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await first
    await visitors.leave("c")
    await third
    assert visitors.inside[-1] == "c"
