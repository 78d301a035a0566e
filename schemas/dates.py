"""Dates as senders know them: a year, a month, a day, or an instant.

A date's precision is its form and is kept: a month is never padded to a day, and hours are never computed
from less than an instant. Instants keep the offset that was written, for readers see the sender's time too.
Source: RFC 3339 §5.6.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas.vocabularies import DatePrecision

_DAY = len("2026-11-14")
_FORM = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2}))?)?)?"
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2199  # beyond, it is a slip of the finger
_PRECISIONS = {4: DatePrecision.YEAR, 7: DatePrecision.MONTH, _DAY: DatePrecision.DAY}
_HOW = "Write 2026, 2026-11, 2026-11-14 or an RFC 3339 timestamp with offset"
_JSON_SCHEMA = {
    "type": "string",
    "pattern": r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?)?)?$",
    "description": "2026, 2026-11, 2026-11-14 or an RFC 3339 timestamp with offset",
}


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date of any precision, equal to another that was written alike. Make it with :meth:`parse`."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the date that `text` writes. Raises ValueError for a wrong form or a day that never was."""
        if _FORM.fullmatch(text) is None:
            raise ValueError(_HOW)
        _require_existing(text)
        return cls(text)

    @property
    def precision(self) -> DatePrecision:
        """Return how much is known, by the form alone."""
        return _PRECISIONS.get(len(self.text), DatePrecision.INSTANT)

    @property
    def instant(self) -> datetime | None:
        """Return the aware instant with the sender's offset; None for less than a timestamp."""
        return datetime.fromisoformat(self.text) if len(self.text) > _DAY else None

    @property
    def first(self) -> date:
        """Return the earliest day that may be meant, on the sender's calendar."""
        year, month, day = (*self._parts, 1, 1)[:3]
        return date(year, month, day)

    @property
    def last(self) -> date:
        """Return the latest day that may be meant, on the sender's calendar."""
        year, month = (*self._parts, 12)[:2]
        days = self._parts[2:] or (calendar.monthrange(year, month)[1],)
        return date(year, month, days[0])

    @property
    def earliest(self) -> datetime:
        """Return the first UTC instant that may be meant; days are taken as those of UTC."""
        return (self.instant or datetime.combine(self.first, time.min, UTC)).astimezone(UTC)

    @property
    def latest(self) -> datetime:
        """Return the last UTC instant that may be meant, to the microsecond."""
        return (self.instant or datetime.combine(self.last, time.max, UTC)).astimezone(UTC)

    def is_after(self, other: "PartialDate | datetime") -> bool:
        """Return whether this is later than `other`, compared at the coarser precision of the two.

        Two instants are compared as such; anything else as it stands on its writer's calendar.
        """
        mine, theirs = self.instant, other if isinstance(other, datetime) else other.instant
        if mine is not None and theirs is not None:
            return mine > theirs
        written = other.date().isoformat() if isinstance(other, datetime) else other.text
        shared = min(len(self.text), len(written))
        return self.text[:shared] > written[:shared]

    def __str__(self) -> str:
        """Return what was written."""
        return self.text

    @property
    def _parts(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.text[:_DAY].split("-"))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from a string, write as the same string."""
        written = core_schema.plain_serializer_function_ser_schema(
            str, return_schema=core_schema.str_schema(), when_used="json"
        )
        return core_schema.no_info_plain_validator_function(_partial, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the string."""
        return dict(_JSON_SCHEMA)


def _require_existing(text: str) -> None:
    """Raise ValueError unless the day or time that `text` writes exists; its form is checked already."""
    if not _FIRST_YEAR <= int(text[:4]) <= _LAST_YEAR:
        raise ValueError("no such year here")
    if len(text) > _DAY:
        datetime.fromisoformat(text)
    elif len(text) > len("2026"):
        date.fromisoformat(text if len(text) == _DAY else f"{text}-01")


def _checked(text: str) -> None:
    try:
        _require_existing(text)
    except ValueError as fault:
        raise PydanticCustomError("date_value", "There is no such day or time") from fault


def _partial(value: Any) -> PartialDate:
    if isinstance(value, PartialDate):
        return value
    if not isinstance(value, str) or _FORM.fullmatch(value) is None:
        raise PydanticCustomError("date_form", _HOW)
    _checked(value)
    return PartialDate(value)


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return value
    if not isinstance(value, str) or len(value) <= _DAY or _FORM.fullmatch(value) is None:
        raise PydanticCustomError("timestamp_form", "Write an RFC 3339 timestamp with offset")
    _checked(value)
    return datetime.fromisoformat(value)


Timestamp = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]  # aware, with the offset that was written
