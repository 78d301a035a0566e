"""A server of another program, started for a run: it ends with us, and its log says what it complains of."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_STOP_WITHIN: Final = 20.0  # seconds
_TAIL: Final = 1500  # characters


class ServerProcess:
    """One start of a server; it ends with the process that started it, even if that is killed."""

    def __init__(self, arguments: Sequence[str], *, log: Path, user: str | None = None) -> None:
        """Start it in the folder of `log`, to which all that it writes is appended; `user` where we are root."""
        with log.open("ab") as written:
            self._process = subprocess.Popen(  # noqa: S603  (our own arguments)
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                cwd=log.parent,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(  # noqa: S603  # its standard input closes as soon as we are gone
            ["/bin/sh", "-c", 'read -r _; kill -9 "$1"', "guard", str(self.pid)],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def all(self) -> list[int]:
        """Return its process id and those of its helpers, each of which may lead a group of its own."""
        listed = subprocess.run(  # noqa: S603  (our own arguments)
            ["/bin/ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True, check=False
        )
        return [self.pid, *(int(pid) for pid in listed.stdout.split())]

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to it and its helpers."""
        _send(self.all(), number)

    def end(self, number: signal.Signals) -> None:
        """End it by a signal, its helpers too where that is SIGKILL, and wait until it is gone."""
        self._guard.kill()  # first: it must never see the process id of another
        self._guard.communicate()
        if self.runs:
            pids = self.all()
            _send(pids if number == signal.SIGKILL else pids[:1], number)
            _send(pids, signal.SIGCONT)  # a halted one would never see it
        try:
            self._process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def tail(log: Path) -> str:
    """Return the end of a log, for a message."""
    return log.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip()


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
