"""A process that is fed by Faust and writes down what it handled: `python -m tests.faust_process SERVERS TOPIC FILE`.

One line for each record that its service was done with. The record `slow` takes as long as RELAY_SLOW says, and
`swallowed` is never acknowledged, as one that Faust fetched before a rebalance and passed over.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.errors import Invalid, Transient
from services.runtime import faust_worker, logs
from services.runtime.lifecycle import run
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
        slow = float(os.environ.get("SLOW", "3"))
        self.writer = Writer(topic, file, slow=slow)
        self.worker = faust_worker.FaustWorker(
            self.writer,
            KafkaConnection(servers=servers),
            dead_letters=Letters(self.writer),  # type: ignore[arg-type]
            clock=lambda: datetime.now(UTC),
        )

    async def tell(self, stop: asyncio.Event) -> None:
        """Write down whenever readiness changes."""
        before = None
        while not stop.is_set():
            ready = await self.worker.ready()
            if ready != before:
                self.writer.write("ready" if ready else "not ready")
                before = ready
            await asyncio.sleep(0.05)


def main() -> int:
    """Run until SIGTERM."""
    logs.configure(level="warning", form="json")
    servers, topic, file = sys.argv[1:]
    if "STALL" in os.environ:
        faust_worker._STALL = timedelta(seconds=float(os.environ["STALL"]))  # type: ignore[misc]
        acknowledge = faust_worker._acknowledge
        faust_worker._acknowledge = lambda event: (  # type: ignore[assignment]
            None if event.message.value == b"swallowed" else acknowledge(event)
        )
    process = Process(servers, topic, Path(file))
    try:
        asyncio.run(
            run([("worker", process.worker.run), ("teller", process.tell)], drain=timedelta(seconds=10))
        )
    except Transient as fault:
        sys.stderr.write(f"{fault}\n")
        return 75
    return 0


if __name__ == "__main__":
    sys.exit(main())
