"""The dry run (what an alert would be taken for, nothing stored), the calls of the human queue, and of merges."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from schemas.alerts import Alert
from schemas.classifications import Classification, DryRun
from schemas.merges import MergeItem, MergePage, MergeUndo, MergeUndone
from schemas.problems import Fault
from schemas.reviews import (
    ResolutionRequest,
    ResolutionView,
    ReviewDone,
    ReviewDoneView,
    ReviewItem,
    ReviewPage,
)
from schemas.vocabularies import CorrelationLevel
from services.classify.explain import explain
from services.classify.reviewing import Item, Reviews, alike, concerns_all_of, items_of
from services.disclosure import Reader
from services.errors import Invalid
from services.http.authentication import Authenticator, Caller
from services.http.bodies import ALERT_BYTES, read_json
from services.http.contracts import parsed
from services.http.problems import Refusal, fault, is_id, missing
from services.http.reading import SECRETARIAT, Reading
from services.http.routes import RawRoute, documented, refusals
from services.reference.catalogue import Catalogue
from services.reference.terms import Terms
from services.storage.merge_records import Merge, Undone, WantedMerges
from services.storage.ports import Threads
from services.storage.records import Version
from services.storage.review_records import NOT_A_SUBSTANCE, NewResolution, Reconsider, Resolved

BODY_TIME = timedelta(seconds=15)
ANSWER_BYTES: Final = 16 << 10
MOST_ON_A_PAGE: Final = 200
MOST_EVERYWHERE: Final = 1000  # of the queue, where an answer is given for every alert with the name
_DIGITS: Final = 19
_PARAMETERS: Final = {
    "since": "the `next` of the page before; absent: from the beginning",
    "limit": f"alerts on a page, 1 to {MOST_ON_A_PAGE}; usually 50",
}

_MERGE_PARAMETERS: Final = {
    "since": "the `next` of the page before; absent: from the newest",
    "kept_back": "true: only those of which somebody was not told; usually false",
    "relay_id": "only merges with this alert",
    "limit": f"merges on a page, 1 to {MOST_ON_A_PAGE}; usually 50",
}
_MERGE_ID: Final = re.compile(r"[0-9a-f]{32}")


def dry_run_routes(
    classify: Callable[[Alert], Classification],
    *,
    terms: Terms,
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
        response_model=DryRun,
    )
    async def dry_run(request: Request) -> Response:
        caller = await authenticator.caller(request, "send")
        body = await read_json(request, most=ALERT_BYTES, within=BODY_TIME)
        alert = parse(body)
        found = await asyncio.to_thread(classify, alert)
        words = explain(found, terms=terms, language=alert.language.value)
        verdict = DryRun(**found.__dict__, explanation=words)
        return Response(verdict.model_dump_json(), media_type="application/json", headers=caller.headers)

    return router


def review_routes(
    reviews: Reviews,
    threads: Threads,
    *,
    catalogue: Catalogue,
    reconsider: Reconsider,
    reading: Reading,
    authenticator: Authenticator,
    clock: Callable[[], datetime],
) -> APIRouter:
    """Return the calls of the human queue, for keys with the scope of the secretariat."""
    router = APIRouter(route_class=RawRoute, tags=["reviews"])

    @router.get(
        "/v1/reviews",
        summary="What a person should look at: unknown, ambiguous and conflicting substances",
        responses=refusals(400, 401, 403, 429, 503),
        openapi_extra=documented(parameters=_PARAMETERS),
        response_model=ReviewPage,
    )
    async def get_reviews(request: Request) -> Response:
        caller = await authenticator.caller(request, SECRETARIAT)
        after, limit = _window(request, caller)
        found = await reviews.queue(after=after, most=limit)
        reader = await reading.reader_of(caller.key)
        seen = [one for one in found.versions if await reading.inside(one.message, reader)]
        page = ReviewPage(
            items=tuple(_shown(item) for one in seen for item in items_of(one)),
            next=str(found.cursor) if len(found.versions) == limit else None,
        )
        return Response(
            page.model_dump_json(exclude_none=True), media_type="application/json", headers=caller.headers
        )

    @router.post(
        "/v1/reviews/{message_id}/resolution",
        summary="Say what a reported substance is: the alert is classified again",
        responses=refusals(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
        openapi_extra=documented(body=ResolutionRequest),
        response_model=ResolutionView,
    )
    async def resolve(request: Request) -> Response:
        caller = await authenticator.caller(request, SECRETARIAT)
        body = await read_json(request, most=ANSWER_BYTES, within=BODY_TIME)
        given = parsed(ResolutionRequest, body)
        reader = await reading.reader_of(caller.key)
        version = await seen(request, reader)
        new = NewResolution(
            message_id=version.message.id,
            finding=given.finding,
            substance=given.substance,
            outcome=_outcome(given, catalogue),
            reason=given.reason,
            actor=caller.key.institution_id,
        )
        try:
            kept = await reviews.resolve(new, reconsider=reconsider, now=clock())
        except Invalid as refused:
            raise _refusal(refused) from refused
        also: list[str] = []
        if given.everywhere:
            reported = version.alert.findings[given.finding].substances[given.substance]
            page = await reviews.queue(after=0, most=MOST_EVERYWHERE)
            waiting = [one for one in page.versions if await reading.inside(one.message, reader)]
            others = alike(waiting, kept.resolution, seen=reported)
            for other in others:
                with suppress(Invalid):  # a newer version came meanwhile, and it is asked of that one
                    await reviews.resolve(other, reconsider=reconsider, now=clock())
                    also.append(other.message_id)
        return Response(
            _kept(kept, also=also).model_dump_json(exclude_none=True),
            media_type="application/json",
            headers=caller.headers,
        )

    @router.post(
        "/v1/reviews/{message_id}/done",
        summary="Say that what concerns the alert as a whole has been looked at",
        responses=refusals(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
        openapi_extra=documented(body=ReviewDone),
        response_model=ReviewDoneView,
    )
    async def done(request: Request) -> Response:
        caller = await authenticator.caller(request, SECRETARIAT)
        body = await read_json(request, most=ANSWER_BYTES, within=BODY_TIME)
        given = parsed(ReviewDone, body)
        version = await seen(request, await reading.reader_of(caller.key))
        if given.review in version.classification.review and not concerns_all_of(version, given.review):
            where = fault("/review", "of_a_substance", "Say of the substances in the queue what they are.")
            raise Refusal(422, "invalid", errors=(where,))
        try:
            kept = await reviews.deal_with(
                version.message.id,
                review=given.review,
                reason=given.reason,
                actor=caller.key.institution_id,
                reconsider=reconsider,
                now=clock(),
            )
        except Invalid as refused:
            raise _refusal(refused) from refused
        view = ReviewDoneView(
            message_id=version.message.id,
            revision=kept.version.revision,
            classification=kept.version.classification,
        )
        return Response(
            view.model_dump_json(exclude_none=True), media_type="application/json", headers=caller.headers
        )

    async def seen(request: Request, reader: Reader) -> Version:
        message_id = request.path_params["message_id"]
        version = await threads.version(message_id) if is_id(message_id) else None
        if version is None or not await reading.inside(version.message, reader):
            raise missing()
        return version

    return router


class Merges(Protocol):
    """What was taken for one event; see `services.storage.merges`."""

    async def listed(self, wanted: WantedMerges, *, most: int) -> list[Merge]:
        """Return merges that stand, newest first."""
        ...

    async def undo(self, merge_id: str, *, reason: str, actor: str, now: datetime) -> Undone:
        """Take a merge back; a repeat does nothing. Raises `Invalid` where there is none."""
        ...


def merge_routes(merges: Merges, *, authenticator: Authenticator, clock: Callable[[], datetime]) -> APIRouter:
    """Return the calls that show merges and take them back, for keys with the scope of the secretariat."""
    router = APIRouter(route_class=RawRoute, tags=["merges"])

    @router.get(
        "/v1/merges",
        summary="What was taken for one event, newest first, and from how many that was kept back",
        responses=refusals(400, 401, 403, 429, 503),
        openapi_extra=documented(parameters=_MERGE_PARAMETERS),
        response_model=MergePage,
    )
    async def get_merges(request: Request) -> Response:
        caller = await authenticator.caller(request, SECRETARIAT)
        wanted, limit = _wanted_merges(request, caller)
        found = await merges.listed(wanted, most=limit)
        page = MergePage(
            items=tuple(_merge_item(one) for one in found),
            next=found[-1].id if len(found) == limit else None,
        )
        return Response(
            page.model_dump_json(exclude_none=True), media_type="application/json", headers=caller.headers
        )

    @router.post(
        "/v1/merges/{merge_id}/undo",
        summary="Take a merge back: the alert that joined leaves, and goes to whom the merge had kept it from",
        responses=refusals(400, 401, 403, 404, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented(body=MergeUndo),
        response_model=MergeUndone,
    )
    async def undo(request: Request) -> Response:
        caller = await authenticator.caller(request, SECRETARIAT)
        body = await read_json(request, most=ANSWER_BYTES, within=BODY_TIME)
        given = parsed(MergeUndo, body)
        merge_id = request.path_params["merge_id"]
        if _MERGE_ID.fullmatch(merge_id) is None:
            raise missing()
        try:
            done = await merges.undo(
                merge_id, reason=given.reason, actor=caller.key.institution_id, now=clock()
            )
        except Invalid as refused:
            raise missing() from refused
        view = MergeUndone(
            id=done.merge.id,
            relay_id=done.merge.joined.relay_id,
            other_relay_id=done.merge.other.relay_id,
            incident_id=done.merge.joined.incident_id,
            undone_at=done.merge.undone_at or clock(),
        )
        return Response(view.model_dump_json(), media_type="application/json", headers=caller.headers)

    return router


def _outcome(given: ResolutionRequest, catalogue: Catalogue) -> str:
    if (given.inchikey is None) is (given.not_a_substance is None):
        wrong = fault("/inchikey", "one_of", "Give either inchikey or not_a_substance.")
    elif given.inchikey is None:
        return NOT_A_SUBSTANCE
    elif catalogue.entry(given.inchikey) is not None:
        return given.inchikey
    else:
        wrong = fault("/inchikey", "unknown_substance", "The catalogue has no substance of this key.")
    raise Refusal(422, "invalid", errors=(wrong,))


def _refusal(refused: Invalid) -> Refusal:
    match refused.reason:
        case "no_such_substance":
            where = fault("/substance", refused.reason, "The alert has no substance at this place.")
            return Refusal(422, "invalid", errors=(where,))
        case "no_such_review":
            where = fault("/review", refused.reason, "The alert has no such reason to be looked at.")
            return Refusal(422, "invalid", errors=(where,))
        case "not_current":
            return Refusal(409, "conflict", detail="A newer version has replaced this one; resolve that.")
        case _:
            return missing()


def _shown(item: Item) -> ReviewItem:
    return ReviewItem.model_validate(asdict(item))


def _kept(kept: Resolved, *, also: Sequence[str]) -> ResolutionView:
    return ResolutionView(
        id=kept.resolution.id,
        message_id=kept.resolution.message_id,
        finding=kept.resolution.finding,
        substance=kept.resolution.substance,
        outcome=kept.resolution.outcome,
        at=kept.resolution.at,
        revision=kept.version.revision,
        classification=kept.version.classification,
        also=tuple(also),
    )


def _merge_item(merge: Merge) -> MergeItem:
    return MergeItem(
        id=merge.id,
        level=CorrelationLevel(merge.level),
        reason=merge.reason,
        since=merge.linked_at,
        incident_id=merge.joined.incident_id,
        relay_id=merge.joined.relay_id,
        message_id=merge.joined.message_id,
        severity_assessed=merge.joined.level,
        other_relay_id=merge.other.relay_id,
        other_message_id=merge.other.message_id,
        kept_back=merge.kept_back,
    )


def _wanted_merges(request: Request, caller: Caller) -> tuple[WantedMerges, int]:
    query = request.query_params
    wrong, limit = [], query.get("limit", "50")
    if (behind := query.get("since")) is not None and _MERGE_ID.fullmatch(behind) is None:
        wrong.append(fault("/since", "bad_parameter", "A cursor that the relay gave as next."))
    if (kept_back := query.get("kept_back", "false")) not in ("true", "false"):
        wrong.append(fault("/kept_back", "bad_parameter", "true or false."))
    if not _is_limit(limit):
        wrong.append(_wrong_limit())
    if wrong:
        raise Refusal(400, "bad-query", errors=wrong, headers=caller.headers)
    wanted = WantedMerges(behind=behind, relay_id=query.get("relay_id"), kept_back=kept_back == "true")
    return wanted, int(limit)


def _is_limit(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _DIGITS and 1 <= int(text) <= MOST_ON_A_PAGE


def _wrong_limit() -> Fault:
    return fault("/limit", "bad_parameter", f"A number from 1 to {MOST_ON_A_PAGE}.")


def _window(request: Request, caller: Caller) -> tuple[int, int]:
    since = request.query_params.get("since", "0")
    limit = request.query_params.get("limit", "50")
    wrong = []
    if not (since.isascii() and since.isdigit() and len(since) < _DIGITS):
        wrong.append(fault("/since", "bad_parameter", "A cursor that the relay gave as next."))
    if not _is_limit(limit):
        wrong.append(_wrong_limit())
    if wrong:
        raise Refusal(400, "bad-query", errors=wrong, headers=caller.headers)
    return int(since), int(limit)
