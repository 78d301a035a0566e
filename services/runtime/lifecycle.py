"""Start and stop: the outermost task group, signals, the deadline for what is in flight.

Correctness never rests on a clean stop: whatever is cut short is repeated, and its ids absorb the repeat.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta

import structlog

from services.errors import Misconfigured, Transient

log = structlog.get_logger(__name__)

Loop = Callable[[asyncio.Event], Awaitable[None]]


async def run(
    loops: Sequence[tuple[str, Loop]], *, drain: timedelta, stop: asyncio.Event | None = None
) -> None:
    """Run all `loops` until SIGTERM, SIGINT or `stop`, then give them `drain` to finish.

    A loop that raises ends all the others, and the process with it: the supervisor starts it afresh from the
    last commit. What is still running after `drain` is cancelled. `Misconfigured` and `Transient` come out of the
    group as they are.
    """
    stop = stop or asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop.set)
    log.info("started", loops=[name for name, _ in loops])
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_named(name, loop, stop), name=name) for name, loop in loops]
            group.create_task(_limit(tasks, stop=stop, drain=drain), name="drain")
    except BaseExceptionGroup as faults:
        for fault in _single(faults):
            if isinstance(fault, Misconfigured | Transient):
                raise fault from None
        raise
    log.info("stopped")


def _single(faults: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield the faults of a group and of the groups in it."""
    for fault in faults.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            yield from _single(fault)
        else:
            yield fault


async def _named(name: str, loop: Loop, stop: asyncio.Event) -> None:
    await loop(stop)
    if not stop.is_set():
        raise RuntimeError(f"{name} ended by itself")


async def _limit(tasks: Sequence[asyncio.Task[None]], *, stop: asyncio.Event, drain: timedelta) -> None:
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    log.info("stopping", asked=stop.is_set())
    _, late = await asyncio.wait(tasks, timeout=drain.total_seconds())
    for task in late:
        log.warning("cut short", loop=task.get_name())
        task.cancel()


async def pause(stop: asyncio.Event, wait: timedelta) -> None:
    """Wait for `wait`, or until `stop` is set."""
    try:
        async with asyncio.timeout(
            wait.total_seconds()
        ):  # wait_for may swallow a cancellation before Python 3.12
            await stop.wait()
    except TimeoutError:
        return
