"""A webhook receiver as a process of its own: answers, and keeps what arrived and when.

Run as `python -m benchmarks.receiver`; it prints its port. `GET /log` gives one JSON object a delivery,
`POST /refuse?percent=18&seed=1` makes it answer 503 to that share of the first attempts, `POST /down?seconds=20`
makes it answer 503 to everything for a while. Times are CLOCK_MONOTONIC, the same in every process of a host.
"""

import asyncio
import json
import random
import re
import sys
import time
from typing import cast
from urllib.parse import parse_qs, urlsplit

_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


class Log:
    """What arrived: (time, path, webhook id, status answered, body)."""

    def __init__(self) -> None:
        self.entries: list[tuple[float, str, str, int, bytes]] = []
        self.seen: set[str] = set()
        self.refuse = 0.0
        self.down_until = 0.0
        self.dice = random.Random(0)

    def take(self, path: str, identity: str, body: bytes) -> bytes:
        """Keep one request and choose its answer."""
        now = time.monotonic()
        first = identity not in self.seen
        self.seen.add(identity)
        refused = now < self.down_until or (first and self.dice.random() < self.refuse)
        self.entries.append((now, path, identity, 503 if refused else 204, body))
        return _UNAVAILABLE if refused else _NO_CONTENT

    def as_lines(self) -> bytes:
        """Return the log as JSON Lines."""
        return b"".join(_line(entry) for entry in self.entries)


def _line(entry: tuple[float, str, str, int, bytes]) -> bytes:
    at, path, identity, status, body = entry
    data = json.loads(body).get("data", {}) if body else {}
    alert = data.get("alert") or {}
    return (
        json.dumps(
            {
                "at": at,
                "path": path,
                "id": identity,
                "status": status,
                "thread": data.get("thread_id"),
                "relay_id": data.get("relay_id"),
                "version": data.get("version"),
                "occasion": data.get("occasion"),
                "national_ref": alert.get("national_ref"),
                "alert_version": alert.get("version"),
            }
        ).encode()
        + b"\n"
    )


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as a receiver needs."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        """Answer every whole request that is there."""
        assert self._transport is not None
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[: end + 2])
            length = _LENGTH.search(head)
            total = end + 4 + (int(length.group(1)) if length else 0)
            if len(self._buffer) < total:
                return
            body = bytes(self._buffer[end + 4 : total])
            del self._buffer[:total]
            self._transport.write(self._answer(head, body))

    def _answer(self, head: bytes, body: bytes) -> bytes:
        method, target, _ = head.split(b" ", 2)
        url = urlsplit(target.decode())
        options = parse_qs(url.query)
        if method == b"GET" and url.path == "/log":
            content = self._log.as_lines()
            return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content) + content
        if url.path == "/count":
            content = str(sum(1 for entry in self._log.entries if entry[3] == 204)).encode()
            return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content) + content
        if url.path == "/refuse":
            self._log.refuse = float(options["percent"][0]) / 100
            self._log.dice = random.Random(int(options["seed"][0]))
            return _NO_CONTENT
        if url.path == "/down":
            self._log.down_until = time.monotonic() + float(options["seconds"][0])
            return _NO_CONTENT
        if url.path == "/forget":
            self._log.entries.clear()
            return _NO_CONTENT
        identity = _ID.search(head)
        return self._log.take(url.path, identity.group(1).decode() if identity else "", body)


async def main() -> None:
    """Serve on a free port of the loopback until ended."""
    log = Log()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(log), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
