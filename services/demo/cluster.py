"""A whole relay in the scale-out mode on one host: broker, database, and each service as processes of its own.

Whoever ends a process on purpose does it by `Cluster.processes`; with `supervised` those that end by themselves
are started again, as a supervisor would. Servers and data are temporary and end with `close`.
"""

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.demo import kafka_jars, postgresql_server, processes
from services.demo.installation import SHARED, webhooks_of
from services.demo.kafka_server import KafkaServer
from services.demo.parties import Holder, admit
from services.demo.postgresql_server import PostgresServer
from services.demo.processes import RelayProcess
from services.demo.servers import free_port
from services.errors import Misconfigured
from services.runtime import ledgers, secrets_file
from services.runtime.settings import LedgerSettings

SERVICES: Final = ("ingest", "classify", "notify", "metrics", "upkeep")
_DATABASE: Final = "relay"
_RESTART_AFTER: Final = 0.3  # seconds


class Cluster:
    """A relay of many processes in `folder`; `environment` holds the settings that they share."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
        supervised: bool = False,
    ) -> None:
        """Run `counts` processes of each service, by default one; `Misconfigured` names the program that is missing."""
        require_programs()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.kafka = KafkaServer(folder / "kafka")
        self.postgresql = PostgresServer()
        self.ports = {
            (service, number): free_port()
            for service in SERVICES
            for number in range((counts or {}).get(service, 1))
        }
        self.http_ports = {number: free_port() for service, number in self.ports if service == "ingest"}
        self.url = f"http://127.0.0.1:{self.http_ports[0]}"
        self._at_rest = secrets_file.new_key()
        self.environment = {
            "RELAY_LEDGER__URL": self.postgresql.url(_DATABASE),
            "RELAY_KAFKA__SERVERS": self.kafka.servers,
            "RELAY_KAFKA__TOPICS_FILE": str(kafka_jars.DEPLOY / "topics.toml"),
            "RELAY_KAFKA__REPLICATION": "1",
            "RELAY_SECRETS__LINKS": f"1:{secrets_file.new_key()}",
            "RELAY_SECRETS__AT_REST": self._at_rest,
            "RELAY_HTTP__PUBLIC_URL": self.url,
            **SHARED,
            **(settings or {}),
        }
        self.processes = {place: self._process(*place) for place in self.ports}
        self._supervised = supervised
        self._supervisors: list[asyncio.Task[None]] = []

    async def prepare(self, holders: Iterable[Holder], *, directory: Path) -> dict[str, str]:
        """Start the servers, make ledger and topics, load `directory`; return an API key for each holder."""
        await asyncio.gather(asyncio.to_thread(self.kafka.start), asyncio.to_thread(self.postgresql.start))
        url = await asyncio.to_thread(self.postgresql.create, _DATABASE)
        await asyncio.gather(self.command("migrate"), self.command("topics", "create"))
        await self.command("recipients", "import", str(directory))
        ledger = ledgers.open_ledger(LedgerSettings.model_validate({"url": url}))
        try:
            return await admit(
                ledger, holders=holders, receivers=webhooks_of(directory), at_rest=self._at_rest
            )
        finally:
            await ledger.close()

    async def command(self, *arguments: str) -> str:
        """Run a `relay` command with the shared settings and return what it printed."""
        return await processes.command(self.environment, *arguments)

    async def start(self) -> None:
        """Start every process and wait until all are ready."""
        for process in self.processes.values():
            await process.start()
        await asyncio.gather(*(process.ready() for process in self.processes.values()))
        if self._supervised:
            self._supervisors = [
                asyncio.create_task(self._supervise(process)) for process in self.processes.values()
            ]

    async def stop(self) -> int:
        """Ask every process to stop, all at once; return the largest exit status."""
        await self._end_supervisors()
        statuses = await asyncio.gather(*(process.stop() for process in self.processes.values()))
        return max(statuses, key=abs)

    async def kill(self) -> None:
        """End every process at once, as a power cut would."""
        await self._end_supervisors()
        await asyncio.gather(*(process.kill() for process in self.processes.values()))

    async def close(self) -> None:
        """Stop the processes, end the servers and drop their data; the logs stay."""
        try:
            await self.stop()
        finally:
            await asyncio.to_thread(self.kafka.__exit__, None, None, None)
            await asyncio.to_thread(self.postgresql.__exit__, None, None, None)
            shutil.rmtree(self.kafka.folder, ignore_errors=True)

    @property
    def whereabouts(self) -> str:
        """Where the logs are, for people: the ledger is gone with its server."""
        return f"logs: {self.folder}/*.log"

    def _process(self, service: str, number: int) -> RelayProcess:
        port = self.ports[service, number]
        own = {"RELAY_HTTP__METRICS_PORT": str(port)}
        if service == "ingest":
            own["RELAY_HTTP__PORT"] = str(self.http_ports[number])
        return RelayProcess(
            [service],
            environment=self.environment | own,
            ready_url=f"http://127.0.0.1:{port}/readyz",
            log=self.folder / f"{service}-{number}.log",
        )

    async def _supervise(self, process: RelayProcess) -> None:
        while True:
            await process.wait()
            await asyncio.sleep(_RESTART_AFTER)
            await process.start()

    async def _end_supervisors(self) -> None:
        for task in self._supervisors:
            task.cancel()
        for task in self._supervisors:
            with suppress(asyncio.CancelledError):
                await task
        self._supervisors = []


def require_programs() -> None:
    """Raise `Misconfigured` with the name of what is missing to start a broker and a database."""
    if kafka_jars.java() is None:
        raise Misconfigured("java", "Java 17 or newer is needed to start a broker")
    if kafka_jars.obtainable() is None:
        raise Misconfigured("mvn", "Maven is needed once, to fetch the jars of Apache Kafka")
    if postgresql_server.installed() is None:
        raise Misconfigured("postgres", "PostgreSQL is not installed")
