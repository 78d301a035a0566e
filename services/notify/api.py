"""The calls of recipients: catch up, acknowledge, look into the directory."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from schemas.notifications import Acknowledgement, ContentWord, NotificationPage, NotificationView
from schemas.vocabularies import AckState
from services.disclosure import Content, Reader, restricted
from services.http.answers import answer_of, lies_ahead
from services.http.authentication import Authenticator, Caller
from services.http.bodies import read_json
from services.http.contracts import parsed
from services.http.problems import Refusal, fault, is_id, missing
from services.http.reading import Reading, Sight
from services.http.routes import RawRoute, documented, refusals
from services.notify.inbox import Inbox
from services.notify.occasions import severity_of, shown
from services.storage.delivery_records import NewAnswer
from services.storage.ports import Threads
from services.storage.records import Directory, Notification, NotificationState

ANSWER_BYTES = 16 << 10
BODY_TIME = timedelta(seconds=15)
MOST_ON_A_PAGE = 200
_PARAMETERS = {
    "since": "the `next` of the page before; absent: from the beginning",
    "limit": f"entries on a page, 1 to {MOST_ON_A_PAGE}; usually 50",
}
_ACKNOWLEDGED = {
    "description": "Kept; a later answer replaces it",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["notification_id", "message_id", "state", "answered_at"],
                "properties": {
                    "notification_id": {"type": "string"},
                    "message_id": {"type": "string"},
                    "state": {"type": "string", "enum": [state.value for state in AckState]},
                    "answered_at": {"type": "string", "format": "date-time"},
                },
            }
        }
    },
}
_RECIPIENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "country", "organisation", "kind")},
}
_RECIPIENTS = {
    "description": "Active institutions of the directory",
    "content": {
        "application/json": {
            "schema": {"type": "object", "properties": {"items": {"type": "array", "items": _RECIPIENT}}}
        }
    },
}


def notification_routes(
    inbox: Inbox,
    threads: Threads,
    *,
    reading: Reading,
    authenticator: Authenticator,
    directory: Callable[[], Awaitable[Directory]],
    clock: Callable[[], datetime],
    public_url: str,
) -> APIRouter:
    """Return the routes of recipients."""
    router = APIRouter(route_class=RawRoute, tags=["recipients"])
    feed = _Feed(inbox, threads, reading=reading, base=public_url.rstrip("/"))

    @router.get(
        "/v1/notifications",
        summary="Catch up: what this recipient was sent or should have been",
        responses=refusals(400, 401, 403, 429, 503),
        openapi_extra=documented(parameters=_PARAMETERS),
        response_model=NotificationPage,
    )
    async def get_notifications(request: Request) -> Response:
        caller = await authenticator.caller(request, "read", "acknowledge")
        after, limit = _window(request, caller)
        page = await feed.page(caller, after=after, limit=limit)
        return Response(
            page.model_dump_json(exclude_none=True), media_type="application/json", headers=caller.headers
        )

    @router.post(
        "/v1/notifications/{notification_id}/acknowledgement",
        summary="Answer a notification",
        responses={200: _ACKNOWLEDGED, **refusals(400, 401, 403, 404, 408, 413, 415, 422, 429, 503)},
        openapi_extra=documented(body=Acknowledgement),
        response_model=None,
    )
    async def acknowledge(request: Request) -> Response:
        caller = await authenticator.caller(request, "acknowledge")
        body = await read_json(request, most=ANSWER_BYTES, within=BODY_TIME)
        told = await _own(inbox, request.path_params["notification_id"], caller)
        given, now = parsed(Acknowledgement, body), clock()
        if given.action_on is not None and lies_ahead(given.action_on, now=now):
            ahead = fault(
                "/action_on", "action_in_future", "What was done cannot lie ahead of the relay's clock."
            )
            raise Refusal(422, "invalid", errors=(ahead,))
        answer = await inbox.acknowledge(
            NewAnswer(
                message_id=told.message_id,
                recipient_id=told.recipient_id,
                state=given.state.value,
                note=given.note,
                action_on=None if given.action_on is None else str(given.action_on),
                via="api",
            ),
            now=now,
        )
        if answer is None:
            raise missing()
        content = {
            "notification_id": told.id,
            "message_id": told.message_id,
            "state": answer.state,
            "answered_at": answer.answered_at.isoformat(),
        }
        return JSONResponse(content, headers=caller.headers)

    @router.get(
        "/v1/recipients",
        summary="Institutions of the directory, for named_recipients; no addresses",
        responses={200: _RECIPIENTS, **refusals(401, 403, 429, 503)},
        openapi_extra=documented(),
        response_model=None,
    )
    async def get_recipients(request: Request) -> Response:
        caller = await authenticator.caller(request, "send", "read", "secretariat")
        items = [
            {"id": one.id, "country": one.country, "organisation": one.organisation, "kind": one.kind.value}
            for one in (await directory()).recipients.values()
            if one.active
        ]
        return JSONResponse({"items": sorted(items, key=lambda one: one["id"])}, headers=caller.headers)

    return router


class _Feed:
    def __init__(self, inbox: Inbox, threads: Threads, *, reading: Reading, base: str) -> None:
        self._inbox = inbox
        self._threads = threads
        self._reading = reading
        self._base = base

    async def page(self, caller: Caller, *, after: int, limit: int) -> NotificationPage:
        found = await self._inbox.feed(caller.key.institution_id, after=after, most=limit)
        reader = await self._reading.reader_of(caller.key)
        items = [view for one in found if (view := await self._view(one, reader)) is not None]
        return NotificationPage(items=tuple(items), next=str(found[-1].cursor if found else after))

    async def _view(self, told: Notification, reader: Reader) -> NotificationView | None:
        version = await self._threads.version(told.message_id)
        if version is None:
            return None
        sight = await self._reading.sight(version, reader)
        answer = answer_of(await self._inbox.answers_of(told.message_id), told.recipient_id)
        content = _content(told, sight)
        if content is None:
            return None
        thread = version.thread
        hidden = content not in ("full", "findings")
        opaque = hidden or restricted(thread.strictest_tlp)
        return NotificationView(
            id=told.id,
            message_id=told.message_id,
            occasion=shown(told.occasion),
            relay_id=None if hidden else thread.relay_id,  # it names the country
            thread_version=told.thread_version,
            message_type=told.message_type,
            status=version.alert.status,
            tlp=sight.tlp,
            urgency=severity_of(told.urgency),
            content=content,
            state=told.state.value,
            why_you=told.why,
            created_at=told.created_at,
            due_at=told.due_at,
            acknowledged=None if answer is None else AckState(answer.state),
            alert=None if hidden else _plain(sight.alert),
            classification=None if hidden else _plain(sight.classification),
            correlation=None if hidden else _plain(sight.correlation),
            page=f"{self._base}/n/{thread.opaque_id}" if opaque else f"{self._base}/alerts/{thread.relay_id}",
        )


def _content(told: Notification, sight: Sight) -> ContentWord | None:
    """Return how much of a notification its reader sees now; None: it never was and is not for this reader."""
    if told.content == Content.GONE:
        return "gone"
    match sight.disclosed.content:
        case Content.FULL:
            return "full"
        case Content.FINDINGS:
            return "findings"
        case Content.NOTICE:
            return "notice"
        case _:
            return None if told.state is NotificationState.WITHHELD else "withheld"


def _plain(model: BaseModel | None) -> dict[str, Any] | None:
    return None if model is None else model.model_dump(mode="json", exclude_none=True)


async def _own(inbox: Inbox, notification_id: str, caller: Caller) -> Notification:
    told = await inbox.get(notification_id) if is_id(notification_id) else None
    if told is None or told.recipient_id != caller.key.institution_id:
        raise missing()
    return told


def _window(request: Request, caller: Caller) -> tuple[int, int]:
    since = request.query_params.get("since", "0")
    limit = request.query_params.get("limit", "50")
    wrong = []
    if not (since.isascii() and since.isdigit() and len(since) < 19):
        wrong.append(fault("/since", "bad_parameter", "A cursor that the relay gave as next."))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= MOST_ON_A_PAGE):
        wrong.append(fault("/limit", "bad_parameter", f"A number from 1 to {MOST_ON_A_PAGE}."))
    if wrong:
        raise Refusal(400, "bad-query", errors=wrong, headers=caller.headers)
    return int(since), int(limit)
