"""What every contract shares: how a model treats unknown fields, texts, counts and broken rules.

Unknown fields are refused with their place, for a typo must not lose a fact; those that begin with `x_` are
kept at every level and ignored.
"""

import re
from typing import Annotated, Any, NamedTuple, Never

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

RULES = "rules"  # the type of an error that carries broken rules; `services.ingest.validation` unfolds it

# C0 and C1 controls, line and paragraph separators, and what re-orders text on a screen: all of them can make
# a reader see another text than the one that was checked.
_FORBIDDEN_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FORBIDDEN_IN_PROSE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|\r(?!\n)"
)  # a carriage return only before a line feed: web forms end their lines so


class Broken(NamedTuple):
    """One broken rule: where below the model that raises it, a stable code, and what the rule says."""

    at: tuple[str | int, ...]
    code: str
    detail: str


def refuse(*broken: Broken) -> Never:
    """Raise the error of one or more broken rules."""
    raise PydanticCustomError(RULES, "A rule is broken", {"broken": broken})


def _extension(name: str) -> str:
    if name.startswith("x_"):
        return name
    raise PydanticCustomError("unknown_field", "This field is not known here; own fields begin with x_")


def _close_schema(schema: dict[str, Any]) -> None:
    schema["additionalProperties"] = False
    schema["patternProperties"] = {"^x_": {}}


class Contract(BaseModel):
    """A value that crosses a boundary: frozen, and closed but for extensions.

    Strings stand for words of a vocabulary; numbers are never read from strings, nor integers from fractions.
    """

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        extra="allow",  # for x_ alone: the annotation below refuses every other key
        serialize_by_alias=True,
        json_schema_extra=_close_schema,
    )
    __pydantic_extra__: dict[Annotated[str, AfterValidator(_extension)], Any]


def _open_schema(schema: dict[str, Any]) -> None:
    schema.pop("additionalProperties", None)


class Answer(BaseModel):
    """A value that the relay itself writes: frozen and closed here, open to its readers: fields are added."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        json_schema_extra=_open_schema,
    )


def _line(text: str) -> str:
    if not text or text.isspace():
        raise PydanticCustomError("blank", "The text must not be blank")
    if not text.isprintable() and _FORBIDDEN_IN_LINE.search(text):
        raise PydanticCustomError("control_character", "Control and direction characters are not allowed")
    return text


def _prose(text: str) -> str:
    if not text or text.isspace():
        raise PydanticCustomError("blank", "The text must not be blank")
    if not text.isprintable() and _FORBIDDEN_IN_PROSE.search(text):
        raise PydanticCustomError("control_character", "Control characters other than tab and line feed")
    return text


def _national_ref(text: str) -> str:
    if not text.isprintable() or text != text.strip() or ":" in text:
        raise PydanticCustomError("wrong_form", "Printable characters, no colon, no space at either end")
    return text


# One line of text, by its greatest length in characters.
Line200 = Annotated[str, Strict(), Field(max_length=200), AfterValidator(_line)]
Line500 = Annotated[str, Strict(), Field(max_length=500), AfterValidator(_line)]
# Text of several lines.
Prose2000 = Annotated[str, Strict(), Field(max_length=2_000), AfterValidator(_prose)]
Prose20000 = Annotated[str, Strict(), Field(max_length=20_000), AfterValidator(_prose)]

NationalRef = Annotated[
    str, Strict(), Field(min_length=1, max_length=64), AfterValidator(_national_ref)
]  # no colon: it separates the country in references
VersionNumber = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
Natural = Annotated[int, Strict(), Field(ge=0, le=1_000_000_000)]
Positive = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000)]
Amount = Annotated[float, Strict(), Field(ge=0, le=1e12, allow_inf_nan=False)]
PositiveAmount = Annotated[float, Strict(), Field(gt=0, le=1e12, allow_inf_nan=False)]
Percent = Annotated[float, Strict(), Field(ge=0, le=100, allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
