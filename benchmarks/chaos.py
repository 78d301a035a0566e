"""`make chaos`: processes, broker and database are broken at random under load; then every alert is accounted for.

The relay runs in the scale-out mode, each service as supervised processes of its own, the receivers too. What a
round does is drawn from the seed beforehand (`chaos_faults`), what is posted in `chaos_load`; `chaos_account` says
what lost, doubled and re-sent mean, `chaos_replay` how verdicts are compared with those of an undisturbed run.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmarks.chaos_account import EMAIL, WEBHOOK, Account, disordered, heard, kept, settle
from benchmarks.chaos_faults import COUNTS, OF_THE_BROKER, Round, plan, strike
from benchmarks.chaos_load import Load
from benchmarks.chaos_replay import differences
from benchmarks.cluster import Stage, run_to_the_end, stage
from services.demo.cluster import Cluster
from services.errors import Misconfigured

BETWEEN: Final = (3.0, 9.0)  # seconds
_WARM: Final = 3.0  # seconds of load before the first round
_DRAINED_AT_MOST: Final = 240.0  # seconds; then the run is told as it stands
_AT_REST: Final = 3.0  # seconds more: whatever would come twice comes now
_LOOK_EVERY: Final = 0.5
_WAITING: Final = """
SELECT (SELECT count(*) FROM receipts WHERE state IN ('pending', 'held')),
       (SELECT count(*) FROM verdicts WHERE routed_at IS NULL),
       (SELECT count(*) FROM notifications WHERE state IN ('pending', 'claimed')),
       (SELECT count(*) FROM outbox WHERE published_at IS NULL)
"""

Tell = Callable[[str], None]


async def run(
    rounds: Sequence[Round],
    *,
    seed: int,
    folder: Path,
    per_second: float,
    between: tuple[float, float] = BETWEEN,
    tell: Tell = lambda _: None,
) -> Account:
    """Do what `rounds` says under load and account for what was accepted; `tell` is told how it goes.

    `between` bounds the seconds from the end of a round to the next.
    """
    dice = random.Random(seed)
    pauses = [dice.uniform(*between) for _ in rounds]
    account = Account(rounds=len(rounds))
    async with stage(folder, counts=COUNTS, places=(WEBHOOK, EMAIL), supervised=True) as one:
        load = Load(port=one.port, keys=one.keys, per_second=per_second, dice=random.Random(seed + 1))
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            posting = group.create_task(load.run(stop))
            await asyncio.sleep(_WARM)
            outages = await _rounds(one, rounds, load=load, pauses=pauses, tell=tell)
            stop.set()
            last_fault_at = time.monotonic()
            await posting
        account.drained_after = await _drained(one.cluster, since=last_fault_at, tell=tell)
        _tell_availability(load, outages, tell)
        await asyncio.sleep(_AT_REST)
        await _account(one, account, load=load, tell=tell)
    return account


async def _rounds(
    one: Stage, rounds: Sequence[Round], *, load: Load, pauses: Sequence[float], tell: Tell
) -> list[tuple[float, float]]:
    """Do all rounds; return when the broker was away and nothing else was."""
    outages: list[tuple[float, float]] = []
    for number, faults in enumerate(rounds, start=1):
        tell(f"round {number}: {', '.join(map(str, faults))}")
        began_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(strike(one.cluster, fault))
        if all(fault.kind in OF_THE_BROKER for fault in faults):
            outages.append((began_at, time.monotonic()))
        with suppress(Misconfigured):
            tell(f"  accepted {len(load.accepted)}; {_told(await _waiting(one.cluster))}")
        if number < len(rounds):
            await asyncio.sleep(pauses[number])
    return outages


async def _waiting(cluster: Cluster) -> tuple[int, ...]:
    """Return what waits: messages to be classified and routed, notifications to be sent, records to be published."""
    said = await asyncio.to_thread(cluster.postgresql.execute, _WAITING, database="relay")
    return tuple(map(int, said.split("|")))


def _told(waiting: tuple[int, ...]) -> str:
    what = ("to classify", "to route", "to send", "to publish")
    return "waiting: " + ", ".join(f"{count} {one}" for count, one in zip(waiting, what, strict=True))


async def _drained(cluster: Cluster, *, since: float, tell: Tell) -> float | None:
    """Wait until nothing waits; return how long after `since` (CLOCK_MONOTONIC) that was."""
    looked = 0
    while time.monotonic() - since < _DRAINED_AT_MOST:
        with suppress(Misconfigured):
            waiting = await _waiting(cluster)
            if not any(waiting):
                tell(f"drained {time.monotonic() - since:.1f} s after the last fault")
                return time.monotonic() - since
            if looked % 10 == 0:
                tell(f"  {_told(waiting)}")
        looked += 1
        await asyncio.sleep(_LOOK_EVERY)
    return None


def _tell_availability(load: Load, outages: Sequence[tuple[float, float]], tell: Tell) -> None:
    if not outages:
        return
    posts, refused, longest = load.availability(outages)
    spent = sum(ended - began for began, ended in outages)
    tell(
        f"while only the broker was away ({spent:.0f} s): {posts} posts, {refused} refused, "
        f"longest time without a 202 {longest:.2f} s"
    )


async def _account(one: Stage, account: Account, *, load: Load, tell: Tell) -> None:
    webhooks, mails = await one.webhooks(), await one.mails()
    account.disordered = disordered(webhooks, mails)
    account.faults += load.faults
    ledger = one.open()
    try:
        stood = await ledger.read_slowly(kept)
        settle(account, accepted=load.accepted, told=heard(webhooks, mails), ledger=stood)
        tell(f"accepted {account.accepted} (and {load.copies} copies); they are decided again, undisturbed")
        account.different = await differences(ledger, one.cluster.folder, told=tell)
    finally:
        await ledger.close()


def main() -> int:
    """Run as the command line says; 0 if every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--per-second", type=float, default=100.0)
    parser.add_argument(
        "--keep", type=Path, help="folder for the processes' logs; by default they are dropped"
    )
    chosen = parser.parse_args()
    rounds = plan(chosen.rounds, dice=random.Random(chosen.seed))
    began_at = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began_at:6.1f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory(prefix="relay-chaos-") as place:
        folder = chosen.keep or Path(place)
        outcome = run_to_the_end(
            run(rounds, seed=chosen.seed, folder=folder, per_second=chosen.per_second, tell=tell)
        )
    complaints = outcome.complaints()
    for complaint in complaints[:40]:
        print(complaint[:600])
    if complaints[40:]:
        print(f"and {len(complaints) - 40} more")
    print(outcome.closing_line())
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
