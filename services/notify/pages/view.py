"""Writing pages: templates, the language links, the headers that every page has."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.http.envelope import PAGE
from services.notify.pages.words import NAMES, Words
from services.notify.typography import colon

_HEADERS = {"content-security-policy": PAGE, "cache-control": "no-store"}
_STYLES_FOR = "public, max-age=3600"


class View:
    """Turns a template and its values into a page."""

    def __init__(self, words: Words, *, public_url: str) -> None:
        """`public_url` is how readers reach the relay: links and forms are written under its path."""
        self.words = words
        self.base = public_url.rstrip("/")
        self.root = urlsplit(public_url).path.rstrip("/")
        self._templates = Environment(
            loader=PackageLoader("services.notify.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._styles = files("services.notify.pages").joinpath("templates", "pages.css").read_bytes()

    def page(
        self,
        template: str,
        request: Request,
        *,
        language: str,
        values: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        """Return a page in `language`; `values` are what its template names."""
        text = self._templates.get_template(template).render(
            {"signed_in": None, "session_seal": "", "notices": (), **values},
            language=language,
            languages=NAMES,
            words=self.words.within(language),
            root=self.root,
            colon=colon(language),
            here=lambda code: self.here(request, lang=code),
        )
        return HTMLResponse(text, status_code=status, headers=_HEADERS)

    def message(
        self,
        request: Request,
        *,
        language: str,
        title: str,
        text: str,
        status: int = 200,
        link: tuple[str, str] | None = None,
        refresh: str | None = None,
    ) -> Response:
        """Return a page that says one thing; `link` is (address, text), `refresh` an address to go on to."""
        values = {
            "title": title,
            "text": text,
            "link": {"url": link[0], "text": link[1]} if link else None,
            "refresh": refresh,
        }
        return self.page("message.html", request, language=language, values=values, status=status)

    def not_found(self, request: Request, *, language: str) -> Response:
        """Return the one page for what is not there and what this reader may not see."""
        say = self.words.within(language)
        title, text = say("site.not_found_title"), say("site.not_found")
        return self.message(request, language=language, title=title, text=text, status=404)

    def too_many(self, request: Request, *, language: str) -> Response:
        """Return the page for who tries too often."""
        say = self.words.within(language)
        title = say("site.name")
        answer = self.message(request, language=language, title=title, text=say("site.too_many"), status=429)
        answer.headers["Retry-After"] = "600"
        return answer

    def here(self, request: Request, **changes: str) -> str:
        """Return the address of this page with parameters of its query changed."""
        query = {
            name: value for name, value in request.query_params.items() if name in ("lang", "next", "before")
        }
        return f"{self.root}{request.url.path}?{urlencode(query | changes)}"

    def styles(self) -> Response:
        """Return the style sheet."""
        return Response(self._styles, media_type="text/css", headers={"cache-control": _STYLES_FOR})
