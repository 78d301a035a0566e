"""Small bodies parsed into their contract, each fault with its pointer."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from schemas.problems import Fault
from services.http.problems import Refusal, fault

M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], body: bytes) -> M:
    """Return the model that `body` states; raises `Refusal` 400 or 422, which repeats nothing of it."""
    try:
        return model.model_validate_json(body)
    except ValidationError as wrong:
        errors = wrong.errors(include_input=False, include_url=False)
        if any(error["type"] == "json_invalid" for error in errors):
            raise Refusal(400, "not-json") from None
        faults = [_fault(error["loc"], error["type"], error["msg"]) for error in errors]
        raise Refusal(422, "invalid", errors=faults[:100]) from None


def _fault(place: tuple[int | str, ...], code: str, detail: str) -> Fault:
    parts = (
        str(part)[:100].encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")
        for part in place
        if part != "[key]"
    )
    return fault("".join(f"/{part}" for part in parts), code, detail)
