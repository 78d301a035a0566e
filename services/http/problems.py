"""Refusals as RFC 9457 problems: one form for every fault of every call.

A handler raises `Refusal`; the application turns it, and all that the framework raises by itself, into
`application/problem+json`. No problem repeats a value that was sent.
Source: RFC 9457 §3, RFC 9110 §10.2.3 (Retry-After).
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from schemas.problems import Fault, Problem

MEDIA_TYPE = "application/problem+json"
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TYPES = "/docs/problems#"  # followed by the problem's kind: the page is served by the relay itself


class Refusal(Exception):
    """A call is refused: status, kind, what to tell the caller."""

    def __init__(
        self,
        status: int,
        kind: str,
        *,
        detail: str | None = None,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what the answer needs; `kind` is a key of `services.http.codes.KINDS`."""
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def problem_of(refusal: Refusal, *, instance: str | None = None) -> Problem:
    """Return the problem document of a refusal; `instance` is the path that was called."""
    return Problem(
        type=TYPES + refusal.kind,
        title=title_of(refusal.status),
        status=refusal.status,
        detail=refusal.detail or KINDS.get(refusal.kind),
        instance=instance,
        errors=refusal.errors,
    )


def answer(refusal: Refusal, request: Request) -> Response:
    """Return the HTTP answer to a refused call."""
    document = problem_of(refusal, instance=request.url.path[:200])
    return Response(
        document.model_dump_json(exclude_none=True),
        status_code=refusal.status,
        media_type=MEDIA_TYPE,
        headers=refusal.headers,
    )


def title_of(status: int) -> str:
    """Return the registered phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def missing() -> Refusal:
    """Return the refusal for what is not there, or not for this reader: the two look alike."""
    return Refusal(404, "not-found")


def is_id(text: str) -> bool:
    """Return whether a text has the form of our ids; no other is ever looked up."""
    return _ID.fullmatch(text) is not None


def fault(pointer: str, code: str, detail: str) -> Fault:
    """Return one fault of a request; `pointer` is a JSON Pointer into it (a query's: into its parameters)."""
    return Fault(pointer=pointer, code=code, detail=detail)


KINDS: Mapping[str, str] = {
    "bad-request": "The request cannot be read.",
    "not-json": "The body is not JSON in UTF-8.",
    "too-deep": "The body is JSON, and nested too deep; see errors.",
    "bad-query": "A parameter of the query is wrong; see errors.",
    "bad-idempotency-key": "Idempotency-Key must be 1 to 255 visible ASCII characters, quoted or bare.",
    "unauthorized": "Send a valid API key: Authorization: Bearer KEY.",
    "forbidden": "The key may not do this.",
    "scope": "The key lacks the scope that this call needs.",
    "country": "The key may not report for this country.",
    "sender": "The sender stated in the alert is not the one of the key.",
    "not-found": "There is nothing here that you may see.",
    "method-not-allowed": "This resource does not know the method.",
    "timeout": "The request did not arrive in time.",
    "conflict": "The reference and version are taken by another content; send a higher version.",
    "too-large": "The body is larger than this call takes.",
    "media-type": "Send application/json.",
    "content-encoding": "Compressed bodies are refused; send the JSON as it is.",
    "invalid": "The request was understood and cannot be accepted; see errors.",
    "idempotency-key-reused": "This Idempotency-Key was used with another body.",
    "quota-exceeded": "Too many requests; wait as Retry-After says.",
    "internal": "The relay failed; the fault was logged. Nothing is known of the request: repeat it.",
    "unavailable": "The ledger is out of reach; nothing was kept. Repeat the request after Retry-After.",
}
