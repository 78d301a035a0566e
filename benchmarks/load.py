"""What the load runs share: a relay, its receivers as processes of their own, and reading their logs."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.client import Client
from benchmarks.workload import COUNTRIES
from services.demo.installation import Installation
from services.demo.parties import Holder

SENDER = "load-sender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What alerts are posted to, with its receiver."""

    port: int
    key: str
    receiver: str  # URL
    mailbox: str | None = None  # URL of its log

    async def client(self, *, connections: int) -> Client:
        """Return an open client that posts alerts."""
        client = Client(self.port, path="/v1/alerts", key=self.key, connections=connections)
        await client.open()
        return client

    async def count(self) -> int:
        """Return how many webhooks were taken."""
        return int(await fetch(f"{self.receiver}/count"))

    async def log(self) -> list[dict[str, Any]]:
        """Return what the receiver took."""
        return [json.loads(line) for line in (await fetch(f"{self.receiver}/log")).splitlines()]

    async def count_of_mails(self) -> int:
        """Return how many emails were taken."""
        assert self.mailbox is not None
        return int(await fetch(self.mailbox.replace("/log", "/count")))

    async def mails(self) -> list[dict[str, Any]]:
        """Return what the mailbox took."""
        assert self.mailbox is not None
        return [json.loads(line) for line in (await fetch(self.mailbox)).splitlines()]

    async def settled(self, count: int, *, within: float) -> int:
        """Wait until `count` webhooks were taken, at most `within` seconds; return how many there are."""
        deadline = asyncio.get_running_loop().time() + within
        while (taken := await self.count()) < count and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig(Target):
    """A running relay with its receiver."""

    relay: Installation


@asynccontextmanager
async def rig(folder: Path, *, recipients: int = 1, mail: bool = False) -> AsyncIterator[Rig]:
    """Start a relay with `recipients` institutions, one webhook each (and one mailbox, if `mail`)."""
    async with AsyncExitStack() as stack:
        (port,) = await start_receiver(stack, "benchmarks.receiver")
        ports = await start_receiver(stack, "benchmarks.mailbox") if mail else []
        relay = Installation(folder, settings={"RELAY_EMAIL__PORT": ports[0]} if ports else {})
        directory = folder / "directory.json"
        directory.write_text(json.dumps({"institutions": _institutions(recipients, port=port, mail=mail)}))
        holder = Holder(
            institution_id=SENDER,
            country="AR",
            organisation="Load (exercise)",
            countries=frozenset(COUNTRIES),
            scopes=frozenset({"send", "amend", "read"}),
        )
        keys = await relay.prepare([holder], directory=directory)
        stack.push_async_callback(relay.stop)
        await relay.start()
        log = f"http://127.0.0.1:{ports[1]}/log" if ports else None
        yield Rig(
            port=relay.port,
            key=keys[SENDER],
            receiver=f"http://127.0.0.1:{port}",
            mailbox=log,
            relay=relay,
        )


@asynccontextmanager
async def floor(folder: Path, *, recipients: int = 1) -> AsyncIterator[Target]:
    """Start the floor with as many receivers instead: `benchmarks.floor`."""
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        (port,) = await start_receiver(stack, "benchmarks.receiver")
        urls = [f"http://127.0.0.1:{port}/load-{number}" for number in range(recipients)]
        (own,) = await start_receiver(stack, "benchmarks.floor", str(folder / "kept"), *urls)
        yield Target(port=int(own), key="none", receiver=f"http://127.0.0.1:{port}")


async def fetch(url: str) -> str:
    """Return what a GET answers."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        return (await client.get(url)).text


async def tell(url: str) -> None:
    """POST without a body."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        (await client.post(url)).raise_for_status()


async def start_receiver(stack: AsyncExitStack, module: str, *arguments: str) -> list[str]:
    """Start a receiver that ends with `stack`; return the ports that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE
    )
    stack.push_async_callback(_end, process)
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().split()


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    await process.wait()


def _institutions(count: int, *, port: str, mail: bool) -> list[dict[str, object]]:
    return [
        {
            "id": f"load-{number}",
            "country": "BO",
            "organisation": f"Load recipient {number} (exercise)",
            "kind": "focal_point",
            "active": count > 0,
            "language": ("es", "en", "pt", "fr")[number % 4],
            "timezone": "America/La_Paz",
            "audiences": ["health", "law_enforcement", "forensic", "regulator"],
            "channels": [
                {"kind": "webhook", "address": f"http://127.0.0.1:{port}/load-{number}"},
                *([{"kind": "email", "address": f"load-{number}@example.org"}] if mail else []),
            ],
        }
        for number in range(max(count, 1))  # an empty directory is refused: nobody is one who is told nothing
    ]
