"""`relay demo`: the relay itself, real notifications, and who got what how fast.

What must arrive is `expected.toml`, written by hand; the demonstration fails where one notification is missing
or one arrives that nobody expects.
"""

import asyncio
import json
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from services.demo import expectations, scenario
from services.demo.cluster import Cluster
from services.demo.expectations import Expected
from services.demo.installation import Installation, Relay
from services.demo.scenario import Step
from services.demo.sinks import Arrival, Reading, Sinks
from services.errors import Misconfigured

_DIRECTORY = Path(__file__).parent / "directory.json"
_WAIT = 15.0  # seconds for what is expected; it takes milliseconds
_QUIET = 1.5  # seconds in which nothing more may come


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notification that arrived, at which step, and how long after the POST."""

    step: str
    arrival: Arrival
    reading: Reading
    milliseconds: float

    @property
    def as_expected(self) -> Expected:
        """The same as a line of the expectations."""
        one, reading = self.arrival, self.reading
        return Expected(self.step, one.recipient, one.channel, reading.language, reading.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the demonstration came to."""

    told: tuple[Told, ...]
    missing: tuple[Expected, ...]
    unexpected: tuple[Expected, ...]
    refused: tuple[str, ...]  # steps that were answered otherwise than they must be
    expected: int
    whereabouts: str  # of the ledger and the logs

    @property
    def passed(self) -> bool:
        """Whether every expected notification arrived, and no other."""
        return not (self.missing or self.unexpected or self.refused)


async def play(folder: Path, *, build: Callable[[Path, Mapping[str, str]], Relay]) -> Outcome:
    """Play the scenario, step by step, on the relay that `build` makes of a folder and settings."""
    sinks = Sinks(folder / "notifications")
    await sinks.open()
    directory = folder / "directory.json"
    webhooks = f"http://127.0.0.1:{sinks.webhook_port}"
    directory.write_text(
        _DIRECTORY.read_text(encoding="utf-8").replace("{webhooks}", webhooks), encoding="utf-8"
    )
    relay = build(folder, {"RELAY_EMAIL__PORT": str(sinks.mail_port)})
    try:
        keys = await relay.prepare(scenario.holders(), directory=directory)
        await relay.start()
        return await _steps(sinks, relay=relay, keys=keys)
    finally:
        await relay.close()
        await sinks.close()


def embedded(folder: Path, settings: Mapping[str, str]) -> Relay:
    """Return a relay of one process on one file."""
    return Installation(folder, settings=settings)


def cluster(folder: Path, settings: Mapping[str, str]) -> Relay:
    """Return a relay on PostgreSQL and Kafka, each service a process of its own."""
    return Cluster(folder, settings=settings)


async def _steps(sinks: Sinks, *, relay: Relay, keys: dict[str, str]) -> Outcome:
    expected = expectations.load()
    told: list[Told] = []
    refused: list[str] = []
    async with httpx.AsyncClient(base_url=relay.url, trust_env=False, timeout=30) as client:
        for step in scenario.steps():
            sinks.expect_sender(_organisation(step))
            first = len(sinks.arrivals)
            posted_at = time.monotonic()
            answer = await _post(client, step, key=keys[step.sender])
            if answer.status_code != step.status:
                refused.append(
                    f"{step.name}: {answer.status_code} instead of {step.status}: {answer.text[:500]}"
                )
            await _arrived(sinks, count=first + len(expected[step.name]))
            told += [_told(step, arrival, posted_at) for arrival in sinks.arrivals[first:]]
        before = len(sinks.arrivals)
        await asyncio.sleep(_QUIET)
        told += [_told(step, arrival, posted_at) for arrival in sinks.arrivals[before:]]
    wanted = [one for some in expected.values() for one in some]
    return _compare(told, expected=wanted, refused=refused, whereabouts=relay.whereabouts)


async def _post(client: httpx.AsyncClient, step: Step, *, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return await client.post("/v1/alerts", content=step.body, headers=headers)


async def _arrived(sinks: Sinks, *, count: int) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_WAIT):
            while len(sinks.arrivals) < count:
                sinks.arrived.clear()
                await sinks.arrived.wait()


def _told(step: Step, arrival: Arrival, posted_at: float) -> Told:
    milliseconds = (arrival.at - posted_at) * 1000
    return Told(step=step.name, arrival=arrival, reading=arrival.read(), milliseconds=milliseconds)


def _organisation(step: Step) -> str:
    return str(json.loads(step.body)["sender"]["organisation"])


def _compare(
    told: Sequence[Told], *, expected: Sequence[Expected], refused: Sequence[str], whereabouts: str
) -> Outcome:
    arrived = [one.as_expected for one in told]
    open_ones = list(expected)
    unexpected = []
    for one in arrived:
        if one in open_ones:
            open_ones.remove(one)
        else:
            unexpected.append(one)
    return Outcome(
        told=tuple(told),
        missing=tuple(sorted(open_ones)),
        unexpected=tuple(sorted(unexpected)),
        refused=tuple(refused),
        expected=len(expected),
        whereabouts=whereabouts,
    )


def report(outcome: Outcome, *, folder: Path, console: Console) -> None:
    """Print who got what, what is wrong, and the closing line."""
    console.print(_table(outcome.told))
    for label, entries in (("missing", outcome.missing), ("unexpected", outcome.unexpected)):
        for one in entries:
            console.print(
                f"{label}: {one.step}: {one.recipient} by {one.channel}, {one.language}, {one.content}"
            )
    for line in outcome.refused:
        console.print(f"answered otherwise: {line}", markup=False)
    console.print(f"saved emails and webhooks: {folder / 'notifications'}")
    console.print(outcome.whereabouts)
    times = sorted(one.milliseconds for one in outcome.told) or [0.0]
    p99 = times[min(len(times) - 1, round(0.99 * (len(times) - 1)))]
    console.print(
        f"demo: {outcome.expected} expected, {len(outcome.told)} delivered, {len(outcome.unexpected)} unexpected, "
        f"p50 {statistics.median(times):.1f} ms, p99 {p99:.1f} ms",
        highlight=False,
        soft_wrap=True,
    )


def _table(told: Iterable[Told]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("alert", "recipient", "language", "channel", "content"):
        table.add_column(column, no_wrap=True)
    table.add_column("ms", justify="right")
    table.add_column("subject", overflow="ellipsis", no_wrap=True)
    table.add_column("file", no_wrap=True)
    for one in told:
        arrival, reading = one.arrival, one.reading
        table.add_row(
            one.step,
            arrival.recipient,
            reading.language,
            arrival.channel,
            reading.content,
            f"{one.milliseconds:.0f}",
            reading.subject,
            arrival.where.name,
        )
    return table


def main(build: Callable[[Path, Mapping[str, str]], Relay] = embedded) -> int:
    """Run the demonstration and return the exit status: 0 only when all that was expected arrived."""
    place = Path(tempfile.mkdtemp(prefix="relay-demo-"))
    try:
        outcome = asyncio.run(_until_sigterm(play(place, build=build)))
    except Misconfigured:  # it says why; there is nothing to look at
        shutil.rmtree(place, ignore_errors=True)
        raise
    report(outcome, folder=place, console=Console(width=None if Console().is_terminal else 200))
    return 0 if outcome.passed else 1


async def _until_sigterm(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Let SIGTERM end the work as Ctrl-C does: what it started is ended with it."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
