"""A worker in a process of its own, which writes down what it did: `python -m tests.worker_process SERVERS TOPIC FILE`.

One line for each record that its service was done with, and for each change of its readiness. The environment says
what it is and what ails it:

- WORKER: `feed` for the worker of aiokafka, else Faust's
- SLOW: how long a record `slow` takes, and one `unreachable` until it fails, in seconds
- SWALLOWS: a record `swallowed` is never acknowledged, as one that Faust fetched before a rebalance and passed over
- DEAF: what the client fetches never reaches the service
- STUCK: no rebalance is ever completed
- STALL, UNPLACED: the limits of these, in seconds
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.errors import Invalid, Transient
from services.runtime import faust_app, faust_worker, logs
from services.runtime.faust_worker import FaustWorker
from services.runtime.feed_worker import FeedWorker
from services.runtime.lifecycle import run
from services.runtime.stall import Limits
from services.storage import feed_kafka
from services.storage.kafka_connection import KafkaConnection
from services.storage.records import Record


class Writer:
    """The service; its group is its topic, so that no test waits for the dead of another."""

    def __init__(self, topic: str, file: Path, *, slow: float) -> None:
        self.name = topic
        self.topics = (topic,)
        self._file = file.open("a", encoding="utf-8")
        self._slow = slow

    async def handle(self, record: Record) -> None:
        """Write down one record."""
        if record.payload == "slow":
            self.write(f"begun {record.event_id}")
            await asyncio.sleep(self._slow)
        if record.payload == "unreachable":
            self.write(f"begun {record.event_id}")
            await asyncio.sleep(self._slow)
            raise Transient("the ledger is out of reach")
        if record.payload == "poison":
            raise Invalid("poison", "never")
        self.write(f"done {record.event_id}")

    def write(self, line: str) -> None:
        """Write a line, so that a kill leaves it there."""
        self._file.write(f"{line}\n")
        self._file.flush()


class Letters:
    """Dead letters, of which one cannot be kept."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def keep(self, record: Record, fault: Invalid, *, group: str, now: datetime) -> None:
        """Write down a dead letter."""
        if record.event_id.startswith("unkept"):
            raise RuntimeError("the dead letters are broken")
        self._writer.write(f"dead {record.event_id} {fault.reason}")


class Process:
    """The worker with its readiness written down."""

    def __init__(self, servers: str, topic: str, file: Path) -> None:
        self.writer = Writer(topic, file, slow=float(os.environ.get("SLOW", "3")))
        connection = KafkaConnection(servers=servers)
        usual = Limits()
        common: dict[str, Any] = {
            "dead_letters": Letters(self.writer),
            "clock": lambda: datetime.now(UTC),
            "limits": Limits(
                stall=_seconds("STALL", usual.stall), unplaced=_seconds("UNPLACED", usual.unplaced)
            ),
        }
        self.worker: FaustWorker | FeedWorker
        if os.environ.get("WORKER") == "feed":
            feed = feed_kafka.KafkaFeed(connection, most=16)
            self.worker = FeedWorker(self.writer, connection, feed=feed, **common)
        else:
            self.worker = FaustWorker(self.writer, connection, **common)

    async def tell(self, stop: asyncio.Event) -> None:
        """Write down whenever readiness changes."""
        before = None
        while not stop.is_set():
            ready = await self.worker.ready()
            if ready != before:
                self.writer.write(f"{'ready' if ready else 'not ready'} {os.getpid()}")
                before = ready
            await asyncio.sleep(0.05)


def main() -> int:
    """Run until SIGTERM."""
    logs.configure(level="warning", form="json")
    servers, topic, file = sys.argv[1:]
    _ail()
    process = Process(servers, topic, Path(file))
    try:
        asyncio.run(
            run([("worker", process.worker.run), ("teller", process.tell)], drain=timedelta(seconds=10))
        )
    except Transient as fault:
        sys.stderr.write(f"{fault}\n")
        return 75
    return 0


def _seconds(name: str, usual: timedelta) -> timedelta:
    return timedelta(seconds=float(os.environ.get(name, usual.total_seconds())))


def _ail() -> None:
    """Break what is asked for. mypy: methods are replaced."""
    if "SWALLOWS" in os.environ:
        acknowledge = faust_worker._acknowledge
        faust_worker._acknowledge = lambda event: (  # type: ignore[assignment]
            None if event.message.value == b"swallowed" else acknowledge(event)
        )
    if "DEAF" in os.environ:
        feed_kafka._Member._accept = lambda *_: []  # type: ignore[method-assign]
    if "STUCK" in os.environ:
        faust_app.App.on_rebalance_end = lambda _: None  # type: ignore[method-assign]
        feed_kafka._Member.on_partitions_assigned = _never  # type: ignore[method-assign]


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
