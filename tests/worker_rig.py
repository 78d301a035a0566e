"""A topic on a real broker, workers that read it in processes of their own, and what they wrote down."""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.demo.kafka_server import KafkaServer
from services.storage.kafka_reach import Reaches
from services.storage.kafka_records import headers
from services.storage.records import Record
from tests.e2e.stage import until

ROOT = Path(__file__).resolve().parents[1]
PARTITIONS = 4
_numbers = itertools.count()


class Rig:
    """A topic, workers that read it, and what they wrote down."""

    producer: AIOKafkaProducer
    admin: AIOKafkaAdminClient

    def __init__(self, kafka: KafkaServer, folder: Path) -> None:
        self.kafka = kafka
        self.topic = f"worker-{os.getpid()}-{next(_numbers)}"
        self.file = folder / "handled"
        self.file.touch()
        self.log = folder / "log"
        self.processes: list[asyncio.subprocess.Process] = []

    async def worker(self, *, ready: bool = True, **environment: str) -> asyncio.subprocess.Process:
        """Start a worker and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.worker_process",
                self.kafka.servers,
                self.topic,
                str(self.file),
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        if ready:
            await until(lambda: self.is_ready(process))
        return process

    def is_ready(self, process: asyncio.subprocess.Process) -> bool:
        """Return whether a worker said last that it is ready."""
        said = [line for line in self.lines() if line.endswith(f"ready {process.pid}")]
        return said[-1:] == [f"ready {process.pid}"]

    def lines(self) -> list[str]:
        return self.file.read_text(encoding="utf-8").splitlines()

    def done(self) -> list[str]:
        return [line.removeprefix("done ") for line in self.lines() if line.startswith("done ")]

    async def send(self, *event_ids: str, payload: str = "{}", partition: int | None = None) -> None:
        """Put records on the topic, acknowledged by the broker."""
        for event_id in event_ids:
            one = Record(topic=self.topic, event_id=event_id, key=event_id, payload=payload, position=0)
            await self.producer.send_and_wait(
                self.topic,
                value=payload.encode(),
                key=event_id.encode(),
                partition=partition,
                headers=headers(one, now=datetime.now(UTC)),
            )

    async def committed(self) -> int:
        """Return how many records the group has committed."""
        options = {"bootstrap_servers": self.kafka.servers}
        reaches = Reaches(options, group=self.topic, topics=[self.topic])
        try:
            found = await reaches.of([(self.topic, number) for number in range(PARTITIONS)])
        finally:
            await reaches.close()
        return sum(one.committed for one in found.values())

    async def make(self, *, partitions: int) -> None:
        """Make the topic."""
        await self.admin.create_topics([NewTopic(self.topic, partitions, 1)])


@pytest.fixture
async def rig(kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(kafka, tmp_path)
    async with AsyncExitStack() as stack:
        made.admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
        await made.admin.start()
        stack.push_async_callback(made.admin.close)
        await made.make(partitions=PARTITIONS)
        made.producer = AIOKafkaProducer(bootstrap_servers=kafka.servers, acks="all")
        await made.producer.start()
        stack.push_async_callback(made.producer.stop)
        yield made
        for process in made.processes:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
