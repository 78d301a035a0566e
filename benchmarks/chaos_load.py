"""The load of a chaos run: new alerts, new versions of earlier ones, copies; posted until they are answered."""

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from benchmarks.client import Client, Posted
from benchmarks.workload import body, scattered

PREFIX: Final = "CHAOS"
Name = tuple[str, int]  # national reference and version
_COPIES: Final = 0.08  # of all posts
_NEW_VERSIONS: Final = 0.14
_AT_ONCE: Final = 0.2  # of the new versions: right behind what was just posted, answered or not
_MOST_VERSIONS: Final = 4
_RECENT: Final = 2000  # alerts that may get a new version
_MOST_WAITING: Final = 200  # posts without an answer; then the senders wait
_AGAIN: Final = 0.1  # seconds before a post that got no answer is posted again
_PATIENCE: Final = 10.0  # seconds for an answer, as a sender has it


def alert(number: int, version: int) -> tuple[str, bytes]:
    """Return country and JSON of a version of alert `number`; its text says which it is.

    The second is an update, the third a correction, and so on.
    """
    whole: dict[str, Any] = json.loads(body(scattered(number), prefix=PREFIX, version=version))
    whole["national_ref"] = _reference(number)
    whole["summary"] = f"{_reference(number)} version {version}. {whole['summary']}"
    if version > 1 and version % 2 == 0:
        whole |= {"message_type": "update", "update_reason": "situation_report"}
    elif version > 1:
        whole["message_type"] = "correction"
        whole["findings"][0]["substances"][0]["confirmation"] = "presumptive_lab"
    return whole["location"]["country"], json.dumps(whole, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Try:
    """One post: when it began and was answered (CLOCK_MONOTONIC), and how; 0 = not at all."""

    began_at: float
    ended_at: float
    status: int


@dataclass(slots=True, kw_only=True)
class Load:
    """Posts at an even rate to one port; what got no answer is posted again until it has one, as a sender would."""

    port: int
    keys: Mapping[str, str]  # by country
    per_second: float
    dice: random.Random
    accepted: set[Name] = field(default_factory=set)
    copies: int = 0
    faults: list[str] = field(default_factory=list)  # answers that must not be
    tries: list[Try] = field(default_factory=list)
    _versions: list[int] = field(default_factory=list)  # newest posted, by number
    _idle: dict[str, list[Client]] = field(default_factory=dict)  # connections by country

    async def run(self, stop: asyncio.Event) -> None:
        """Post until `stop`, then wait for the answers."""
        gate = asyncio.Semaphore(_MOST_WAITING)
        due_at = time.monotonic()
        async with asyncio.TaskGroup() as posts:
            while not stop.is_set():
                await asyncio.sleep(due_at - time.monotonic())
                await gate.acquire()
                # after an outage the rate goes on; what was not posted meanwhile is not made up for
                due_at = max(due_at, time.monotonic() - 1) + 1 / self.per_second
                task = posts.create_task(self._insist(*self._next()))
                task.add_done_callback(lambda _: gate.release())
        for idle in self._idle.values():
            for client in idle:
                client.close()

    def availability(self, windows: Sequence[tuple[float, float]]) -> tuple[int, int, float]:
        """Return how many posts were made in these spans, how many badly, and the longest time without a good one."""
        ended = refused = 0
        longest = 0.0
        for began_at, ended_at in windows:
            within = [one for one in self.tries if began_at <= one.began_at and one.ended_at <= ended_at]
            good = sorted(one.ended_at for one in within if one.status in (200, 202))
            ended += len(within)
            refused += len(within) - len(good)
            marks = [began_at, *good, ended_at]
            longest = max(longest, *(later - one for one, later in pairwise(marks)))
        return ended, refused, longest

    def _next(self) -> tuple[int, int, bool]:
        """Return number and version of what is posted next, and whether it was before."""
        roll, newest = self.dice.random(), len(self._versions) - 1
        if newest >= 0 and roll < _COPIES + _NEW_VERSIONS:
            number = self.dice.randint(max(0, newest - _RECENT), newest)
            if self.dice.random() < _AT_ONCE:
                number = newest
            version = self._versions[number]
            if roll < _COPIES:
                if (_reference(number), version) in self.accepted:
                    return number, version, True
            elif version < _MOST_VERSIONS:
                self._versions[number] += 1
                return number, version + 1, False
        self._versions.append(1)
        return newest + 1, 1, False

    async def _insist(self, number: int, version: int, copy: bool) -> None:
        country, content = alert(number, version)
        name = (_reference(number), version)
        while True:
            status = await self._try(country, content)
            if status in (200, 202):
                if copy and status == 202:
                    self.faults.append(f"{name} was taken twice")
                self.copies += copy
                self.accepted.add(name)
                return
            if 0 < status < 500 and status != 429:
                self.faults.append(f"{name} was answered {status}")
                return
            await asyncio.sleep(_AGAIN)

    async def _try(self, country: str, content: bytes) -> int:
        began_at, status = time.monotonic(), 0
        with suppress(OSError, TimeoutError):
            status = (await asyncio.wait_for(self._post(country, content), _PATIENCE)).status
        self.tries.append(Try(began_at, time.monotonic(), status))
        return status

    async def _post(self, country: str, content: bytes) -> Posted:
        idle = self._idle.setdefault(country, [])
        while idle and not idle[-1].is_open():
            idle.pop()
        if idle:
            client = idle.pop()
        else:
            client = Client(self.port, path="/v1/alerts", key=self.keys[country], connections=1)
            await client.open()
        posted = await client.post("", content)
        idle.append(client)
        return posted


def _reference(number: int) -> str:
    return f"{PREFIX}-{number:06}"
