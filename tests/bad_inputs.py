"""Posts that must be refused, each with the status and one pointer that the answer must hold.

Those marked `http_only` are refused before the alert is parsed: by their headers.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.bad_values import (
    AT_ANOTHER_PLACE,
    LISTS,
    REQUIRED,
    TEXTS,
    UNKNOWN_IN,
    VALUES,
    WORDS,
    full_alert_json,
)
from tests.builders import minimal_alert_json

_JSON = {"content-type": "application/json"}
_LEAVE_OUT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class BadInput:
    """One body; `pointer` None means that the fault is of the whole body."""

    name: str
    body: bytes
    status: int
    pointer: str | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_JSON))
    http_only: bool = False


def _with(path: str, value: Any) -> bytes:
    """Return the full alert with `value` at the JSON Pointer `path`, or without it."""
    alert = full_alert_json()
    *parents, last = path[1:].split("/")
    at: Any = alert
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if value is _LEAVE_OUT:
        del at[last]
    elif isinstance(at, list):
        at[int(last)] = value
    else:
        at[last] = value
    return json.dumps(alert).encode()


def _raw() -> Iterator[BadInput]:
    least = json.dumps(minimal_alert_json())
    for name, body in {
        "empty": b"",
        "blanks": b"  \n",
        "truncated": least.encode()[:-1],
        "truncated in a string": least.encode()[:30],
        "text": b"hello",
        "single quotes": b"{'a': 1}",
        "trailing comma": least.encode()[:-1] + b",}",
        "comment": b"/* */" + least.encode(),
        "two alerts": least.encode() * 2,
        "byte order mark": b"\xef\xbb\xbf" + least.encode(),
        "UTF-16": least.encode("utf-16"),
        "Latin-1": json.dumps(minimal_alert_json(title="éxtasis"), ensure_ascii=False).encode("latin-1"),
        "raw NUL": least.replace("SAT-UY", "SAT\0UY").encode(),
        "raw control": least.replace("SAT-UY", "SAT\x01UY").encode(),
        "binary": bytes(range(256)),
        "form": b"title=a&tlp=b",
        "10,000 open lists": b"[" * 10_000,
        "10,000 open objects": b'{"a":' * 10_000,
        "deep extension": json.dumps(minimal_alert_json(x_deep=_nested(40))).encode(),
        "deep unknown field": json.dumps(minimal_alert_json(deep=_nested(33))).encode(),
    }.items():
        yield BadInput(name=name, body=body, status=400)
    for name, body in {
        "100,000 open lists": b"[" * 100_000,
        "100,000 open objects": b'{"a":' * 100_000,
        "500,000 zeros": f'{least[:-1]}, "x_a": [{"0," * 500_000}0]}}'.encode(),
        "300,000 empty objects": f'{least[:-1]}, "x_a": [{"{}," * 300_000}0]}}'.encode(),
    }.items():
        yield BadInput(name=name, body=body, status=413, pointer="")
    for name, body in {
        "list": b"[]",
        "null": b"null",
        "number": b"1",
        "string": b'"a"',
        "true": b"true",
    }.items():
        yield BadInput(name=f"{name} instead of an object", body=body, status=422, pointer="")


def _nested(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


def _lexical() -> Iterator[BadInput]:
    least = json.dumps(minimal_alert_json())
    for name, extra, place in (
        ("duplicate key", '"title": "b"', "/title"),
        ("duplicate extension", '"x_a": 1, "x_a": 1', "/x_a"),
        ("duplicate key below", '"x_a": {"b": 1, "b": 2}', "/x_a/b"),
        ("NaN", '"x_a": NaN', "/x_a"),
        ("Infinity", '"x_a": [-Infinity]', "/x_a/0"),
        ("1e999", '"x_a": 1e999', "/x_a"),
        ("1e999 in a field", '"source_count": 1e999', "/source_count"),
        ("10,000 digits", f'"source_count": {"9" * 10_000}', "/source_count"),
        ("20 digits", f'"source_count": {"9" * 20}', "/source_count"),
        ("15 digits", f'"source_count": {"9" * 15}', "/source_count"),
        ("escaped NUL", r'"x_a": "a\u0000b"', "/x_a"),
        ("escaped NUL in a field", r'"handling_note": "a\u0000b"', "/handling_note"),
        ("escaped NUL in a key", r'"x_\u0000": 1', "/x_\0"),
        ("lone surrogate", r'"x_a": "\ud800"', "/x_a"),
        ("low surrogate", r'"handling_note": "a\udc00"', "/handling_note"),
        ("surrogates in the wrong order", r'"handling_note": "\udc00\ud800"', "/handling_note"),
        ("lone surrogate in a key", r'"x_\ud800": 1', "/x_?"),
    ):
        yield BadInput(name=name, body=f"{least[:-1]}, {extra}}}".encode(), status=422, pointer=place)


def _fields() -> Iterator[BadInput]:
    def bad(name: str, path: str, value: Any, pointer: str | None = None) -> BadInput:
        return BadInput(name=name, body=_with(path, value), status=422, pointer=pointer or path)

    for path in REQUIRED:
        yield bad(f"without {path}", path, _LEAVE_OUT)
    for path in WORDS:
        yield bad(f"unknown word at {path}", path, "no_such_word")
        yield bad(f"number for a word at {path}", path, 7)
    for path in UNKNOWN_IN:
        yield bad(f"unknown field in {path or 'the alert'}", f"{path}/tytle", 1)
    for path, most in TEXTS.items():
        yield bad(f"too long {path}", path, "a" * (most + 1))
        yield bad(f"blank {path}", path, "   ")
        yield bad(f"control character in {path}", path, "a\u0001b")
    for path, most in LISTS.items():
        yield bad(f"too many {path}", path, [full_alert_json()[path[1:]][0]] * (most + 1))
    for name, path, value in VALUES:
        yield bad(name, path, value)
    for name, path, value, pointer in AT_ANOTHER_PLACE:
        yield bad(name, path, value, pointer)


def _sums() -> Iterator[BadInput]:
    plain = {"name": "MDMA", "confirmation": "confirmed"}
    drawn = plain | {"smiles": "C"}
    for name, findings in {
        "101 substances": [{"substances": [plain] * 51}, {"substances": [plain] * 50}],
        "21 structures": [{"substances": [drawn] * 21}],
    }.items():
        body = json.dumps(minimal_alert_json(findings=findings)).encode()
        yield BadInput(name=name, body=body, status=422, pointer="/findings")
    for event in ("suspicious_shipment", "stopped_shipment", "diversion", "theft"):
        body = json.dumps(minimal_alert_json(event_types=[event])).encode()
        yield BadInput(name=f"{event} without shipment", body=body, status=422, pointer="/shipment")
    twice = [full_alert_json()["attachments"][0]] * 2
    body = json.dumps(minimal_alert_json(attachments=twice)).encode()
    yield BadInput(name="attachment named twice", body=body, status=422, pointer="/attachments/1/name")
    big = json.dumps(minimal_alert_json(x_big="a" * (1 << 20))).encode()
    yield BadInput(name="over 1 MiB", body=big, status=413)


def _of_headers() -> Iterator[BadInput]:
    least = json.dumps(minimal_alert_json()).encode()
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "text/xml",
    ):
        headers = {"content-type": kind}
        yield BadInput(name=f"sent as {kind}", body=least, status=415, headers=headers, http_only=True)
    yield BadInput(name="sent as nothing", body=least, status=415, headers={}, http_only=True)
    for coding, body in (("gzip", gzip.compress(least)), ("br", least), ("deflate", least)):
        headers = _JSON | {"content-encoding": coding}
        yield BadInput(name=f"encoded as {coding}", body=body, status=415, headers=headers, http_only=True)


BAD_INPUTS: tuple[BadInput, ...] = (*_raw(), *_lexical(), *_fields(), *_sums(), *_of_headers())
