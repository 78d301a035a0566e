"""Refusals as documents. Source: RFC 9457 §3, RFC 6901 (pointers)."""

from schemas.base import Answer


class Fault(Answer):
    """One fault: a JSON Pointer to its place, a stable code, a text that never repeats what was sent."""

    pointer: str
    code: str
    detail: str


class Problem(Answer):
    """Why a call was refused."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: tuple[Fault, ...] = ()
