"""The fastest HTTP client at hand: raw connections, one request at a time on each, times kept.

A library client would spend more of the two cores than the relay it measures.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(slots=True)
class Posted:
    """One request: when it was sent and answered (CLOCK_MONOTONIC), and how."""

    name: str
    sent_at: float
    answered_at: float
    status: int


class _Line(asyncio.Protocol):
    def __init__(self) -> None:
        self.buffer = bytearray()
        self.answer: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self.buffer[: end + 2])
        if len(self.buffer) < end + 4 + (int(length.group(1)) if length else 0):
            return
        status = int(self.buffer[9:12])
        self.buffer.clear()
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc or ConnectionResetError())


class Client:
    """Posts bodies to one path over `connections` kept connections."""

    def __init__(self, port: int, *, path: str, key: str, connections: int) -> None:
        self._port = port
        self._head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
            "content-type: application/json\r\ncontent-length: "
        ).encode()
        self._free: asyncio.Queue[_Line] = asyncio.Queue()
        self._connections = connections
        self._lines: list[_Line] = []

    async def open(self) -> None:
        """Open the connections."""
        for _ in range(self._connections):
            self._free.put_nowait(await self._open())

    async def _open(self) -> _Line:
        _, line = await asyncio.get_running_loop().create_connection(_Line, "127.0.0.1", self._port)
        self._lines = [one for one in self._lines if one.transport and not one.transport.is_closing()] + [
            line
        ]
        return line

    def is_open(self) -> bool:
        """Return whether the server has ended none of the connections; it does so after some idle seconds."""
        return all(line.transport is not None and not line.transport.is_closing() for line in self._lines)

    async def post(self, name: str, body: bytes) -> Posted:
        """Send one body; raises `OSError` where the server went away."""
        line = await self._free.get()
        assert line.transport is not None
        if line.transport.is_closing():  # it was idle for long, and nobody would answer
            line = await self._open()
        line.answer = asyncio.get_running_loop().create_future()
        sent_at = time.monotonic()
        line.transport.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        try:
            status = await line.answer
        except BaseException:  # cut off, or given up: a late answer must not be taken for that of the next
            line.transport.abort()
            raise
        self._free.put_nowait(line)
        return Posted(name, sent_at, time.monotonic(), status)

    async def flood(self, bodies: Iterable[tuple[str, bytes]]) -> list[Posted]:
        """Post all, as fast as the connections go."""
        waiting = iter(bodies)
        done: list[Posted] = []

        async def work() -> None:
            for name, body in waiting:
                done.append(await self.post(name, body))

        await asyncio.gather(*(work() for _ in range(self._connections)))
        return done

    async def pace(self, bodies: Iterable[tuple[str, bytes]], *, per_second: float) -> list[Posted]:
        """Post all at an even rate, whatever the answers take."""
        began = time.monotonic()
        tasks: list[asyncio.Task[Posted]] = []
        for number, (name, body) in enumerate(bodies):
            await asyncio.sleep(began + number / per_second - time.monotonic())
            tasks.append(asyncio.create_task(self.post(name, body)))
        return list(await asyncio.gather(*tasks))

    def close(self) -> None:
        """Close what is idle."""
        while not self._free.empty():
            line = self._free.get_nowait()
            if line.transport is not None:
                line.transport.close()
