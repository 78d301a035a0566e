"""The API's documentation, offline: /openapi.json (3.1), /docs (Swagger UI), /docs/problems.

The files of Swagger UI come from the package `fastapi-offline`, which carries them; nothing of that package
runs, and nothing is loaded from elsewhere: the Content-Security-Policy of these pages forbids it.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from schemas.problems import Problem
from services.http.problems import KINDS, missing
from services.http.routes import Documented, RawRoute

NO_WEBHOOKS: Final[Mapping[str, Documented]] = MappingProxyType({})
_TITLE = "Early-warning relay"
_IN_BRACES = re.compile(r"\{(\w+)\}")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)  # Swagger UI writes style attributes; its scripts are files
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon.png": "image/png",
}
_START = """window.addEventListener("load", function () {
  window.ui = SwaggerUIBundle({
    url: "openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis], layout: "BaseLayout"
  });
});
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Early-warning relay: HTTP API</title>
<link rel="stylesheet" href="docs/swagger-ui.css"><link rel="icon" href="docs/favicon.png">
<script src="docs/swagger-ui-bundle.js" defer></script><script src="docs/start.js" defer></script>
</head>
<body>
<noscript><p>This page needs JavaScript. The same as JSON: <a href="openapi.json">openapi.json</a></p>
</noscript>
<div id="ui"></div>
</body>
</html>
"""
_PROBLEMS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems of the HTTP API</title>
</head>
<body>
<h1>Problems</h1>
<p>Every refused call is answered with an <code>application/problem+json</code> document (RFC 9457). Its
<code>type</code> names one of these; <code>errors</code> points at each fault of the body.</p>
<dl>
{rows}
</dl>
</body>
</html>
"""


def docs_routes(
    described: Sequence[BaseRoute], *, version: str, webhooks: Mapping[str, Documented] = NO_WEBHOOKS
) -> APIRouter:
    """Return the routes of the documentation of the routes `described`, and of what is sent out."""
    router = APIRouter(route_class=RawRoute, include_in_schema=False)
    made: list[bytes] = []

    @router.get("/openapi.json")
    async def openapi(_request: Request) -> Response:
        if not made:  # once: the routes stand still after the start
            document = describe(described, version=version, webhooks=webhooks)
            made.append(json.dumps(document, ensure_ascii=False).encode())
        return Response(made[0], media_type="application/json")

    @router.get("/docs")
    async def docs(_request: Request) -> Response:
        return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})

    @router.get("/docs/problems")
    async def problems(_request: Request) -> Response:
        rows = "\n".join(
            f'<dt id="{kind}"><code>{kind}</code></dt><dd>{html.escape(text)}</dd>'
            for kind, text in KINDS.items()
        )
        return HTMLResponse(_PROBLEMS.format(rows=rows))

    @router.get("/docs/{name}")
    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name == "start.js":
            return Response(_START, media_type="text/javascript")
        if name not in _ASSETS:
            raise missing()
        content = files("fastapi_offline").joinpath("static", name).read_bytes()
        return Response(content, media_type=_ASSETS[name], headers={"cache-control": "public, max-age=86400"})

    return router


def describe(
    routes: Sequence[BaseRoute], *, version: str, webhooks: Mapping[str, Documented] = NO_WEBHOOKS
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document: the routes, the webhooks, the models of the bodies that are read raw."""
    document = get_openapi(
        title=_TITLE,
        version=version,
        routes=routes,
        description="National drug alerts in, notifications out. Every fault: application/problem+json.",
    )
    _name_path_parameters(document)
    document["webhooks"] = {name: {"post": operation} for name, operation in webhooks.items()}
    components = document.setdefault("components", {})
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (one, "validation") for one in _bodies(routes, webhooks)
    ]
    models.append((Problem, "validation"))
    _, raw = models_json_schema(models, ref_template="#/components/schemas/{model}")
    components["schemas"] = raw.get("$defs", {}) | components.get("schemas", {})
    scheme = {"type": "http", "scheme": "bearer", "description": "API key of an institution of the directory"}
    components["securitySchemes"] = {"key": scheme}
    return document


def _bodies(routes: Sequence[BaseRoute], webhooks: Mapping[str, Documented]) -> list[type[BaseModel]]:
    """Return the models of the bodies that are read or written raw: the framework never sees those."""
    extras = [*(getattr(route, "openapi_extra", None) for route in routes), *webhooks.values()]
    found = {extra.body: None for extra in extras if isinstance(extra, Documented) and extra.body}
    return list(found)


def _name_path_parameters(document: dict[str, Any]) -> None:
    """Name the parameters of each path: raw routes declare none to the framework."""
    for path, operations in document.get("paths", {}).items():
        named = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _IN_BRACES.findall(path)
        ]
        for operation in operations.values() if named else ():
            operation["parameters"] = named + operation.get("parameters", [])
