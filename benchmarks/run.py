"""`make bench`: the budgets of the embedded relay, each on a fresh ledger, beside a floor in the same run."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.load import Target, floor, rig, tell
from benchmarks.workload import bodies

Start = Callable[..., AbstractAsyncContextManager[Target]]

LAST = Path(__file__).parent / "last.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    budget: str
    met: bool
    figures: dict[str, float]
    floor: str = "-"  # the same load on the floor, in the same run


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


async def steady(folder: Path, *, scale: float, start: Start = rig) -> Row:
    """100 alerts a second, one recipient with one webhook."""
    count = int(6000 * scale)
    async with start(folder) as one:
        await _warm(one)
        client = await one.client(connections=16)
        posted = await client.pace(bodies(count, prefix="STEADY"), per_second=100)
        await one.settled(count + WARM, within=20)
        times = _latencies(posted, await one.log())
    return _latency_row("100 alerts/s, POST to webhook", times, expected=count, p50=5, p99=20)


async def fan_out(folder: Path, *, scale: float, start: Start = rig) -> Row:
    """20 alerts a second to 30 recipients."""
    count = int(400 * scale)
    async with start(folder, recipients=30) as one:
        await _warm(one)
        client = await one.client(connections=16)
        posted = await client.pace(bodies(count, prefix="FAN"), per_second=20)
        await one.settled((count + WARM) * 30, within=20)
        times = _latencies(posted, await one.log())
    return _latency_row("fan-out 30 at 20 alerts/s", times, expected=count * 30, p50=None, p99=100)


async def burst(folder: Path, *, scale: float, start: Start = rig) -> Row:
    """As many as 8 clients can post, each delivered to one webhook."""
    count = int(10_000 * scale)
    async with start(folder) as one:
        await _warm(one)
        client = await one.client(connections=8)
        began = time.monotonic()
        posted = await client.flood(bodies(count, prefix="BURST"))
        accepted_in = time.monotonic() - began
        await one.settled(count + WARM, within=60)
        log = [entry for entry in await one.log() if str(entry["national_ref"]).startswith("BURST")]
    accepted = sum(1 for post in posted if post.status == 202)
    rate = len(log) / (max(entry["at"] for entry in log) - began)
    lost = accepted - len({entry["national_ref"] for entry in log})
    return Row(
        f"burst of {count} from 8 clients",
        f"{rate:.0f} delivered/s, {lost} lost, accepted at {count / accepted_in:.0f}/s",
        "≥ 800/s, 0 lost",
        rate >= 800 and lost == 0 and accepted == count,
        {"delivered_per_second": rate, "lost": lost, "accepted_per_second": count / accepted_in},
    )


async def accept(folder: Path, *, scale: float, start: Start = rig) -> Row:
    """Durable accepts of different alerts."""
    count = int(20_000 * scale)
    alerts = list(bodies(count, prefix="ACCEPT"))
    async with start(folder, recipients=0) as one:
        await _warm(one)
        client = await one.client(connections=64)
        began = time.monotonic()
        posted = await client.flood(alerts)
        rate = len([post for post in posted if post.status == 202]) / (time.monotonic() - began)
    refused = sum(1 for post in posted if post.status != 202)
    return Row(
        "durable accepts (202)",
        f"{rate:.0f}/s, {refused} refused",
        "≥ 3,000/s",
        rate >= 3000 and refused == 0,
        {"accepted_per_second": rate},
    )


async def copies(folder: Path, *, scale: float) -> Row:
    """Each alert posted 5 times; 18 % of first attempts are answered 503."""
    count = int(1000 * scale)
    async with rig(folder) as one:
        await tell(f"{one.receiver}/refuse?percent=18&seed=7")
        client = await one.client(connections=8)
        five = [(name, alert) for name, alert in bodies(count, prefix="COPY") for _ in range(5)]
        posted = await client.flood(five)
        await one.settled(count, within=60)
        await asyncio.sleep(3)
        log = await one.log()
    taken = [entry["id"] for entry in log if entry["status"] == 204]
    extra = len(taken) - len(set(taken)) + max(0, len(set(taken)) - count)
    lost = count - len({entry["national_ref"] for entry in log if entry["status"] == 204})
    new = sum(1 for post in posted if post.status == 202)
    return Row(
        f"{count} alerts × 5 copies, 18 % 503",
        f"{extra} extra, {lost} lost, {len(log) - len(taken)} refused and repeated, {new} new",
        "0 extra, 0 lost",
        extra == 0 and lost == 0 and new == count,
        {"extra": extra, "lost": lost},
    )


async def idle(folder: Path, *, scale: float) -> Row:  # noqa: ARG001  # same form as the others
    """Second start to ready, and what the idle relay holds."""
    async with rig(folder) as one:
        await one.relay.stop()
        began = time.monotonic()
        await one.relay.start()
        ready = time.monotonic() - began
        await asyncio.sleep(1)
        resident = _resident(one.relay.pid)
    return Row(
        "second start, idle",
        f"ready in {ready:.2f} s, {resident:.0f} MB resident",
        "≤ 2 s, ≤ 200 MB",
        ready <= 2 and resident <= 200,
        {"ready_s": ready, "resident_mb": resident},
    )


WARM = 50
RUNS: dict[str, Callable[..., Awaitable[Row]]] = {
    "idle": idle,
    "steady": steady,
    "fan_out": fan_out,
    "burst": burst,
    "accept": accept,
    "copies": copies,
}
BESIDE_A_FLOOR = {"steady", "fan_out", "burst", "accept"}


async def main(names: Sequence[str], *, scale: float) -> int:
    """Run the named rows, print the table, write `last.json`; 0 if every budget was met."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        for name in names:
            row = await RUNS[name](Path(folder) / name, scale=scale)
            if name in BESIDE_A_FLOOR:
                beside = await RUNS[name](Path(folder) / "floor" / name, scale=scale, start=floor)
                row = replace(row, floor=beside.measured)
            verdict = "ok  " if row.met else "MISS"
            print(
                f"{verdict}  {row.what:34} {row.measured:54} {row.budget:26} floor: {row.floor}", flush=True
            )
            rows.append(row)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    LAST.write_text(
        json.dumps(
            {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": machine,
                "scale": scale,
                "rows": [asdict(row) for row in rows],
            },
            indent=1,
        )
    )
    return 0 if all(row.met for row in rows) else 1


async def _warm(one: Target) -> None:
    client = await one.client(connections=2)
    await client.flood(bodies(WARM, prefix="WARM", start=900_000))
    await asyncio.sleep(1)
    client.close()


def _latencies(posted: Sequence[object], log: Sequence[dict[str, object]]) -> list[float]:
    sent = {post.name: post.sent_at for post in posted if post.status == 202}  # type: ignore[attr-defined]
    return [
        (entry["at"] - sent[entry["national_ref"]]) * 1000  # type: ignore[operator,index]
        for entry in log
        if entry["national_ref"] in sent
    ]


def _latency_row(what: str, times: list[float], *, expected: int, p50: float | None, p99: float) -> Row:
    middle, late = percentile(times, 0.5), percentile(times, 0.99)
    met = len(times) == expected and late <= p99 and (p50 is None or middle <= p50)
    budget = f"p99 ≤ {p99} ms" if p50 is None else f"p50 ≤ {p50} ms, p99 ≤ {p99} ms"
    return Row(
        what,
        f"p50 {middle:.1f} ms, p99 {late:.1f} ms, {len(times)} of {expected}",
        budget,
        met,
        {"p50_ms": middle, "p99_ms": late, "delivered": len(times), "expected": expected},
    )


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*RUNS, []], help="which rows; all if none is named")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full load")
    chosen = parser.parse_args()
    sys.exit(asyncio.run(main(chosen.rows or list(RUNS), scale=chosen.scale)))
