"""Routes whose handler takes the request as it is.

Bodies are read raw and parsed once, by the contract's own parser, so that every fault has its pointer; the
OpenAPI document gets its forms from what each route says of itself (`documented`).
"""

from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from schemas.problems import Problem


class RawRoute(APIRoute):
    """Calls its endpoint with the request and sends what it returns: nothing is resolved or validated."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call; faults go to the application, which turns them into problems."""
        if self.methods and scope["method"] not in self.methods:
            raise HTTPException(405)
        response: Response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


class Documented(dict[str, Any]):
    """What a raw route adds to its OpenAPI operation; `body` is the model that it parses the body into."""

    body: type[BaseModel] | None = None


def documented(
    *,
    body: type[BaseModel] | None = None,
    parameters: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    key: bool = True,
) -> Documented:
    """Return what a raw route adds to its OpenAPI operation: body, query parameters and header fields."""
    extra = Documented()
    if body is not None:
        extra.body = body
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    given = [("query", name, text) for name, text in (parameters or {}).items()]
    given += [("header", name, text) for name, text in (headers or {}).items()]
    if given:
        extra["parameters"] = [
            {"name": name, "in": place, "required": False, "description": text, "schema": {"type": "string"}}
            for place, name, text in given
        ]
    if key:
        extra["security"] = [{"key": []}]
    return extra


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI answers for refusals: each a problem document."""
    content = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    return {status: {"description": "Problem (RFC 9457)", "content": content} for status in statuses}
