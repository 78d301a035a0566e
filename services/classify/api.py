"""The dry run: what an alert would be taken for, with no history and nothing stored."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from schemas.alerts import Alert
from schemas.classifications import Classification
from services.http.authentication import Authenticator
from services.http.bodies import ALERT_BYTES, read_json
from services.http.routes import RawRoute, documented, refusals

BODY_TIME = timedelta(seconds=15)


def dry_run_routes(
    classify: Callable[[Alert], Classification],
    *,
    parse: Callable[[bytes], Alert],
    authenticator: Authenticator,
) -> APIRouter:
    """Return `POST /v1/classify`; `parse` raises `Refusal` as posting an alert does. The work is done in a thread."""
    router = APIRouter(route_class=RawRoute, tags=["alerts"])

    @router.post(
        "/v1/classify",
        summary="Dry run: the classification that the alert would get",
        responses=refusals(400, 401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented(body=Alert),
        response_model=Classification,
    )
    async def dry_run(request: Request) -> Response:
        caller = await authenticator.caller(request, "send")
        body = await read_json(request, most=ALERT_BYTES, within=BODY_TIME)
        alert = parse(body)
        verdict = await asyncio.to_thread(classify, alert)
        return Response(verdict.model_dump_json(), media_type="application/json", headers=caller.headers)

    return router
