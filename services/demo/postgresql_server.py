"""A real PostgreSQL on loopback: a free port, data in a temporary folder of its own.

Tests, the demonstration, the loads and the chaos runs use it. Its methods block (the first start takes about two
seconds): an event loop calls them by `asyncio.to_thread`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from services.demo.servers import ServerProcess, free_port, tail
from services.errors import Misconfigured

USER: Final = "relay"
_DEBIAN: Final = Path("/usr/lib/postgresql")  # where Debian keeps the server, off the PATH
_OWNER: Final = "postgres"  # the server refuses to run as root
_READY_WITHIN: Final = 30.0  # seconds
_LOOK_EVERY: Final = 0.05


def installed() -> str | None:
    """Return the path of the newest `postgres` program of this machine, or None."""
    found = sorted(_DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else shutil.which("postgres")


class PostgresServer:
    """One server; it keeps port and data over restarts. A context manager starts it, ends it and drops the data.

    The server ends with the process that started it, even if that is killed.
    """

    def __init__(self, *, durable: bool = True, like: Path | None = None) -> None:
        """Choose a free port; without `durable` a commit does not wait for the disk. `Misconfigured`: no server.

        `like` is the folder of another one that is stopped: its data are copied, which is faster than making new.
        """
        program = installed()
        if program is None:
            raise Misconfigured("postgres", "PostgreSQL is not installed")
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="relay-postgresql-"))
        self._programs = Path(program).resolve().parent
        self._durable = durable
        self._like = like
        self._as = _OWNER if os.geteuid() == 0 else None
        self._log = self.folder / "log"
        self._process: ServerProcess | None = None
        if self._as is not None:
            shutil.chown(self.folder, self._as)

    @property
    def pid(self) -> int:
        """The process id of the running server; its group holds its helpers and connections."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str) -> str:
        """Return the address of a database: the value of `RELAY_LEDGER__URL`."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers; after `kill` it recovers first."""
        if self._like is not None and not (self.folder / "data").is_dir():
            subprocess.run(["/bin/cp", "-a", self._like / "data", self.folder], check=True)  # noqa: S603  (our own)
        if not (self.folder / "data").is_dir():
            self._run(
                "initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
            )
        deadline = time.monotonic() + _READY_WITHIN
        while True:  # what `kill` left is reaped a moment later, and its lock file refuses us until then
            self._launch()
            if self._answers(deadline):
                return
            self._end(signal.SIGKILL)
            if time.monotonic() > deadline:
                raise Misconfigured("postgres", tail(self._log))
            time.sleep(_LOOK_EVERY)

    def create(self, database: str, *, template: str = "template1") -> str:
        """Create a database, as a copy of `template`, which nobody may be connected to; return its address."""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def execute(self, sql: str, *, database: str = "postgres") -> str:
        """Run one statement as the owner of everything; return what `psql` prints, without headings."""
        return self._run(
            "psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database, "-XAtqc", sql
        ).strip()

    def stop(self) -> None:
        """Stop the server in good order, ending its connections; nothing where it does not run."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server and all its helpers at once, as a power cut would; nothing where it does not run."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop the server, if it runs, and start it on the same data and port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Halt the server and its connections (SIGSTOP): they stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a halted server go on."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End at once, and drop the data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _launch(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": "200",
        }
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        given = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        program = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), *given]
        self._process = ServerProcess(program, log=self._log, user=self._as)

    def _answers(self, deadline: float) -> bool:
        """Return whether the server serves; False where it ended or the time is over."""
        assert self._process is not None
        while self._process.runs and time.monotonic() < deadline:
            ready = subprocess.run(  # noqa: S603  (our own arguments)
                [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
            )
            if ready.returncode == 0:
                return True
            time.sleep(_LOOK_EVERY)
        return False

    def _run(self, program: str, *arguments: str) -> str:
        ran = subprocess.run(  # noqa: S603  (our own arguments)
            [str(self._programs / program), *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            user=self._as,
            group=self._as,
            extra_groups=[] if self._as else None,
            timeout=_READY_WITHIN,
            check=False,
        )
        if ran.returncode:
            raise Misconfigured("postgres", (ran.stdout + ran.stderr)[-600:].strip())
        return ran.stdout

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.signal_all(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.end(number)
            self._process = None
