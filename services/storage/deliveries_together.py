"""Routing together what is asked for in one moment: one unit of work shares its statements among many messages."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.errors import Invalid, Transient
from services.storage.delivery_records import Routed

Answer = Routed | Invalid
Wanted = Sequence[tuple[str, datetime]]  # messages, each with the time of its asking


@dataclass(frozen=True, slots=True)
class _Asked:
    message_id: str
    now: datetime
    answer: asyncio.Future[Routed]

    def settle(self, answer: Answer | BaseException) -> None:
        if self.answer.done():  # whoever asked was cancelled; what was routed stands
            return
        if isinstance(answer, Routed):
            self.answer.set_result(answer)
        else:
            self.answer.set_exception(answer)


class Together:
    """Routes what was asked for since the loop last turned, in the order asked.

    ``route_all`` does it in one unit of work and returns one answer each.
    """

    def __init__(self, route_all: Callable[[Wanted], Awaitable[list[Answer]]]) -> None:
        self._route_all = route_all
        self._asked: list[_Asked] = []
        self._running: set[asyncio.Task[None]] = set()

    async def route(self, message_id: str, *, now: datetime) -> Routed:
        """Route one message, with others where there are any; a fault of theirs is not its own."""
        loop = asyncio.get_running_loop()
        asked = _Asked(message_id, now, loop.create_future())
        self._asked.append(asked)
        if len(self._asked) == 1:
            task = loop.create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await asked.answer

    async def _run(self) -> None:
        asked, self._asked = self._asked, []
        try:
            await self._attempt(asked)
        except Exception as fault:  # noqa: BLE001  # whatever a unit raises belongs to whoever asked for it
            if isinstance(fault, Transient) or len(asked) == 1:
                for one in asked:
                    one.settle(fault)
                return
            for one in asked:  # one of them cannot be routed: the others must not pay for it
                await self._alone(one)

    async def _alone(self, one: _Asked) -> None:
        try:
            await self._attempt([one])
        except Exception as fault:  # noqa: BLE001  # as above
            one.settle(fault)

    async def _attempt(self, asked: Sequence[_Asked]) -> None:
        wanted = [(one.message_id, one.now) for one in asked]
        answers = await self._route_all(wanted)
        for one, answer in zip(asked, answers, strict=True):
            one.settle(answer)
