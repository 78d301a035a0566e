"""A real Apache Kafka on loopback: one broker, free ports, data in a folder of the caller's.

Tests, the demonstration, the loads and the chaos runs use it. Its methods block (a start takes about a second):
an event loop calls them by `asyncio.to_thread`.
"""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

from services.demo import kafka_jars
from services.demo.servers import ServerProcess, free_port, tail
from services.errors import Misconfigured

_CLUSTER_ID = "relayRelayRelayRelayRA"  # 22 characters of base64; any fixed one
_FLAGS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
_READY_WITHIN = 40.0  # seconds
_LOOK_EVERY = 0.02


class KafkaServer:
    """One broker in `folder`; it keeps ports and data over restarts. A context manager starts and ends it.

    The broker ends with the process that started it, even if that is killed.
    """

    def __init__(self, folder: Path, *, flags: Sequence[str] | None = None) -> None:
        """Choose free ports; `flags` of the virtual machine stand beside ours: by default what makes it start fast.

        `Misconfigured` where Java or the jars cannot be had.
        """
        java = kafka_jars.java()
        if java is None:
            raise Misconfigured("java", "Java 17 or newer is needed to start a broker")
        self.folder = folder
        self.port = free_port()
        if flags is None:
            flags = (f"-XX:SharedArchiveFile={kafka_jars.archive(_write_archive)}", "-Xshare:auto")
        self._java = (java, *_FLAGS, *flags, "-cp", f"{kafka_jars.fetch()}/*")
        self._properties = folder / "server.properties"
        self._log = folder / "kafka.log"
        self._process: ServerProcess | None = None
        folder.mkdir(parents=True, exist_ok=True)
        template = Template((kafka_jars.DEPLOY / "server.properties").read_text(encoding="utf-8"))
        filled = template.substitute(port=self.port, controller_port=free_port(), data=folder / "data")
        self._properties.write_text(filled, encoding="utf-8")

    @property
    def servers(self) -> str:
        """The address for clients: the value of `RELAY_KAFKA__SERVERS`."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the broker and wait until it serves; after `kill` that takes some 3 s."""
        if not (self.folder / "data").is_dir():
            self._format()
        self._process = ServerProcess([*self._java, "kafka.Kafka", str(self._properties)], log=self._log)
        self._await_port()

    def stop(self) -> None:
        """Stop the broker in good order; nothing where it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker at once, as a power cut would; nothing where it does not run."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop the broker, if it runs, and start it on the same data and port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Halt the broker (SIGSTOP): connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a halted broker go on."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End at once: nobody reads the data any more."""
        self.kill()

    def _format(self) -> None:
        format_it = ("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._properties))
        ran = subprocess.run(  # noqa: S603  (our own arguments)
            [*self._java, *format_it, "--ignore-formatted"],
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=_READY_WITHIN,
            check=False,
        )
        if ran.returncode:
            raise Misconfigured(str(self._properties), (ran.stdout + ran.stderr)[-600:].strip())

    def _await_port(self) -> None:
        """The client port opens only when the broker serves."""
        assert self._process is not None
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            if not self._process.runs:
                self._end(signal.SIGKILL)
                raise Misconfigured("kafka", tail(self._log))
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(_LOOK_EVERY)
        self._end(signal.SIGKILL)
        raise Misconfigured("kafka", f"does not serve after {_READY_WITHIN:.0f} s: {tail(self._log)}")

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.signal_all(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.end(number)
            self._process = None


def _write_archive(path: Path) -> None:
    """Run a broker once, to note which classes it loads."""
    with tempfile.TemporaryDirectory() as folder:
        server = KafkaServer(Path(folder), flags=())
        server.start()
        server.stop()
        server = KafkaServer(Path(folder), flags=(f"-XX:ArchiveClassesAtExit={path}", "-Xlog:cds=off"))
        server.start()
        server.stop()
