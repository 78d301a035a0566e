"""/healthz: the process answers. /readyz: it can do its work, by the checks of the runtime."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.http.routes import RawRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold; `passes` answers within a second or so and raises nothing."""

    name: str
    passes: Callable[[], Awaitable[bool]]


def health_routes(checks: Sequence[Check]) -> APIRouter:
    """Return the two routes; /readyz is 503 while one check fails, and names it."""
    router = APIRouter(route_class=RawRoute, tags=["operation"])

    @router.get("/healthz", summary="Whether the process answers", response_model=None)
    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz", summary="Whether the relay can take alerts", response_model=None)
    async def readyz(_request: Request) -> Response:
        results = {check.name: await check.passes() for check in checks}
        ready = all(results.values())
        body = {"status": "ready" if ready else "not ready", "checks": results}
        return JSONResponse(body, status_code=200 if ready else 503)

    return router
