"""The HTTP server as one of the runtime's loops."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from datetime import timedelta

import structlog
import uvicorn
from starlette.types import ASGIApp

from services.errors import Misconfigured

log = structlog.get_logger(__name__)

_BACKLOG = 2048


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the lifecycle: it stops the server with everything else."""
        yield


async def serve(
    application: ASGIApp, *, host: str, port: int, setting: str, drain: timedelta, stop: asyncio.Event
) -> None:
    """Serve until `stop` is set, then finish what is in flight, at most for `drain`.

    Raises `Misconfigured` with the name of the port's `setting` where the address cannot be had.
    """
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
    bound = _bound(host, port, setting=setting)
    log.info("listening", host=host, port=bound.getsockname()[1])
    stopping = asyncio.create_task(_stop(server, stop))
    try:
        await server.serve(sockets=[bound])
    finally:
        stopping.cancel()
    if not stop.is_set():
        raise RuntimeError("the HTTP server could not start or ended by itself")


def _bound(host: str, port: int, *, setting: str) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as fault:
        bound.close()
        raise Misconfigured(setting, f"cannot listen on {host}:{port}: {fault.strerror or fault}") from fault
    return bound


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
