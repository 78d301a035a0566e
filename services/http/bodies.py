"""Reading a body: bounded while it arrives, never decompressed, of the media type that the call takes."""

import asyncio
import re
from contextlib import suppress
from datetime import timedelta
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Message

from services.http.fields import field
from services.http.problems import Refusal

ALERT_BYTES = 1 << 20
BATCH_BYTES = 8 << 20
FORM_BYTES = 16 << 10
_MOST_FIELDS = 20
_LINGER_BYTES = 32 << 20
_LINGER_TIME = timedelta(seconds=2)
_IDEMPOTENCY_KEY = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x7e]{1,255})')


async def read_json(request: Request, *, most: int, within: timedelta) -> bytes:
    """Return the raw body of a JSON call.

    Raises `Refusal` 415 for another media type or an encoded body, 413 over `most` bytes, 408 when it does
    not arrive `within` the time.
    """
    _refuse_encoding(request)
    kind = field(request, b"content-type").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(415, "media-type", headers={"Accept": "application/json"})
    return await _read(request, most=most, within=within)


async def read_form(request: Request, *, within: timedelta) -> dict[str, str]:
    """Return the fields of a posted form, of one given twice the last; raises `Refusal` as `read_json`."""
    _refuse_encoding(request)
    kind = field(request, b"content-type").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal(415, "media-type", detail="Send a form: application/x-www-form-urlencoded.")
    body = await _read(request, most=FORM_BYTES, within=within)
    try:
        return dict(
            parse_qsl(
                body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
            )
        )
    except ValueError as fault:
        raise Refusal(400, "bad-request") from fault


def idempotency_key(request: Request) -> str | None:
    """Return the `Idempotency-Key`, a quoted structured string or bare; None where there is none."""
    given = [value for name, value in request.scope["headers"] if name == b"idempotency-key"]
    if not given:
        return None
    found = _IDEMPOTENCY_KEY.fullmatch(given[0].decode("latin-1").strip()) if len(given) == 1 else None
    if found is None:
        raise Refusal(400, "bad-idempotency-key")
    return found[1] or found[2]


def _refuse_encoding(request: Request) -> None:
    encoding = field(request, b"content-encoding").strip().lower()
    if encoding not in ("", "identity"):
        raise Refusal(415, "content-encoding", headers={"Accept-Encoding": "identity"})


async def _read(request: Request, *, most: int, within: timedelta) -> bytes:
    length = field(request, b"content-length")
    if length.isdigit() and int(length[:20]) > most:
        await _linger(request)
        raise _too_large(most)
    try:
        first = (
            await request.receive()
        )  # mostly all of it: no timer is set, the envelope's own limits the wait
        if first["type"] == "http.request" and not first.get("more_body", False):
            body: bytes = first.get("body", b"")
            if len(body) > most:
                raise _too_large(most)
            return body
        async with asyncio.timeout(within.total_seconds()):
            return await _collect(request, first, most=most)
    except TimeoutError as fault:
        raise Refusal(408, "timeout", headers={"Connection": "close"}) from fault


async def _collect(request: Request, message: Message, *, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            if message.get("more_body", False):
                await _linger(request)
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await request.receive()
    raise Refusal(400, "bad-request")  # the caller hung up: nobody is left to read the answer


async def _linger(request: Request) -> None:
    """Read on for a moment: closed at once, the connection would be reset before the sender has read the answer.

    Source: RFC 9112 §9.6 (lingering close).
    """
    size, more = 0, True
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_TIME.total_seconds()):
            while more and size < _LINGER_BYTES:
                message = await request.receive()
                size += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)


def _too_large(most: int) -> Refusal:
    return Refusal(413, "too-large", detail=f"At most {most} bytes.", headers={"Connection": "close"})
