"""/n/{opaque reference} and /alerts/{relay id}: the whole alert, for who is signed in and may see it.

What does not exist and what this reader may not see are one page, 404; who is not signed in is sent to sign in
before anything is looked up.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.disclosure import Content, Reader, Surface, restricted
from services.http.answers import SEEN, answer_of
from services.http.bodies import read_form
from services.http.envelope import HEAD
from services.http.forms import Seals
from services.http.reading import INSIDE, Reading, Sight
from services.http.routes import RawRoute
from services.http.sessions import Sessions, SignedIn
from services.notify.inbox import Inbox, told_of
from services.notify.links import make_links
from services.notify.page_letters import is_taken_back
from services.notify.pages import forms
from services.notify.pages.answers import answers_shown
from services.notify.pages.comparing import changes_on_page, facts_that_stand
from services.notify.pages.signing_in import FORM_TIME, cross_site, outside, reader_values
from services.notify.pages.telling import Teller
from services.notify.pages.view import View
from services.notify.pages.words import language_of
from services.storage.delivery_records import NewAnswer
from services.storage.ports import Threads
from services.storage.records import Notification, Thread, Version

_LONGEST_REFERENCE = 40


def alert_routes(
    inbox: Inbox,
    threads: Threads,
    *,
    reading: Reading,
    sessions: Sessions,
    view: View,
    teller: Teller,
    seals: Seals,
    clock: Callable[[], datetime],
) -> APIRouter:
    """Return the routes of the pages of alerts, and of their style sheet."""
    router = APIRouter(route_class=RawRoute, include_in_schema=False)
    page = _AlertPage(
        inbox,
        threads,
        reading=reading,
        sessions=sessions,
        view=view,
        teller=teller,
        seals=seals,
        clock=clock,
    )

    async def styles(_request: Request) -> Response:
        return view.styles()

    for path in ("/n/{reference}", "/alerts/{reference}"):
        router.add_api_route(path, page.show, methods=["GET"])
        router.add_api_route(path, page.take, methods=["POST"])
    router.add_api_route("/pages.css", styles, methods=["GET"])
    return router


class _AlertPage:
    def __init__(
        self,
        inbox: Inbox,
        threads: Threads,
        *,
        reading: Reading,
        sessions: Sessions,
        view: View,
        teller: Teller,
        seals: Seals,
        clock: Callable[[], datetime],
    ) -> None:
        self._inbox = inbox
        self._threads = threads
        self._reading = reading
        self._sessions = sessions
        self._view = view
        self._teller = teller
        self._seals = seals
        self._clock = clock

    async def show(self, request: Request) -> Response:
        signed_in = await self._sessions.reader(request)
        if signed_in is None:
            return outside(self._view, request)
        sight = await self._sight(request, signed_in, asked=request.query_params.get("version", ""))
        if sight is None:
            return self._nothing(request, signed_in)
        await self._mark_seen(request, sight, signed_in)
        return await self._page(request, sight, signed_in)

    async def take(self, request: Request) -> Response:
        """Keep the answer of a signed-in institution to the version that its form was shown with."""
        fields = await read_form(request, within=FORM_TIME)
        signed_in = await self._sessions.reader(request)
        if signed_in is None:
            return outside(self._view, request)
        sight = await self._sight(request, signed_in, asked=request.query_params.get("version", ""))
        if sight is None:
            return self._nothing(request, signed_in)
        message_id, now = sight.version.message.id, self._clock()
        sealed = forms.sealed(fields, _purpose(signed_in, message_id), seals=self._seals, now=now)
        say = self._view.words.within(_language(request, signed_in))
        filled = forms.read_answer(fields, sealed=sealed and not cross_site(request), now=now, say=say)
        if filled.error is None:
            new = filled.answer(message_id=message_id, recipient_id=signed_in.recipient.id, via="page")
            if await self._inbox.acknowledge(new, now=now) is None:
                return self._nothing(request, signed_in)
        return await self._page(request, sight, signed_in, filled=filled)

    async def _sight(self, request: Request, signed_in: SignedIn, *, asked: str) -> Sight | None:
        """Return the version that was asked for, else the newest that this reader may see."""
        thread = await self._thread(request)
        if thread is None:
            return None
        reader = Reader(recipient=signed_in.recipient, surface=Surface.PAGE)
        history = await self._threads.history(thread.id)
        for version in reversed(history):
            if asked and str(version.thread_version) != asked:
                continue
            later = self._reading.later_in(version, history)
            if self._reading.judge(version, reader, later=later).content in (Content.FULL, Content.FINDINGS):
                return await self._reading.sight(version, reader)
        return await self._withdrawn(history, reader)

    async def _withdrawn(self, history: list[Version], reader: Reader) -> Sight | None:
        """Return the message that took back what this reader had, if it was told without content."""
        for version in reversed(history):
            told = told_of(await self._inbox.of_message(version.message.id), reader.recipient.id)
            if told is not None and is_taken_back(told):
                return await self._reading.sight(version, reader)
        return None

    async def _thread(self, request: Request) -> Thread | None:
        reference = request.path_params["reference"]
        if len(reference) > _LONGEST_REFERENCE or not reference.isascii() or not reference.isprintable():
            return None
        if request.url.path.startswith("/n/"):
            return await self._threads.by_opaque_id(reference)
        return await self._threads.by_relay_id(reference)

    async def _mark_seen(self, request: Request, sight: Sight, signed_in: SignedIn) -> None:
        """Remember that the institution looked, once, unless it answered; a browser reading ahead is nobody."""
        if request.scope.get(HEAD) or "sec-purpose" in request.headers or "purpose" in request.headers:
            return
        message_id, recipient_id = sight.version.message.id, signed_in.recipient.id
        if answer_of(await self._inbox.answers_of(message_id), recipient_id) is not None:
            return
        if told_of(await self._inbox.of_message(message_id), recipient_id) is not None:
            new = NewAnswer(message_id=message_id, recipient_id=recipient_id, state=SEEN, via="page")
            await self._inbox.acknowledge(new, now=self._clock())

    async def _page(
        self, request: Request, sight: Sight, signed_in: SignedIn, *, filled: forms.Filled | None = None
    ) -> Response:
        version, recipient = sight.version, signed_in.recipient
        language = _language(request, signed_in)
        say = self._view.words.within(language)
        answered = answer_of(await self._inbox.answers_of(version.message.id), recipient.id)
        told = told_of(await self._inbox.of_message(version.message.id), recipient.id)
        notices = forms.notices_of(
            error=filled.error if filled else None,
            answered=answered,
            just_now=filled is not None and filled.error is None,
            version=version.thread_version,
            newest=version.thread.version,
            retracted=forms.is_withdrawn(version),
            say=say,
            moment=self._teller.moments(recipient, language),
        )
        form = forms.form_values(
            action=f"{request.url.path}?{urlencode({'version': version.thread_version, 'lang': language})}",
            purpose=_purpose(signed_in, version.message.id),
            recipient=recipient,
            answered=answered,
            filled=filled,
            notices=notices,
            recall=True,
            seals=self._seals,
            now=self._clock(),
        )
        values = await self._content(sight, signed_in, language, told) | {
            **reader_values(signed_in, seals=self._seals, now=self._clock()),
            "notices": notices,
            "versions": await self._versions(request, sight, signed_in, language),
            "answers": await self._answers(sight, signed_in, language),
            "form": {**form, "action": self._view.root + str(form["action"])} if told else None,
        }
        status = filled.status if filled else 200
        return self._view.page("alert.html", request, language=language, values=values, status=status)

    async def _content(
        self, sight: Sight, signed_in: SignedIn, language: str, told: Notification | None
    ) -> dict[str, Any]:
        thread = sight.version.thread
        links = make_links(
            self._view.base,
            relay_id=thread.relay_id,
            opaque_id=thread.opaque_id,
            notification_id="",
            token="",
            restricted=restricted(thread.strictest_tlp),
        )
        reader = Reader(recipient=replace(signed_in.recipient, language=language), surface=Surface.PAGE)
        changes = await changes_on_page(sight, reader, threads=self._threads, reading=self._reading)
        stands = await facts_that_stand(sight, reader, threads=self._threads, reading=self._reading)
        facts = self._teller.facts(stands, reader, links=links, language=language) if stands else None
        page = self._teller.tell(sight, reader, links=links, language=language, told=told, changes=changes)
        return {"title": page.reference, "content": page.html, "colour": page.colour, "stands": facts}

    async def _answers(self, sight: Sight, signed_in: SignedIn, language: str) -> dict[str, Any] | None:
        """Return who answered what, for the sender and the secretariat; None for everybody else."""
        if sight.disclosed.reason not in INSIDE:
            return None
        message_id = sight.version.message.id
        return answers_shown(
            await self._inbox.answers_of(message_id),
            await self._reading.institutions(),
            await self._inbox.reach(message_id),
            voice=self._teller.voice(signed_in.recipient, language),
            say=self._view.words.within(language),
        )

    async def _versions(
        self, request: Request, sight: Sight, signed_in: SignedIn, language: str
    ) -> list[dict[str, Any]]:
        reader = Reader(recipient=signed_in.recipient, surface=Surface.PAGE)
        say = self._view.words.within(language)
        moment = self._teller.moments(signed_in.recipient, language)
        return [
            {
                "here": one.message.id == sight.version.message.id,
                "text": _version_text(one, say=say, moment=moment),
                "url": f"{self._view.root}{request.url.path}?"
                + urlencode({"version": one.thread_version, "lang": language}),
            }
            for one in await self._reading.visible_history(sight.version, reader)
        ]

    def _nothing(self, request: Request, signed_in: SignedIn) -> Response:
        return self._view.not_found(request, language=_language(request, signed_in))


def _language(request: Request, signed_in: SignedIn) -> str:
    return language_of(request, known=signed_in.recipient.language)


def _purpose(signed_in: SignedIn, message_id: str) -> str:
    return f"{signed_in.session}:{message_id}"


def _version_text(version: Version, *, say: Callable[..., str], moment: Callable[[datetime], str]) -> str:
    number = say("label.version", n=version.thread_version)
    kind = say(f"message_type.{version.message_type.value}")
    return f"{number}: {kind}, {moment(version.message.received_at)}"
