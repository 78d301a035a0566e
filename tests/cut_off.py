"""A network between a client and PostgreSQL that breaks in the very moment in which a commit is answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_COMMIT = b"COMMIT;"  # not that of READ COMMITTED


@dataclass(slots=True)
class Network:
    """Forwards to a server; `breaks` how many of the next commits are never answered, though they are made."""

    port: int
    breaks: int = 0
    _server_port: int = 0

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until one side ends it, or the network breaks."""
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        answers = asyncio.create_task(_carry(from_server, writer))
        try:
            while sent := await reader.read(65536):
                broken = self.breaks > 0 and _COMMIT in sent
                if broken:
                    self.breaks -= 1
                    answers.cancel()
                    with suppress(asyncio.CancelledError):
                        await answers
                to_server.write(sent)
                await to_server.drain()
                if broken:
                    await from_server.read(65536)  # it is committed now
                    return
        except ConnectionError:
            return
        finally:
            answers.cancel()
            writer.close()
            to_server.close()


@asynccontextmanager
async def network_to(port: int) -> AsyncIterator[Network]:
    """Listen on a free port, and forward to `port`."""
    network = Network(port=0, _server_port=port)
    listening = await asyncio.start_server(network.connect, "127.0.0.1", 0)
    network.port = listening.sockets[0].getsockname()[1]
    try:
        yield network
    finally:
        listening.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while answered := await reader.read(65536):
            writer.write(answered)
            await writer.drain()
    writer.close()
