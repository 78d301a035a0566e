"""The calls of senders and readers: post an alert or a batch, read one or a list."""

import json
from datetime import timedelta
from typing import Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from schemas.alerts import Alert
from schemas.receipts import AlertSummary, AlertView, AnswerEntry, Batch, BatchResults, Page, Receipt
from schemas.vocabularies import MessageState
from services.disclosure import Reader
from services.http.authentication import Authenticator
from services.http.bodies import ALERT_BYTES, BATCH_BYTES, idempotency_key, read_json
from services.http.fields import field
from services.http.problems import Refusal, fault, is_id, missing, problem_of
from services.http.reading import INSIDE, SECRETARIAT, Reading
from services.http.routes import RawRoute, documented, refusals
from services.ingest import views
from services.ingest.service import Ingest, Kept, receipt_of
from services.storage.ports import Receipts, Threads
from services.storage.records import Answer, ApiKey, Message, Reach
from services.storage.thread_records import Filters

BODY_TIME = timedelta(seconds=15)
READERS = ("read", "send", SECRETARIAT)
_MOST_ROUNDS = 20  # what is hidden from a reader costs time too: a page may end early, with its cursor
_PARAMETERS = {
    "since": "the `next` of the page before",
    "state": "classified (the usual), pending, held or dead; the last three list own alerts only",
    "country": "of the event, ISO 3166-1 alpha-2",
    "category": "a code of the categories",
    "severity": "critical, high, moderate or info",
    "limit": f"entries on a page, 1 to {views.MOST_ON_A_PAGE}; usually 50",
}
_POSTED = (400, 401, 403, 408, 409, 413, 415, 422, 429, 503)
_COPY = {"model": Receipt, "description": "An exact copy of what is there: the first receipt"}
_KEY_HEADER = {
    "Idempotency-Key": "optional; quoted or bare, up to 255 characters, remembered for 7 days: the same key "
    "with the same body answers with the first receipt, with another body 422"
}


class Reaches(Protocol):
    """What reading needs of the deliveries."""

    async def reach(self, message_id: str) -> Reach:
        """Return how far a message got."""
        ...

    async def answers_of(self, message_id: str) -> list[Answer]:
        """Return every answer to a message, oldest first."""
        ...


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
            traceparent=field(request, b"traceparent"),
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


def reading_routes(
    receipts: Receipts,
    threads: Threads,
    deliveries: Reaches,
    *,
    reading: Reading,
    authenticator: Authenticator,
    public_url: str,
) -> APIRouter:
    """Return `GET /v1/alerts/{id}` and `GET /v1/alerts`."""
    router = APIRouter(route_class=RawRoute, tags=["alerts"])
    lists = _Lists(receipts, threads, reading=reading, base=public_url.rstrip("/"))
    single = _Single(receipts, threads, deliveries, reading=reading, base=public_url.rstrip("/"))

    @router.get(
        "/v1/alerts/{message_id}",
        summary="Read one alert as far as the reader may see it",
        responses=refusals(401, 403, 404, 429, 503),
        openapi_extra=documented(),
        response_model=AlertView,
    )
    async def get_alert(request: Request) -> Response:
        caller = await authenticator.caller(request, *READERS)
        view = await single.view(request.path_params["message_id"], caller.key)
        return Response(
            view.model_dump_json(exclude_none=True), media_type="application/json", headers=caller.headers
        )

    @router.get(
        "/v1/alerts",
        summary="List own and visible alerts",
        responses=refusals(400, 401, 403, 429, 503),
        openapi_extra=documented(parameters=_PARAMETERS),
        response_model=Page,
    )
    async def get_alerts(request: Request) -> Response:
        caller = await authenticator.caller(request, *READERS)
        try:
            query = views.read_query(request.query_params)
        except views.BadQuery as wrong:
            errors = (fault(f"/{wrong.name}", "bad_parameter", wrong.takes),)
            raise Refusal(400, "bad-query", errors=errors, headers=caller.headers) from wrong
        page = await lists.page(query, caller.key)
        return Response(
            page.model_dump_json(exclude_none=True), media_type="application/json", headers=caller.headers
        )

    return router


class _Single:
    def __init__(
        self, receipts: Receipts, threads: Threads, deliveries: Reaches, *, reading: Reading, base: str
    ) -> None:
        self._receipts = receipts
        self._threads = threads
        self._deliveries = deliveries
        self._reading = reading
        self._base = base

    async def view(self, message_id: str, key: ApiKey) -> AlertView:
        message = await self._receipts.get(message_id) if is_id(message_id) else None
        if message is None:
            raise missing()
        reader = await self._reading.reader_of(key)
        version = await self._threads.version(message_id)
        receipt = receipt_of(message, base=self._base)
        if version is None:
            return await self._unclassified(message, reader, receipt)
        own = message.sender_id == key.institution_id
        if not own and key.scopes.isdisjoint(("read", SECRETARIAT)):
            raise missing()
        sight = await self._reading.sight(version, reader)
        if sight.alert is None:
            raise missing()
        inside = sight.disclosed.reason in INSIDE
        return views.alert_view(
            message,
            receipt=receipt,
            alert=sight.alert,
            version=version,
            classification=sight.classification,
            correlation=sight.correlation,
            history=await self._reading.visible_history(version, reader),
            reach=await self._deliveries.reach(message_id) if inside else None,
            answered=await self._answered(message_id) if inside else None,
            own=inside,
        )

    async def _answered(self, message_id: str) -> tuple[AnswerEntry, ...]:
        return views.answers_view(
            await self._deliveries.answers_of(message_id), await self._reading.institutions()
        )

    async def _unclassified(self, message: Message, reader: Reader, receipt: Receipt) -> AlertView:
        """Show what is not classified yet to its sender and the secretariat only: nobody else is told of it."""
        if not await self._reading.inside(message, reader):
            raise missing()
        return views.alert_view(message, receipt=receipt, alert=message.alert, own=True)


class _Lists:
    def __init__(self, receipts: Receipts, threads: Threads, *, reading: Reading, base: str) -> None:
        self._receipts = receipts
        self._threads = threads
        self._reading = reading
        self._base = base

    async def page(self, query: views.Query, key: ApiKey) -> Page:
        reader = await self._reading.reader_of(key)
        if query.state is MessageState.CLASSIFIED:
            return await self._classified(query, key, reader)
        return await self._waiting(query, key, reader)

    async def _classified(self, query: views.Query, key: ApiKey, reader: Reader) -> Page:
        own_only = key.scopes.isdisjoint(("read", SECRETARIAT))
        filters = Filters(
            sender_id=key.institution_id if own_only else None,
            country=query.country,
            category=query.category,
            severity=query.severity,
        )
        items: list[AlertSummary] = []
        cursor = query.decided_after
        for _ in range(_MOST_ROUNDS):
            found = await self._threads.page(after=cursor, most=query.limit - len(items), filters=filters)
            cursor = found.cursor
            if not found.versions:
                return Page(items=tuple(items))
            for version in found.versions:
                sight = await self._reading.sight(version, reader)
                if sight.alert is not None:
                    items.append(
                        views.summary(version.message, alert=sight.alert, base=self._base, version=version)
                    )
            if len(items) >= query.limit:
                break
        return Page(items=tuple(items), next=str(cursor))

    async def _waiting(self, query: views.Query, key: ApiKey, reader: Reader) -> Page:
        """List what is not classified: own messages, or for the secretariat all that it may see."""
        everyone = SECRETARIAT in key.scopes
        place = query.received_after
        items: list[AlertSummary] = []
        for _ in range(_MOST_ROUNDS):
            found = await self._receipts.page(
                sender_id=None if everyone else key.institution_id, after=place, most=views.MOST_ON_A_PAGE
            )
            for message in found:
                place = (message.received_at, message.id)
                if _matches(message, query) and await self._reading.inside(message, reader):
                    items.append(views.summary(message, alert=message.alert, base=self._base))
                if len(items) == query.limit:
                    return Page(items=tuple(items), next=views.write_place(message))
            if len(found) < views.MOST_ON_A_PAGE:
                return Page(items=tuple(items))
        return Page(items=tuple(items), next=None if place is None else views.write_place(found[-1]))


def _matches(message: Message, query: views.Query) -> bool:
    state = views.message_state(message)[0]
    return state is query.state and query.country in (None, message.alert.location.country)


def _result(one: Kept | Refusal) -> dict[str, object]:
    if isinstance(one, Refusal):
        problem = json.loads(problem_of(one).model_dump_json(exclude_none=True))
        return {"status": one.status, "problem": problem}
    return {"status": 202 if one.new else 200, "receipt": json.loads(one.receipt.model_dump_json())}
