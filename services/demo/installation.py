"""A whole relay on a temporary ledger: keys, directory, and the process itself.

The demonstration, the load runs and the end-to-end tests start the relay as an operator would, through the
`relay` command and its settings, and reach it over HTTP only.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx

from services.errors import Misconfigured
from services.runtime import secrets_file
from services.storage import webhook_secrets
from services.storage.adapters import LedgerKeys
from services.storage.keys import NewKey
from services.storage.records import ApiKey
from services.storage.sqlite import SqliteLedger
from services.storage.webhook_secrets import SecretBox

_ACTOR = "installation"  # in the audit
_READY_WITHIN = 30.0  # seconds
_LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose API key is wanted, and what it may do."""

    institution_id: str
    country: str
    organisation: str
    countries: frozenset[str]
    scopes: frozenset[str]
    role: str = "ndo"
    contact: str | None = None


class Installation:
    """One relay in `folder`; `environment` holds its settings."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ledger = folder / "relay.sqlite3"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "RELAY_LEDGER__PATH": str(self.ledger),
            "RELAY_HTTP__PORT": str(self.port),
            "RELAY_HTTP__PUBLIC_URL": self.url,
            "RELAY_HTTP__REQUESTS_PER_MINUTE": "1000000",
            "RELAY_NOTIFY__ALLOW_NETWORKS": "127.0.0.0/8",
            "RELAY_EMAIL__TLS": "none",
            "RELAY_LOG__LEVEL": "warning",
            **(settings or {}),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def prepare(self, holders: Iterable[Holder], *, directory: Path) -> dict[str, str]:
        """Make the ledger, load `directory`, give its webhooks secrets; return an API key for each holder."""
        await self.command("migrate")
        await self.command("recipients", "import", str(directory))
        institutions = json.loads(directory.read_text(encoding="utf-8"))["institutions"]
        ledger = SqliteLedger(self.ledger, exclusive=False)
        try:
            keys = {holder.institution_id: await _give_key(ledger, holder) for holder in holders}
            stored = secrets_file.read_or_make(self.ledger.with_name(self.ledger.name + ".secrets"))
            box = SecretBox([stored["at_rest"]])
            for one in institutions:
                if any(channel["kind"] == "webhook" for channel in one["channels"]):
                    await _give_secret(ledger, box, one["id"])
        finally:
            await ledger.close()
        return keys

    async def command(self, *arguments: str) -> str:
        """Run a `relay` command with this installation's settings and return what it printed."""
        process = await asyncio.create_subprocess_exec(
            *_relay(),
            *arguments,
            env=self._environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, complaints = await process.communicate()
        if process.returncode:
            raise Misconfigured(" ".join(arguments), complaints.decode(errors="replace").strip())
        return printed.decode()

    async def start(self) -> None:
        """Start the relay and wait until it is ready."""
        log = (self.folder / "relay.log").open("ab")
        self._process = await asyncio.create_subprocess_exec(
            *_relay(), "serve", "all", env=self._environment(), stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        await self.ready()

    async def ready(self) -> None:
        """Wait until /readyz says so; `Misconfigured` where the process ends instead."""
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN
        async with httpx.AsyncClient(trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                if self._process.returncode is not None:
                    raise Misconfigured("relay serve", (self.folder / "relay.log").read_text()[-2000:])
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self.url}/readyz")).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(_LOOK_EVERY)
        raise Misconfigured("relay serve", "not ready in time")

    async def kill(self) -> None:
        """End the relay at once, as a power cut would."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> int:
        """Ask the relay to stop; return its exit status."""
        if self._process is None or self._process.returncode is not None:
            return 0
        with suppress(ProcessLookupError):
            self._process.terminate()
        return await self._process.wait()

    @property
    def pid(self) -> int:
        """The process id of the running relay."""
        assert self._process is not None
        return self._process.pid

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
        return kept | self.environment


async def _give_key(ledger: SqliteLedger, holder: Holder) -> str:
    secret = f"rk_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        id=f"key-{holder.institution_id}",
        institution_id=holder.institution_id,
        country=holder.country,
        organisation=holder.organisation,
        role=holder.role,
        contact=holder.contact,
        countries=holder.countries,
        scopes=holder.scopes,
        created_at=datetime.now(UTC),
    )
    await LedgerKeys(ledger).create(NewKey(key=key, secret=secret), actor=_ACTOR)
    return secret


async def _give_secret(ledger: SqliteLedger, box: SecretBox, institution_id: str) -> None:
    now = datetime.now(UTC)
    await ledger.write(
        partial(
            webhook_secrets.rotate,
            institution_id=institution_id,
            secret_id=f"webhook-{institution_id}",
            secret=secrets.token_bytes(32),
            box=box,
            overlap_until=now,
            actor=_ACTOR,
            now=now,
        )
    )


def _relay() -> tuple[str, ...]:
    return (str(Path(sys.executable).with_name("relay")),)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
