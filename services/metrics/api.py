"""`/metrics`: the text that Prometheus reads."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from services.http.routes import RawRoute

Refresh = Callable[[], Awaitable[None]]


def metrics_routes(registry: CollectorRegistry, *, refresh: Refresh) -> APIRouter:
    """Return the route /metrics; `refresh` asks the ledger before each answer and raises nothing."""
    router = APIRouter(route_class=RawRoute, tags=["operation"])
    router.get("/metrics", summary="Metrics for Prometheus", response_model=None)(
        exposition(registry, refresh=refresh)
    )
    return router


def exposition(registry: CollectorRegistry, *, refresh: Refresh) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of /metrics: OpenMetrics for who asks for it, else the older text."""

    async def metrics(request: Request) -> Response:
        await refresh()
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        text = await asyncio.to_thread(
            encode, registry
        )  # some thousand series: not on the loop of the alerts
        return Response(text, headers={"content-type": media_type})

    return metrics
