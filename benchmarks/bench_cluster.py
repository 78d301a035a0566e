"""`make bench-cluster`: the scale-out relay on one host: latency, sustained rate, and what a second worker brings.

Every row starts a fresh cluster; receivers and load are processes of their own on the same cores.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select

from benchmarks.client import Client, Posted
from benchmarks.cluster import Stage, run_to_the_end, stage
from benchmarks.run import Row, percentile
from benchmarks.usage import Meter, Used, table
from benchmarks.workload import body, scattered
from services.storage.tables import receipts, verdicts

LAST: Final = Path(__file__).parent / "last-cluster.json"
_PLACES: Final = (("webhook", "load"),)
_WARM: Final = 100
_STRUCTURES: Final = 16  # of an alert that is dear to classify, none of them listed or seen before
_SETTLED_WITHIN: Final = 120.0  # seconds

Tell = Callable[[str], None]
Alert = tuple[str, str, bytes]  # national reference, country, JSON


async def latency(folder: Path, *, scale: float, tell: Tell) -> Row:
    """50 alerts a second, one recipient with one webhook, one process of each service."""
    count = max(50, int(3000 * scale))
    async with stage(folder, counts={}, places=_PLACES) as one:
        await _warm(one)
        meter = Meter(one.cluster)
        posted = await _pace(one, list(_alerts(count, prefix="LATENCY")), per_second=50)
        used = meter.used()
        await _settled(one, count + _WARM)
        log = await one.webhooks()
    sent = {post.name: post.sent_at for post in posted if post.status == 202}
    arrived = {entry["national_ref"]: entry["at"] for entry in reversed(log)}  # the first of each
    times = [(arrived[name] - at) * 1000 for name, at in sent.items() if name in arrived]
    middle, late = percentile(times, 0.5), percentile(times, 0.99)
    _tell_used(used, tell, alerts=count)
    return Row(
        "50 alerts/s, POST to webhook",
        f"p50 {middle:.1f} ms, p99 {late:.1f} ms, {len(times)} of {count}",
        "p50 ≤ 50 ms, p99 ≤ 250 ms",
        middle <= 50 and late <= 250 and len(times) == count,
        {"p50_ms": middle, "p99_ms": late, "delivered": len(times), "expected": count} | _figures(used),
    )


async def sustained(folder: Path, *, scale: float, tell: Tell) -> Row:
    """As many as 8 clients can post, each delivered to one webhook; two classify workers and two notifiers."""
    count = max(100, int(6000 * scale))
    counts = {"classify": 2, "notify": 2}
    async with stage(folder, counts=counts, places=_PLACES) as one:
        await _warm(one)
        alerts = list(_alerts(count, prefix="BURST"))
        meter, began_at = Meter(one.cluster), time.monotonic()
        posted = await _flood(one, alerts, connections=8)
        accepted_in = time.monotonic() - began_at
        tell(f"accepted {count} in {accepted_in:.0f} s")
        await _settled(one, count + _WARM)
        used = meter.used()
        log = [entry for entry in await one.webhooks() if str(entry["national_ref"]).startswith("BURST")]
    accepted = sum(1 for post in posted if post.status == 202)
    lost = accepted - len({entry["national_ref"] for entry in log})
    doubled = len({entry["id"] for entry in log}) - len({entry["national_ref"] for entry in log})
    rate = len(log) / (max(entry["at"] for entry in log) - began_at) if log else 0.0
    _tell_used(used, tell, alerts=count)
    return Row(
        f"burst of {count} from 8 clients",
        f"{rate:.0f} delivered/s, {lost} lost, {doubled} doubled, accepted at {count / accepted_in:.0f}/s",
        "0 lost, 0 doubled",
        lost == 0 and doubled == 0 and accepted == count,
        {"delivered_per_second": rate, "lost": lost, "accepted_per_second": count / accepted_in}
        | _figures(used),
    )


async def scaling(folder: Path, *, scale: float, tell: Tell) -> Row:
    """Alerts with structures that nobody has listed, waiting on the broker: one classify worker, then two."""
    count = max(40, int(1500 * scale))
    rates: dict[int, float] = {}
    figures: dict[str, float] = {}
    for workers in (1, 2):
        rates[workers], used = await _classified(folder / str(workers), workers=workers, count=count)
        tell(f"{workers} classify: {rates[workers]:.0f} alerts/s")
        _tell_used(used, tell, alerts=count)
        figures |= {f"{workers}_workers_{name}": value for name, value in _figures(used).items()}
    gain = rates[2] / rates[1]
    return Row(
        f"classify {_STRUCTURES} unlisted structures each",
        f"one worker {rates[1]:.0f}/s, two {rates[2]:.0f}/s ({gain:.2f} times)",
        "two above one",
        gain > 1,
        {"one_worker_per_second": rates[1], "two_workers_per_second": rates[2], "gain": gain} | figures,
    )


RUNS: Final[dict[str, Callable[..., Awaitable[Row]]]] = {
    "latency": latency,
    "sustained": sustained,
    "scaling": scaling,
}


async def main(names: Sequence[str], *, scale: float) -> int:
    """Run the named rows, print the table, write `last-cluster.json`; 0 if every budget was met."""
    rows: list[Row] = []
    began_at = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began_at:6.1f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory(prefix="relay-bench-cluster-") as folder:
        for name in names:
            tell(f"{name} …")
            rows.append(await RUNS[name](Path(folder) / name, scale=scale, tell=tell))
    for row in rows:
        print(f"{'ok  ' if row.met else 'MISS'}  {row.what:42} {row.measured:70} {row.budget}")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    taken = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine, "scale": scale}
    LAST.write_text(json.dumps({**taken, "rows": [asdict(row) for row in rows]}, indent=1), encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1


async def _classified(folder: Path, *, workers: int, count: int) -> tuple[float, dict[str, Used]]:
    """Return how many alerts a second `workers` decide of `count` that wait, and what each part used for that."""
    async with stage(folder, counts={"classify": workers}, places=()) as one:
        classify = [process for (name, _), process in one.cluster.processes.items() if name == "classify"]
        await asyncio.gather(*(process.stop() for process in classify))
        await _flood(one, list(_dear(count)), connections=8)
        for process in classify:
            await process.start()
        await asyncio.gather(*(process.ready() for process in classify))
        meter = Meter(one.cluster)
        ledger = one.open()
        try:
            deadline = time.monotonic() + _SETTLED_WITHIN + count / 10
            while await ledger.read(_pending) and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
            used = meter.used()
            decided = sorted(await ledger.read_slowly(_decided))
        finally:
            await ledger.close()
    first, last = len(decided) // 4, len(decided) * 3 // 4  # while every worker has work
    span = (decided[last] - decided[first]).total_seconds() if decided else 0.0
    return (last - first) / span if span else 0.0, used


def _pending(connection: Connection) -> int:
    waiting = select(func.count()).select_from(receipts).where(receipts.c.state == "pending")
    return connection.execute(waiting).scalar_one()


def _decided(connection: Connection) -> list[datetime]:
    return list(connection.execute(select(verdicts.c.decided_at)).scalars())


def _alerts(count: int, *, prefix: str, start: int = 0) -> Iterator[Alert]:
    for number in range(start, start + count):
        yield _named(json.loads(body(scattered(number), prefix=prefix)))


def _dear(count: int) -> Iterator[Alert]:
    """Yield alerts whose structures have to be read by the chemistry library, one by one: no two are the same."""
    for number in range(count):
        whole = json.loads(body(scattered(number), prefix="DEAR"))
        (finding,) = whole["findings"]
        (substance,) = finding["substances"]
        finding["substances"] = [
            substance | {"name": f"unlisted {number} {place}", "smiles": _drawn(number * _STRUCTURES + place)}
            for place in range(_STRUCTURES)
        ]
        yield _named(whole)


def _drawn(number: int) -> str:
    """Return a structure of its own for each number below 50,625: four chains, whose lengths write it in base 15."""
    one, two, three, four = ("C" * (1 + number // 15**place % 15) for place in range(4))
    return f"{one}OC(=O)c1ccc(O{two})c(c1)C(=O)Nc1cc({three})ccc1C(=O)O{four}"


def _named(whole: dict[str, Any]) -> Alert:
    text = json.dumps(whole, ensure_ascii=False).encode()
    return whole["national_ref"], whole["location"]["country"], text


async def _warm(one: Stage) -> None:
    alerts = list(_alerts(_WARM, prefix="WARM", start=500_000))  # other events than those that are measured
    await _flood(one, alerts, connections=2)
    await _settled(one, _WARM)


async def _settled(one: Stage, count: int) -> None:
    """Wait until `count` webhooks were taken, or nothing more comes."""
    seen, since = -1, time.monotonic()
    while (taken := await one.count()) < count and time.monotonic() - since < _SETTLED_WITHIN / 4:
        if taken != seen:
            seen, since = taken, time.monotonic()
        await asyncio.sleep(0.1)


async def _pace(one: Stage, alerts: Sequence[Alert], *, per_second: float) -> list[Posted]:
    """Post at an even rate, whatever the answers take."""
    clients = {country: await _client(one, country, connections=4) for country in one.keys}
    began_at = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number, (name, country, text) in enumerate(alerts):
            await asyncio.sleep(began_at + number / per_second - time.monotonic())
            tasks.append(group.create_task(clients[country].post(name, text)))
    for client in clients.values():
        client.close()
    return [task.result() for task in tasks]


async def _flood(one: Stage, alerts: Sequence[Alert], *, connections: int) -> list[Posted]:
    """Post all, `connections` at a time, as fast as they are answered."""
    clients = {country: await _client(one, country, connections=connections) for country in one.keys}
    waiting = iter(alerts)
    done: list[Posted] = []

    async def work() -> None:
        for name, country, text in waiting:
            done.append(await clients[country].post(name, text))

    await asyncio.gather(*(work() for _ in range(connections)))
    for client in clients.values():
        client.close()
    return done


async def _client(one: Stage, country: str, *, connections: int) -> Client:
    client = Client(one.port, path="/v1/alerts", key=one.keys[country], connections=connections)
    await client.open()
    return client


def _figures(used: dict[str, Used]) -> dict[str, float]:
    """Return what each part used as figures of a row."""
    figures: dict[str, float] = {}
    for name, one in used.items():
        figures[f"{name} cpu_percent"] = round(one.cpu_percent, 1)
        figures[f"{name} cpu_seconds"] = round(one.cpu_seconds, 2)
        figures[f"{name} memory_mb"] = round(one.memory_mb, 1)
    return figures


def _tell_used(used: dict[str, Used], tell: Tell, *, alerts: int) -> None:
    for line in table(used, alerts=alerts):
        tell(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*RUNS, []], help="which rows; all if none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full load")
    chosen = parser.parse_args()
    sys.exit(run_to_the_end(main(chosen.rows or list(RUNS), scale=chosen.scale)))
