"""The network under the webhook channel: httpx's transport interface over the connection pool of aiohttp.

httpx's own pool gets slower with every request in flight, and its client doubles the cost of a request with
what a webhook never needs: redirects, cookies, authentication, hooks. Requests and replies remain httpx's.
"""

from collections.abc import AsyncIterator
from typing import Final

import aiohttp
import httpx

_UNASKED: Final = ("Accept-Encoding",)  # nobody reads the body of a reply


class PooledTransport(httpx.AsyncBaseTransport):
    """Sends over the kept connections of ``session`` and closes it; failures are raised as aiohttp has them.

    ``timeout``, in seconds, bounds connecting, and each read.
    """

    def __init__(self, session: aiohttp.ClientSession, *, timeout: float) -> None:
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request whose body is at hand, and return the reply; its body is not read yet."""
        reply = await self._session.request(
            request.method,
            str(request.url),
            data=request.content,
            headers=request.headers,
            allow_redirects=False,
            timeout=self._timeout,
            skip_auto_headers=_UNASKED,
        )
        return httpx.Response(reply.status, headers=reply.raw_headers, stream=_Body(reply))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()


class _Body(httpx.AsyncByteStream):
    """The body of a reply; closing it early closes its connection."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._reply.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        self._reply.release()
