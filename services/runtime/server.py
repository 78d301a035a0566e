"""The HTTP server as one of the runtime's loops."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta

import structlog
import uvicorn
from starlette.types import ASGIApp

log = structlog.get_logger(__name__)

_BACKLOG = 2048


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the lifecycle: it stops the server with everything else."""
        yield


async def serve(application: ASGIApp, *, host: str, port: int, drain: timedelta, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is in flight, at most for `drain`."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="off",
        backlog=_BACKLOG,
        timeout_graceful_shutdown=max(1, int(drain.total_seconds())),
    )
    server = _Server(config)
    stopping = asyncio.create_task(_stop(server, stop))
    try:
        await server.serve()
    finally:
        stopping.cancel()
    if not stop.is_set():
        raise RuntimeError("the HTTP server could not start or ended by itself")


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
