"""/alerts: the alerts that who is signed in may see, newest first, one line for each thread.

A line is that of the newest version that this reader may see. What is hidden from a reader costs time too, so a
page may end early, with its cursor. Each view of TLP:RED by the secretariat is evidenced here as on its page.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.disclosure import Reader, Surface, restricted
from services.http.forms import Seals
from services.http.reading import Reading, Sight
from services.http.routes import RawRoute
from services.http.sessions import Sessions, SignedIn
from services.notify.links import make_links
from services.notify.pages.signing_in import outside, reader_values
from services.notify.pages.telling import Teller
from services.notify.pages.view import View
from services.notify.pages.words import language_of
from services.storage.ports import Threads
from services.storage.records import Version

ON_A_PAGE = 25
_MOST_ROUNDS = 20
_CURSOR = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True, kw_only=True)
class _Found:
    sights: list[Sight] = field(default_factory=list)
    cursor: int = 0  # 0: there is nothing older


def listing_routes(
    threads: Threads,
    *,
    reading: Reading,
    sessions: Sessions,
    view: View,
    teller: Teller,
    seals: Seals,
    clock: Callable[[], datetime],
) -> APIRouter:
    """Return the route of the list."""
    router = APIRouter(route_class=RawRoute, include_in_schema=False)
    page = _ListPage(
        threads, reading=reading, sessions=sessions, view=view, teller=teller, seals=seals, clock=clock
    )
    router.add_api_route("/alerts", page.show, methods=["GET"])
    return router


class _ListPage:
    def __init__(
        self,
        threads: Threads,
        *,
        reading: Reading,
        sessions: Sessions,
        view: View,
        teller: Teller,
        seals: Seals,
        clock: Callable[[], datetime],
    ) -> None:
        self._threads = threads
        self._reading = reading
        self._sessions = sessions
        self._view = view
        self._teller = teller
        self._seals = seals
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """Show one page of the list; `before` is the cursor of an earlier one, anything else the beginning."""
        signed_in = await self._sessions.reader(request)
        if signed_in is None:
            return outside(self._view, request)
        language = language_of(request, known=signed_in.recipient.language)
        asked = request.query_params.get("before", "")
        before = int(asked) if _CURSOR.fullmatch(asked) else 0
        reader = Reader(recipient=signed_in.recipient, surface=Surface.PAGE)
        found = await self._find(reader, before=before)
        values = {
            **reader_values(signed_in, seals=self._seals, now=self._clock()),
            "title": self._view.words.say(language, "site.alerts"),
            "rows": [self._row(one, signed_in, language) for one in found.sights],
            "older": self._address(language, before=found.cursor) if found.cursor else None,
            "first": self._address(language) if before else None,
        }
        return self._view.page("list.html", request, language=language, values=values)

    async def _find(self, reader: Reader, *, before: int) -> _Found:
        found, listed = _Found(cursor=before), set[str]()
        for _ in range(_MOST_ROUNDS):
            page = await self._threads.newest(before=found.cursor, most=ON_A_PAGE - len(found.sights))
            found.cursor = page.cursor
            for version in page.versions:
                sight = await self._newest_seen(version, reader, listed=listed)
                if sight is not None:
                    listed.add(version.thread.id)
                    found.sights.append(sight)
            if not page.cursor or len(found.sights) == ON_A_PAGE:
                break
        return found

    async def _newest_seen(self, version: Version, reader: Reader, *, listed: set[str]) -> Sight | None:
        """Return a version where it is the newest of its thread that this reader may see."""
        if version.thread.id in listed:
            return None
        if version.thread_version < version.thread.version:
            seen = await self._reading.visible_history(version, reader)
            if any(one.thread_version > version.thread_version for one in seen):
                return None
        sight = await self._reading.sight(version, reader)
        return sight if sight.shown else None

    def _row(self, sight: Sight, signed_in: SignedIn, language: str) -> dict[str, Any]:
        version, thread = sight.version, sight.version.thread
        links = make_links(
            self._view.base,
            relay_id=thread.relay_id,
            opaque_id=thread.opaque_id,
            notification_id="",
            token="",
            restricted=restricted(thread.strictest_tlp),
        )
        reader = Reader(recipient=signed_in.recipient, surface=Surface.PAGE)
        line = self._teller.line(sight, reader, links=links, language=language)
        say = self._view.words.within(language)
        states = [thread.state, "disputed"] if thread.disputed else [thread.state]
        return {
            "subject": line.subject,
            "url": f"{links.page}?{urlencode({'lang': language})}",
            "level": line.severity,
            "severity": say(f"severity.{line.severity}"),
            "country": line.country,
            "state": ", ".join(say(f"thread_state.{one}") for one in states),
            "received": self._teller.moments(signed_in.recipient, language)(version.message.received_at),
        }

    def _address(self, language: str, **more: int) -> str:
        return f"{self._view.root}/alerts?{urlencode({'lang': language, **more})}"
