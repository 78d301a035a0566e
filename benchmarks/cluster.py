"""What the runs against a scale-out relay share: the cluster, its receivers, a sender for each country, the logs."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.load import fetch, start_receiver
from benchmarks.workload import COUNTRIES
from services.demo.cluster import Cluster
from services.demo.parties import Holder
from services.runtime import ledgers
from services.runtime.settings import LedgerSettings
from services.storage.postgresql import PostgresLedger

T = TypeVar("T")
_ENDED_WITHIN: Final = 60.0  # seconds; the relay's own drain takes half of that
Place = tuple[str, str]  # channel and recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running cluster with its receivers; `keys` by country."""

    cluster: Cluster
    keys: Mapping[str, str]
    receiver: str  # URL
    mailbox: str  # URL of its log

    @property
    def port(self) -> int:
        """Where alerts are posted."""
        return self.cluster.http_ports[0]

    async def webhooks(self) -> list[dict[str, Any]]:
        """Return what the webhook receiver was sent, in order."""
        return [json.loads(line) for line in (await fetch(f"{self.receiver}/log")).splitlines()]

    async def mails(self) -> list[dict[str, Any]]:
        """Return what the mailbox took, in order."""
        return [json.loads(line) for line in (await fetch(self.mailbox)).splitlines()]

    async def count(self) -> int:
        """Return how many webhooks were taken."""
        return int(await fetch(f"{self.receiver}/count"))

    def open(self) -> PostgresLedger:
        """Open the ledger; whoever does closes it."""
        url = self.cluster.environment["RELAY_LEDGER__URL"]
        ledger = ledgers.open_ledger(LedgerSettings.model_validate({"url": url}))
        assert isinstance(ledger, PostgresLedger)
        return ledger


@asynccontextmanager
async def stage(
    folder: Path, *, counts: Mapping[str, int], places: Sequence[Place], supervised: bool = False
) -> AsyncIterator[Stage]:
    """Start `counts` processes of each service (else one), and receivers that are processes of their own.

    Each of `places` is a recipient with one channel, so that what one hears never depends on another.
    """
    async with AsyncExitStack() as stack:
        (hook_port,) = await start_receiver(stack, "benchmarks.receiver")
        mail_port, log_port = await start_receiver(stack, "benchmarks.mailbox")
        settings = {"RELAY_EMAIL__PORT": mail_port}
        cluster = Cluster(folder, settings=settings, counts=counts, supervised=supervised)
        stack.push_async_callback(_end, cluster)
        directory = folder / "directory.json"
        institutions = [_institution(*place, hook_port=hook_port) for place in places]
        directory.write_text(json.dumps({"institutions": institutions}), encoding="utf-8")
        keys = await cluster.prepare(map(_sender, COUNTRIES), directory=directory)
        await cluster.start()
        yield Stage(
            cluster=cluster,
            keys={country: keys[_sender(country).institution_id] for country in COUNTRIES},
            receiver=f"http://127.0.0.1:{hook_port}",
            mailbox=f"http://127.0.0.1:{log_port}/log",
        )


def run_to_the_end(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in an event loop; SIGTERM cancels it, so that it leaves no process behind."""

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await main

    return asyncio.run(guarded())


async def _end(cluster: Cluster) -> None:
    """End the cluster; a process that does not end in good order is killed, so that none is left behind."""
    try:
        async with asyncio.timeout(_ENDED_WITHIN):
            await cluster.close()
    except TimeoutError:
        await cluster.kill()
        print("a process did not stop and was killed", file=sys.stderr)


def _sender(country: str) -> Holder:
    """Return the sender of one country: decisions on alerts of two need not wait for one another."""
    return Holder(
        institution_id=f"sender-{country.lower()}",
        country=country,
        organisation=f"Sender {country} (exercise)",
        countries=frozenset({country}),
        scopes=frozenset({"send", "amend", "read"}),
    )


def _institution(channel: str, name: str, *, hook_port: str) -> dict[str, object]:
    address = f"http://127.0.0.1:{hook_port}/{name}" if channel == "webhook" else f"{name}@example.org"
    return {
        "id": name,
        "country": "BO",
        "organisation": f"Recipient {name} (exercise)",
        "kind": "focal_point",
        "language": "es",
        "timezone": "America/La_Paz",
        "audiences": ["health", "law_enforcement", "forensic", "regulator"],
        "channels": [{"kind": channel, "address": address}],
    }
