"""/a/{token}: the personal link. GET shows and records nothing, whoever asks; only the sent form answers.

Unknown, expired and revoked links are one page, 404. Content is shown up to TLP:GREEN; above, a link to sign in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.disclosure import Content, Reader, Surface
from services.http.answers import answer_of
from services.http.authentication import address_of
from services.http.bodies import read_form
from services.http.forms import Seals
from services.http.limits import Bucket, Quota
from services.http.reading import Reading, Sight
from services.http.routes import RawRoute
from services.http.sessions import welcome
from services.notify.inbox import Inbox, told_of
from services.notify.links import VALID_FOR, LinkKeys, expired, make_links, read_token, recipient_of
from services.notify.page_letters import content_of
from services.notify.pages import forms
from services.notify.pages.comparing import changes_on_page, facts_that_stand
from services.notify.pages.signing_in import FORM_TIME, cross_site
from services.notify.pages.telling import Teller
from services.notify.pages.view import View
from services.notify.pages.words import language_of
from services.storage.ports import Threads
from services.storage.records import Directory, Notification, Recipient, Version

_ASKED = Quota(requests=300, window=timedelta(minutes=10))  # from one network address
_LONGEST_TOKEN = 100


def answering_routes(
    inbox: Inbox,
    threads: Threads,
    *,
    reading: Reading,
    directory: Callable[[], Awaitable[Directory]],
    keys: LinkKeys,
    view: View,
    teller: Teller,
    seals: Seals,
    clock: Callable[[], datetime],
    ticks: Callable[[], float],
) -> APIRouter:
    """Return the routes of the acknowledgement page."""
    router = APIRouter(route_class=RawRoute, include_in_schema=False)
    page = _AnswerPage(
        inbox,
        threads,
        reading=reading,
        directory=directory,
        keys=keys,
        view=view,
        teller=teller,
        seals=seals,
        clock=clock,
        ticks=ticks,
    )
    router.add_api_route("/a/{token}", page.show, methods=["GET"])
    router.add_api_route("/a/{token}", page.take, methods=["POST"])
    return router


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """What a valid link opens."""

    token: str
    version: Version
    recipient: Recipient
    routed_at: datetime
    language: str


class _AnswerPage:
    def __init__(
        self,
        inbox: Inbox,
        threads: Threads,
        *,
        reading: Reading,
        directory: Callable[[], Awaitable[Directory]],
        keys: LinkKeys,
        view: View,
        teller: Teller,
        seals: Seals,
        clock: Callable[[], datetime],
        ticks: Callable[[], float],
    ) -> None:
        self._inbox = inbox
        self._threads = threads
        self._reading = reading
        self._directory = directory
        self._keys = keys
        self._view = view
        self._teller = teller
        self._seals = seals
        self._clock = clock
        self._ticks = ticks
        self._asked = Bucket(_ASKED)

    async def show(self, request: Request) -> Response:
        if not self._asked.take(address_of(request), now=self._ticks()).allowed:
            return self._view.too_many(request, language=language_of(request))
        opened = await self._open(request)
        return self._closed(request) if opened is None else await self._page(request, opened)

    async def take(self, request: Request) -> Response:
        """Keep the answer of a form that was shown for this link."""
        fields = await read_form(request, within=FORM_TIME)
        if not self._asked.take(address_of(request), now=self._ticks()).allowed:
            return self._view.too_many(request, language=language_of(request))
        opened = await self._open(request)
        if opened is None:
            return self._closed(request)
        now = self._clock()
        sealed = forms.sealed(fields, _purpose(opened.token), seals=self._seals, now=now)
        say = self._view.words.within(opened.language)
        filled = forms.read_answer(fields, sealed=sealed and not cross_site(request), now=now, say=say)
        if filled.error is None:
            new = filled.answer(
                message_id=opened.version.message.id, recipient_id=opened.recipient.id, via="link"
            )
            if await self._inbox.acknowledge(new, now=now) is None:
                return self._closed(request)
        return await self._page(request, opened, filled=filled)

    async def _open(self, request: Request) -> _Open | None:
        text = request.path_params["token"]
        token = read_token(self._keys, text) if len(text) < _LONGEST_TOKEN else None
        if token is None:
            return None
        recipient_id = recipient_of(token, await self._inbox.recipients_of(token.message_id))
        version = await self._threads.version(token.message_id)
        if recipient_id is None or version is None:
            return None
        recipient = (await self._directory()).recipients.get(recipient_id)
        routed_at = await self._inbox.routed_at(token.message_id, recipient_id)
        if recipient is None or not welcome(recipient) or routed_at is None:
            return None
        if expired(sent_at=routed_at, now=self._clock()):
            return None
        return _Open(
            token=text,
            version=version,
            recipient=recipient,
            routed_at=routed_at,
            language=language_of(request, known=recipient.language),
        )

    async def _page(self, request: Request, opened: _Open, *, filled: forms.Filled | None = None) -> Response:
        version, recipient = opened.version, opened.recipient
        sight = await self._reading.sight(version, Reader(recipient=recipient, surface=Surface.LINK))
        answered = answer_of(await self._inbox.answers_of(version.message.id), recipient.id)
        kept = filled is not None and filled.error is None
        told = told_of(await self._inbox.of_message(version.message.id), recipient.id)
        notices = forms.notices_of(
            error=filled.error if filled else None,
            answered=answered,
            just_now=kept,
            version=version.thread_version,
            newest=version.thread.version,
            retracted=forms.is_withdrawn(version),
            say=self._view.words.within(opened.language),
            moment=self._teller.moments(recipient, opened.language),
        )
        values = await self._values(opened, sight, told) | {
            "notices": notices,
            "form": forms.form_values(
                action=self._view.here(request, lang=opened.language),
                purpose=_purpose(opened.token),
                recipient=recipient,
                answered=answered,
                filled=filled,
                notices=notices,
                recall=sight.shown,
                seals=self._seals,
                now=self._clock(),
            ),
        }
        status = filled.status if filled else 200
        return self._view.page("answer.html", request, language=opened.language, values=values, status=status)

    async def _values(self, opened: _Open, sight: Sight, told: Notification | None) -> dict[str, Any]:
        thread = opened.version.thread
        say = self._view.words.within(opened.language)
        links = make_links(
            self._view.base,
            relay_id=thread.relay_id,
            opaque_id=thread.opaque_id,
            notification_id="",
            token=opened.token,
            restricted=not sight.shown,
        )
        reader = Reader(recipient=replace(opened.recipient, language=opened.language), surface=Surface.LINK)
        changes = await changes_on_page(sight, reader, threads=self._threads, reading=self._reading)
        stands = await facts_that_stand(sight, reader, threads=self._threads, reading=self._reading)
        facts = self._teller.facts(stands, reader, links=links, language=opened.language) if stands else None
        page = self._teller.tell(
            sight, reader, links=links, language=opened.language, told=told, changes=changes
        )
        last_day = self._teller.days(opened.recipient, opened.language)(opened.routed_at + VALID_FOR)
        return {
            "title": say("page.title", ref=page.reference),
            "content": page.html,
            "stands": facts,
            "colour": page.colour,
            "restricted": content_of(sight, told) is Content.NOTICE,
            "tlp": sight.tlp.value,
            "page_url": links.page,
            "last_day": last_day,
        }

    def _closed(self, request: Request) -> Response:
        language = language_of(request)
        say = self._view.words.within(language)
        back = (f"{self._view.root}/sign-in", say("page.sign_in"))
        title = say("site.not_found_title")
        return self._view.message(
            request, language=language, title=title, text=say("page.expired"), status=404, link=back
        )


def _purpose(token: str) -> str:
    return f"a:{token}"
