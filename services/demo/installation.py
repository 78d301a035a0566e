"""A whole relay on a temporary ledger: keys, directory, and the process itself.

The demonstration, the load runs and the end-to-end tests start the relay as an operator would, through the
`relay` command and its settings, and reach it over HTTP only. `Cluster` is the same in the scale-out mode.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from services.demo import processes
from services.demo.parties import Holder, admit
from services.demo.processes import RelayProcess
from services.demo.servers import free_port
from services.runtime import ledgers, secrets_file
from services.runtime.settings import LedgerSettings

SHARED = {
    "RELAY_HTTP__REQUESTS_PER_MINUTE": "1000000",
    "RELAY_NOTIFY__ALLOW_NETWORKS": "127.0.0.0/8",
    "RELAY_EMAIL__TLS": "none",
    "RELAY_LOG__LEVEL": "warning",
}


class Relay(Protocol):
    """A relay that a run has for itself, in whichever mode."""

    folder: Path
    url: str

    async def prepare(self, holders: Iterable[Holder], *, directory: Path) -> dict[str, str]:
        """Make the ledger, load `directory`, give its webhooks secrets; return an API key for each holder."""
        ...

    async def start(self) -> None:
        """Start the relay and wait until it is ready."""
        ...

    async def stop(self) -> int:
        """Ask the relay to stop; return the exit status, of several the largest."""
        ...

    async def close(self) -> None:
        """End everything that was started for it, and drop what only it needed."""
        ...

    @property
    def whereabouts(self) -> str:
        """Where its ledger and its log are, for people."""
        ...


class Installation:
    """One relay in `folder`; `environment` holds its settings."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ledger = folder / "relay.sqlite3"
        self.log = folder / "relay.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "RELAY_LEDGER__PATH": str(self.ledger),
            "RELAY_HTTP__PORT": str(self.port),
            "RELAY_HTTP__PUBLIC_URL": self.url,
            **SHARED,
            **(settings or {}),
        }
        self._process = RelayProcess(
            ["all"], environment=self.environment, ready_url=f"{self.url}/readyz", log=self.log
        )

    async def prepare(self, holders: Iterable[Holder], *, directory: Path) -> dict[str, str]:
        """Make the ledger, load `directory`, give its webhooks secrets; return an API key for each holder."""
        await self.command("migrate")
        await self.command("recipients", "import", str(directory))
        stored = secrets_file.read_or_make(self.ledger.with_name(self.ledger.name + ".secrets"))
        ledger = ledgers.open_ledger(LedgerSettings(path=self.ledger), exclusive=False)
        try:
            return await admit(
                ledger, holders=holders, receivers=webhooks_of(directory), at_rest=stored["at_rest"]
            )
        finally:
            await ledger.close()

    async def command(self, *arguments: str) -> str:
        """Run a `relay` command with this installation's settings and return what it printed."""
        return await processes.command(self.environment, *arguments)

    async def start(self) -> None:
        """Start the relay and wait until it is ready."""
        await self._process.start()
        await self.ready()

    async def ready(self) -> None:
        """Wait until /readyz says so; `Misconfigured` where the process ends instead."""
        await self._process.ready()

    async def kill(self) -> None:
        """End the relay at once, as a power cut would."""
        await self._process.kill()

    async def stop(self) -> int:
        """Ask the relay to stop; return its exit status."""
        return await self._process.stop()

    async def close(self) -> None:
        """Stop the relay; its ledger stays for whoever wants to look."""
        await self._process.stop()

    @property
    def pid(self) -> int:
        """The process id of the running relay."""
        return self._process.pid

    @property
    def whereabouts(self) -> str:
        """Where its ledger and its log are, for people."""
        return f"ledger: {self.ledger}, log: {self.log}"


def webhooks_of(directory: Path) -> list[str]:
    """Return the institutions of a directory file that have a webhook."""
    institutions = json.loads(directory.read_text(encoding="utf-8"))["institutions"]
    return [one["id"] for one in institutions if any(kind["kind"] == "webhook" for kind in one["channels"])]
