"""The floor: a relay that does nothing but keep and pass on. Nothing built of the same parts can be faster.

The same server (uvicorn) takes a body, appends it to a file and answers 202 once that is synced, for many at a time
with one call; then the same client (httpx) posts it to each receiver, as many at a time as the relay. Nothing is
checked, parsed, decided or written twice.

Run as `python -m benchmarks.floor FILE URL...`; it prints its port.
"""

import asyncio
import os
import sys
from typing import Any, Final

import httpx
import uvicorn
import uvloop

_AT_A_TIME: Final = 4  # to one receiver, as the embedded relay has it


class Synced:
    """Appends to a file; whoever waits is told when it is on disk."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing = False

    async def append(self, body: bytes) -> None:
        """Append `body`; return once it is on disk."""
        os.write(self._file, body)
        told = asyncio.get_running_loop().create_future()
        self._waiting.append(told)
        if not self._syncing:
            self._syncing = True
            asyncio.get_running_loop().create_task(self._sync())
        await told

    async def _sync(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            await asyncio.get_running_loop().run_in_executor(None, os.fdatasync, self._file)
            for one in waiting:
                one.set_result(None)
        self._syncing = False


class Floor:
    """The application, and one queue for each receiver."""

    def __init__(self, path: str, receivers: list[str]) -> None:
        self._kept = Synced(path)
        self._client = httpx.AsyncClient(trust_env=False, timeout=10)
        self._queues: list[asyncio.Queue[tuple[int, bytes]]] = [asyncio.Queue() for _ in receivers]
        self._number = 0
        self._senders = [
            asyncio.create_task(self._send(url, queue))
            for url, queue in zip(receivers, self._queues, strict=True)
            for _ in range(_AT_A_TIME)
        ]

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        """Serve one call."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        await self._kept.append(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})
        self._number += 1
        for queue in self._queues:
            queue.put_nowait((self._number, b'{"data": {"alert": %s}}' % body))

    async def _send(self, url: str, queue: asyncio.Queue[tuple[int, bytes]]) -> None:
        while True:
            number, body = await queue.get()
            headers = {"webhook-id": f"floor-{number}", "content-type": "application/json"}
            await self._client.post(url, content=body, headers=headers)


async def main() -> None:
    """Serve on a free port of the loopback until ended."""
    path, *receivers = sys.argv[1:]
    application = Floor(path, receivers)
    config = uvicorn.Config(
        application, port=0, log_config=None, access_log=False, server_header=False, lifespan="off"
    )
    listening = config.bind_socket()
    listening.listen()
    print(listening.getsockname()[1], flush=True)
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    uvloop.run(main())
