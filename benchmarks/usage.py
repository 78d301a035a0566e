"""How much processor and memory each part of a cluster takes, read from /proc."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.demo.cluster import Cluster

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one part took: CPU seconds, percent of one core over a span of time, and megabytes at its end."""

    cpu_seconds: float
    cpu_percent: float
    memory_mb: float


class Meter:
    """Measures from when it is made; `clients` is the process that posts."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._began_at = time.monotonic()
        self._before = {name: sum(map(_seconds, pids)) for name, pids in self._parts()}

    def used(self) -> dict[str, Used]:
        """Return what each part has used since."""
        span = time.monotonic() - self._began_at
        return {name: self._of(name, pids, span=span) for name, pids in self._parts()}

    def _of(self, name: str, pids: list[int], *, span: float) -> Used:
        spent = max(0.0, sum(map(_seconds, pids)) - self._before.get(name, 0.0))
        return Used(cpu_seconds=spent, cpu_percent=spent / span * 100, memory_mb=sum(map(_megabytes, pids)))

    def _parts(self) -> Iterator[tuple[str, list[int]]]:
        for (service, number), process in self._cluster.processes.items():
            if process.status is None:
                yield f"{service} {number}", [process.pid]
        yield "kafka", [self._cluster.kafka.pid]
        server = self._cluster.postgresql.pid
        yield "postgresql", [server, *_children(server)]
        yield "clients", [os.getpid()]


def table(used: dict[str, Used], *, alerts: int) -> Iterator[str]:
    """Yield a line for each part; `alerts` is how many it was for."""
    for name, one in used.items():
        yield (
            f"        {name:14} {one.cpu_percent:6.1f} % of a core {one.cpu_seconds / alerts * 1000:6.1f} ms an alert "
            f"{one.memory_mb:6.0f} MB"
        )


def _seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children that have ended; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(one) for one in fields[11:15]) / _TICKS


def _megabytes(pid: int) -> float:
    """Return the memory of a process; what several share (PostgreSQL's buffers) is divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
