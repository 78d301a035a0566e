"""/sign-in: an address, then the code mailed to it, then a session. And /sign-out.

Where a mailbox belongs to several institutions its reader chooses one, after the code has shown who it is.

The answer to an address leaves before anything is looked up for it, over a connection that is then closed:
neither the page nor its timing tells whether the directory knows the address.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.http.authentication import address_of
from services.http.bodies import read_form
from services.http.forms import FIELD, Seals
from services.http.routes import RawRoute
from services.http.sessions import CODE_DIGITS, CODE_TIME, Choice, Sessions, SignedIn
from services.notify.pages.view import View
from services.notify.pages.words import language_of
from services.storage.records import Recipient

FORM_TIME = timedelta(seconds=15)
_AGAIN = "again"
_TRIES = 5
_PURPOSE = "sign-in"
_NEXT = re.compile(r"/(n|alerts)/[A-Za-z0-9-]{1,40}(\?version=[0-9]{1,6})?")  # our own pages, nothing else


def signing_in_routes(
    sessions: Sessions, *, view: View, seals: Seals, clock: Callable[[], datetime]
) -> APIRouter:
    """Return the routes of signing in and out."""
    router = APIRouter(route_class=RawRoute, include_in_schema=False)
    desk = _Desk(sessions, view=view, seals=seals, clock=clock)
    router.add_api_route("/", desk.welcome, methods=["GET"])
    router.add_api_route("/sign-in", desk.show, methods=["GET"])
    router.add_api_route("/sign-in", desk.take, methods=["POST"])
    router.add_api_route("/sign-out", desk.leave, methods=["POST"])
    return router


def sign_in_address(view: View, request: Request) -> str:
    """Return the address of the sign-in page that leads back to this page."""
    here = request.url.path
    if "version" in request.query_params:
        here += f"?version={request.query_params['version']}"
    return f"{view.root}/sign-in?next={quote(here, safe='')}"


def outside(view: View, request: Request) -> Response:
    """Answer who is not signed in: go on to itself once for the cookie's sake, then to the sign-in page.

    A link in a mail arrives without the strict cookie; the second time it comes along.
    """
    came_alone = request.headers.get("sec-fetch-site", "") not in ("same-origin", "none")
    if request.method == "GET" and came_alone and _AGAIN not in request.query_params:
        language = language_of(request)
        say = view.words.within(language)
        onward = f"{view.root}{request.url.path}?{urlencode({**request.query_params, _AGAIN: '1'})}"
        return view.message(
            request,
            language=language,
            title=say("site.continue"),
            text=say("site.continue_why"),
            link=(onward, say("site.continue")),
            refresh=onward,
        )
    headers = {"cache-control": "no-store"}
    return RedirectResponse(sign_in_address(view, request), status_code=303, headers=headers)


class _Desk:
    def __init__(
        self, sessions: Sessions, *, view: View, seals: Seals, clock: Callable[[], datetime]
    ) -> None:
        self._sessions = sessions
        self._view = view
        self._seals = seals
        self._clock = clock

    async def welcome(self, _request: Request) -> Response:
        """Lead who typed the relay's name alone to the sign-in page."""
        return RedirectResponse(f"{self._view.root}/sign-in", status_code=303)

    async def show(self, request: Request) -> Response:
        return self._form(request)

    async def take(self, request: Request) -> Response:
        """Take an address (then a code is sent) or an address with its code (then a session begins)."""
        form = await read_form(request, within=FORM_TIME)
        language = language_of(request)
        if not self._seals.holds(form.get(FIELD, ""), _PURPOSE, now=self._clock()) or cross_site(request):
            return self._form(request, error="page.failed", status=403)
        if not self._sessions.may_ask(address_of(request)):
            return self._view.too_many(request, language=language)
        address = form.get("address", "").strip()
        if not address:
            return self._form(request)
        code = form.get("code", "")
        if not code:
            return self._sent(request, address, language)
        return await self._enter(request, address, code, institution_id=form.get("institution", ""))

    async def leave(self, request: Request) -> Response:
        """End the session; without one, or from another site, nothing happens and the page is the same."""
        form = await read_form(request, within=FORM_TIME)
        language = language_of(request)
        reader = await self._sessions.reader(request)
        say = self._view.words.within(language)
        back = (f"{self._view.root}/sign-in", say("page.sign_in"))
        answer = self._view.message(
            request, language=language, title=say("site.sign_out"), text=say("site.signed_out"), link=back
        )
        if reader and self._seals.holds(form.get(FIELD, ""), reader.session, now=self._clock()):
            await self._sessions.close(request, answer)
        elif reader:
            return self._form(request, error="page.failed", status=403)
        return answer

    def _sent(self, request: Request, address: str, language: str) -> Response:
        answer = self._form(request, address=address, notice="sign_in.sent")
        answer.headers["Connection"] = "close"
        answer.background = BackgroundTask(self._sessions.send, address, language=language)
        return answer

    async def _enter(self, request: Request, address: str, code: str, *, institution_id: str) -> Response:
        opened = await self._sessions.open(address, code, institution_id=institution_id)
        if isinstance(opened, Choice):
            return self._form(request, address=address, code=code, institutions=opened.institutions)
        if opened is None:
            return self._form(request, address=address, error="sign_in.wrong", status=403)
        following = request.query_params.get("next", "")
        target = following if _NEXT.fullmatch(following) else "/alerts"
        answer = RedirectResponse(self._view.root + target, status_code=303)
        self._sessions.give(answer, opened.token)
        return answer

    def _form(
        self,
        request: Request,
        *,
        address: str = "",
        code: str = "",
        institutions: Sequence[Recipient] = (),
        notice: str | None = None,
        error: str | None = None,
        status: int = 200,
    ) -> Response:
        language = language_of(request)
        say = self._view.words.within(language)
        minutes = int(CODE_TIME.total_seconds()) // 60
        named = [(notice, "done"), (error, "error")]
        values = {
            "title": say("page.sign_in"),
            "action": self._view.here(request, lang=language),
            "address": address[:254],
            "code": code[:16],
            "institutions": [
                {"id": one.id, "name": f"{one.organisation} ({one.country})"} for one in institutions
            ],
            "digits": CODE_DIGITS,
            "seal": self._seals.make(_PURPOSE, now=self._clock(), nonce=secrets.token_hex(8)),
            "notices": [
                {"kind": kind, "text": say(name, digits=CODE_DIGITS, minutes=minutes, tries=_TRIES)}
                for name, kind in named
                if name
            ],
        }
        return self._view.page("sign_in.html", request, language=language, values=values, status=status)


def cross_site(request: Request) -> bool:
    """Return whether the browser says that another site sent this form."""
    return request.headers.get("sec-fetch-site") == "cross-site"


def reader_values(reader: SignedIn, *, seals: Seals, now: datetime) -> dict[str, str]:
    """Return what every signed-in page shows of the session."""
    return {
        "signed_in": reader.recipient.organisation,
        "session_seal": seals.make(reader.session, now=now, nonce=secrets.token_hex(8)),
    }
