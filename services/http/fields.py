"""Header fields of a request, one at a time."""

from starlette.requests import Request


def field(request: Request, name: bytes) -> str:
    """Return the first value of the field `name`, written in small letters; empty where it was not sent.

    The framework's own mapping decodes and compares all of them for each that is asked for.
    """
    for given, value in request.scope["headers"]:
        if given == name:
            return str(value, "latin-1")
    return ""
