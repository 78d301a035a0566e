"""Who was harmed: aggregates only, never a person."""

from typing import Any, Self

from pydantic import (
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from schemas.base import Broken, Contract, Natural, refuse
from schemas.dates import PartialDate
from schemas.findings import refuse_reversed
from schemas.vocabularies import Attribution, Qualifier

_MOST = 1_000_000_000
_MOST_AGE = 150


class Count(Contract):
    """A number of people: written as an integer (exact), or with a qualifier.

    `value` is None for `several` alone: a cluster or series whose number was not stated, never zero.
    """

    value: Natural | None = None
    qualifier: Qualifier

    @model_validator(mode="wrap")
    @classmethod
    def _from_integer(cls, given: Any, handler: ModelWrapValidatorHandler["Count"]) -> "Count":
        if isinstance(given, bool | float | str | list):
            raise PydanticCustomError("wrong_type", "Write an integer, or an object with value and qualifier")
        if isinstance(given, int):
            if not 0 <= given <= _MOST:
                raise PydanticCustomError("out_of_range", "A count is between 0 and 1000000000")
            return handler({"value": given, "qualifier": Qualifier.EXACT})
        return handler(given)

    @model_validator(mode="after")
    def _stated(self) -> Self:
        several = self.qualifier is Qualifier.SEVERAL
        if several and self.value is not None:
            refuse(
                Broken(("value",), "value_beside_several", "Several stands for a number that was not stated")
            )
        if not several and self.value is None:
            refuse(Broken(("value",), "required", "Only several goes without a value"))
        return self

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> Any:
        if self.qualifier is Qualifier.EXACT and not self.__pydantic_extra__:
            return self.value
        written = handler(self)
        if self.value is None:
            written.pop("value", None)
        return written

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the two ways of writing a count."""
        qualified = {
            "type": "object",
            "properties": {
                "value": {"type": "integer", "minimum": 0, "maximum": _MOST},
                "qualifier": {"enum": [qualifier.value for qualifier in Qualifier]},
            },
            "required": ["qualifier"],
            "additionalProperties": False,
            "patternProperties": {"^x_": {}},
        }
        return {"anyOf": [{"type": "integer", "minimum": 0, "maximum": _MOST}, qualified]}


class AgeBand(Contract):
    """Cases between two ages in years, both included. Cells below 5 are shown to the sender alone."""

    from_: Natural | None = Field(default=None, alias="from", le=_MOST_AGE)
    to: Natural | None = Field(default=None, le=_MOST_AGE)
    cases: Natural

    model_config = ConfigDict(validate_by_alias=True)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            refuse(Broken(("to",), "range_reversed", "The upper age is below the lower"))
        return self


class Sexes(Contract):
    """Cases by sex. Cells below 5 are shown to the sender alone."""

    female: Natural | None = None
    male: Natural | None = None
    other: Natural | None = None
    unknown: Natural | None = None


class Harm(Contract):
    """One statement of harm; several (this event, a background statistic) are several entries."""

    finding: Natural | None = None
    cases: Count | None = None
    overdoses: Count | None = None
    hospitalised: Count | None = None
    icu: Count | None = None
    respiratory_arrest: Count | None = None
    deaths: Count | None = None
    naloxone_given: Count | None = None
    naloxone_response: Count | None = None
    attribution: Attribution
    age_bands: tuple[AgeBand, ...] = Field(default=(), max_length=50)
    sex: Sexes | None = None
    window_start: PartialDate | None = None
    window_end: PartialDate | None = None
    window_hours: Natural | None = Field(default=None, ge=1, le=100_000)
    as_of: PartialDate | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        refuse_reversed(self.window_start, self.window_end, "window_end")
        return self
