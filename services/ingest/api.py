"""The calls of senders and readers: post an alert or a batch, read one or a list."""

import json
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from schemas.alerts import Alert
from schemas.receipts import Batch, BatchResults, Receipt
from services.http.authentication import Authenticator
from services.http.bodies import ALERT_BYTES, BATCH_BYTES, idempotency_key, read_json
from services.http.problems import Refusal, problem_of
from services.http.routes import RawRoute, documented, refusals
from services.ingest.service import Ingest, Kept

BODY_TIME = timedelta(seconds=15)
_POSTED = (400, 401, 403, 408, 409, 413, 415, 422, 429, 503)
_COPY = {"model": Receipt, "description": "An exact copy of what is there: the first receipt"}
_KEY_HEADER = {
    "Idempotency-Key": "optional; quoted or bare, up to 255 characters, remembered for 7 days: the same key "
    "with the same body answers with the first receipt, with another body 422"
}


def posting_routes(ingest: Ingest, authenticator: Authenticator) -> APIRouter:
    """Return `POST /v1/alerts` and `POST /v1/alerts:batch`."""
    router = APIRouter(route_class=RawRoute, tags=["alerts"])

    @router.post(
        "/v1/alerts",
        summary="Post one alert",
        status_code=202,
        responses={200: _COPY, **refusals(*_POSTED)},
        response_description="Kept: the receipt",
        openapi_extra=documented(body=Alert, headers=_KEY_HEADER),
        response_model=Receipt,
    )
    async def post_alert(request: Request) -> Response:
        caller = await authenticator.caller(request, "send")
        body = await read_json(request, most=ALERT_BYTES, within=BODY_TIME)
        kept = await ingest.submit(
            body,
            key=caller.key,
            idempotency_key=idempotency_key(request),
            traceparent=request.headers.get("traceparent"),
        )
        return Response(
            kept.receipt.model_dump_json(),
            status_code=202 if kept.new else 200,
            media_type="application/json",
            headers={**caller.headers, "Location": f"/v1/alerts/{kept.receipt.id}"},
        )

    @router.post(
        "/v1/alerts:batch",
        summary="Post up to 500 alerts, each answered by itself",
        status_code=207,
        responses=refusals(400, 401, 403, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented(body=Batch),
        response_model=BatchResults,
    )
    async def post_batch(request: Request) -> Response:
        caller = await authenticator.caller(request, "send")
        body = await read_json(request, most=BATCH_BYTES, within=BODY_TIME)
        results = await ingest.submit_batch(body, key=caller.key)
        content = {"results": [_result(one) for one in results]}
        return JSONResponse(content, status_code=207, headers=caller.headers)

    return router


def _result(one: Kept | Refusal) -> dict[str, object]:
    if isinstance(one, Refusal):
        problem = json.loads(problem_of(one).model_dump_json(exclude_none=True))
        return {"status": one.status, "problem": problem}
    return {"status": 202 if one.new else 200, "receipt": json.loads(one.receipt.model_dump_json())}
