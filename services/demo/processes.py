"""`relay` commands as processes of their own: started, asked whether they are ready, stopped, killed, halted."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from services.errors import Misconfigured

_READY_WITHIN = 60.0  # seconds; several that start at once share the processor
_LOOK_EVERY = 0.02


async def command(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a `relay` command with these settings and no others; return what it printed.

    `Misconfigured` with its complaint where it fails.
    """
    process = await asyncio.create_subprocess_exec(
        *_relay(),
        *arguments,
        env=_inherited() | dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await process.communicate()
    if process.returncode:
        raise Misconfigured(" ".join(arguments), complaints.decode(errors="replace").strip())
    return printed.decode()


class RelayProcess:
    """One `relay serve`, which may be ended and started again with the same settings."""

    def __init__(
        self, roles: Sequence[str], *, environment: Mapping[str, str], ready_url: str, log: Path
    ) -> None:
        """`ready_url` answers 200 once the process can do its work; what it writes is appended to `log`."""
        self.roles = tuple(roles)
        self.ready_url = ready_url
        self.log = log
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """Return what it runs."""
        return " ".join(self.roles)

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        assert self._process is not None
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status of the last start; None while it runs, or before the first start."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start it; see `ready`."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_relay(),
                "serve",
                *self.roles,
                env=_inherited() | dict(self._environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until it says that it is ready; `Misconfigured` where it ends instead, or takes too long."""
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN
        async with httpx.AsyncClient(trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                if self.status is not None:
                    said = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise Misconfigured(f"relay serve {self.name}", said)
                with suppress(httpx.TransportError):
                    if (await client.get(self.ready_url)).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(_LOOK_EVERY)
        raise Misconfigured(f"relay serve {self.name}", "not ready in time")

    async def wait(self) -> int:
        """Wait until it has ended; return its exit status."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> int:
        """Ask it to stop and wait; return its exit status. Nothing where it does not run."""
        if self._process is None:
            return 0
        self._signal(signal.SIGTERM)
        return await self._process.wait()

    async def kill(self) -> None:
        """End it at once, as a power cut would. Nothing where it does not run."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def pause(self) -> None:
        """Halt it (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def _relay() -> tuple[str, ...]:
    return (str(Path(sys.executable).with_name("relay")),)


def _inherited() -> dict[str, str]:
    """Return our environment without settings: only those that are given hold."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RELAY_")}
