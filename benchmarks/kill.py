"""`make kill`: `kill -9` at random instants under load, then an account of every alert, id by id.

Doubled and re-sent are counted in the receivers' own logs, by what the message says: a second success for the
same alert version, occasion, recipient and channel under another id (doubled), or under the same id (re-sent).
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.client import Client, Posted
from benchmarks.load import Rig, rig
from benchmarks.workload import body

_PER_SECOND = 120
_QUIET = 30.0  # seconds without another delivery: nothing more comes
_AGAIN = 0.05  # before a post that got no answer is posted again


@dataclass(slots=True)
class Account:
    """What the run came to."""

    rounds: int = 0
    accepted: set[str] = field(default_factory=set)
    classified: int = 0
    lost: set[str] = field(default_factory=set)
    doubled: int = 0
    resent: int = 0
    delivered: int = 0

    def closing_line(self) -> str:
        """The last line that the run prints."""
        return (
            f"kill: rounds {self.rounds}, accepted {len(self.accepted)}, classified {self.classified}, "
            f"lost {len(self.lost)}, doubled {self.doubled}, re-sent {self.resent}"
        )

    @property
    def passed(self) -> bool:
        """Nothing lost, nothing doubled, re-sent below 1 %."""
        few = self.resent < max(1, self.delivered) * 0.01
        return not self.lost and not self.doubled and few and self.classified == len(self.accepted)


async def run(*, rounds: int, seed: int, folder: Path, per_second: int = _PER_SECOND) -> Account:
    """Kill the relay `rounds` times under load and account for what it had accepted."""
    dice = random.Random(seed)
    account = Account()
    async with rig(folder, mail=True) as one:
        stop = asyncio.Event()
        posting = asyncio.create_task(_post(one, account, per_second=per_second, stop=stop))
        for _ in range(rounds):
            await asyncio.sleep(0.2 + dice.random() * 1.3)
            await one.relay.kill()
            account.rounds += 1
            await one.relay.start()
        await asyncio.sleep(1)
        stop.set()
        await posting
        await _drained(one, account)
        await _compare(one, account)
    return account


async def _post(one: Rig, account: Account, *, per_second: int, stop: asyncio.Event) -> None:
    """Post at an even rate; what got no answer is posted again until it has one, as a sender would."""
    began = time.monotonic()
    number = 0
    tasks: set[asyncio.Task[None]] = set()
    pool = _Pool(one)
    while not stop.is_set():
        await asyncio.sleep(began + number / per_second - time.monotonic())
        name = f"KILL-{number:06}"
        task = asyncio.create_task(_insist(pool, name, body(number, prefix="KILL"), account))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        number += 1
    await asyncio.gather(*tasks)
    pool.close()


async def _insist(pool: "_Pool", name: str, alert: bytes, account: Account) -> None:
    while True:
        with suppress(OSError):
            posted = await pool.post(name, alert)
            if posted.status in (200, 202):
                account.accepted.add(name)
                return
            if posted.status < 500 and posted.status != 429:
                raise RuntimeError(f"{name} was answered {posted.status}")
        await asyncio.sleep(_AGAIN)


class _Pool:
    """One connection a request: a killed server leaves no broken ones behind."""

    def __init__(self, one: Rig) -> None:
        self._rig = one
        self._idle: list[Client] = []

    async def post(self, name: str, alert: bytes) -> Posted:
        client = self._idle.pop() if self._idle else await self._rig.client(connections=1)
        posted = await asyncio.wait_for(client.post(name, alert), 5)
        self._idle.append(client)
        return posted

    def close(self) -> None:
        for client in self._idle:
            client.close()


async def _drained(one: Rig, account: Account) -> None:
    """Wait until everything is there, or nothing more has come for `_QUIET` seconds."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < _QUIET:
        webhooks, mails = await one.count(), await one.count_of_mails()
        if min(webhooks, mails) >= len(account.accepted):
            await asyncio.sleep(2)  # whatever would come twice comes now
            if (webhooks, mails) == (await one.count(), await one.count_of_mails()):
                return
        if webhooks + mails != seen:
            seen, since = webhooks + mails, time.monotonic()
        await asyncio.sleep(1)


async def _compare(one: Rig, account: Account) -> None:
    webhooks = [entry for entry in await one.log() if entry["status"] == 204]
    mails = await one.mails()
    account.delivered = len(webhooks) + len(mails)
    told: dict[tuple[object, ...], list[object]] = defaultdict(list)
    for entry in webhooks:
        told["webhook", entry["path"], entry["national_ref"], entry["version"], entry["occasion"]].append(
            entry["id"]
        )
    for entry in mails:  # the subject says which alert: each load alert has its own relay id or markings
        told["email", tuple(entry["to"]), entry["about"], "issue"].append(entry["id"])
    for ids in told.values():
        account.doubled += len(set(ids)) - 1
        account.resent += len(ids) - len(set(ids))
    hooked = {str(entry["national_ref"]) for entry in webhooks}
    relay_ids = {str(entry["national_ref"]): entry["relay_id"] for entry in webhooks}
    mailed = {entry["about"] for entry in mails}
    account.lost = {ref for ref in account.accepted if ref not in hooked or relay_ids[ref] not in mailed}
    with sqlite3.connect(f"file:{one.relay.ledger}?mode=ro", uri=True) as ledger:
        account.classified = ledger.execute(
            "SELECT count(*) FROM receipts WHERE state = 'classified' AND national_ref LIKE 'KILL-%'"
        ).fetchone()[0]
        verdicts = ledger.execute("SELECT count(*) FROM verdicts WHERE revision = 0").fetchone()[0]
    if verdicts != account.classified:
        raise RuntimeError(f"{verdicts} first verdicts for {account.classified} messages")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20261121)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="relay-kill-") as place:
        outcome = asyncio.run(run(rounds=chosen.rounds, seed=chosen.seed, folder=Path(place)))
    for name in sorted(outcome.lost)[:20]:
        print(f"lost: {name}")
    print(outcome.closing_line())
    sys.exit(0 if outcome.passed else 1)
