"""A process ends with the fault that an operator or a supervisor can do something about."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from services.errors import Misconfigured, Transient
from services.runtime.lifecycle import run

DRAIN = timedelta(seconds=1)


async def patient(stop: asyncio.Event) -> None:
    await stop.wait()


@pytest.mark.parametrize("fault", [Misconfigured("RELAY_HTTP__PORT", "taken"), Transient("away")])
async def test_an_expected_fault_comes_out_as_it_is_however_deep_it_happens(fault: Exception) -> None:
    async def deep(_stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(broken())

    async def broken() -> None:
        raise fault

    with pytest.raises(type(fault)):
        await run([("patient", patient), ("deep", deep)], drain=DRAIN)


async def test_a_fault_of_ours_keeps_its_group() -> None:
    async def broken(_stop: asyncio.Event) -> None:
        raise ValueError("broken")

    with pytest.raises(ExceptionGroup) as caught:
        await run([("patient", patient), ("broken", broken)], drain=DRAIN)
    assert caught.group_contains(ValueError)


async def test_a_loop_that_ends_by_itself_ends_the_process() -> None:
    async def short(_stop: asyncio.Event) -> None:
        return

    with pytest.raises(ExceptionGroup, match="unhandled") as caught:
        await run([("patient", patient), ("short", short)], drain=DRAIN)
    assert caught.group_contains(RuntimeError, match="short ended by itself")


async def test_what_does_not_stop_in_time_is_cut_short() -> None:
    stop, cancelled = asyncio.Event(), asyncio.Event()

    async def stubborn(_stop: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    stop.set()
    await run([("stubborn", stubborn)], drain=timedelta(milliseconds=10), stop=stop)
    assert cancelled.is_set()


async def test_a_start_and_a_stop_are_written_down() -> None:
    stop = asyncio.Event()
    stop.set()
    with capture_logs() as written:
        await run([("patient", patient)], drain=DRAIN, stop=stop)
    assert [one["event"] for one in written] == ["started", "stopping", "stopped"]
    assert written[0]["loops"] == ["patient"]
    assert written[1]["asked"]
