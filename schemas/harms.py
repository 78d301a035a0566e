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
    """The number; absent for several."""
    qualifier: Qualifier
    """Exact, at_least, about, at_most, or several (a number that was not stated)."""

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
    """Lowest age in years."""
    to: Natural | None = Field(default=None, le=_MOST_AGE)
    """Highest age in years."""
    cases: Natural
    """Cases between them."""

    model_config = ConfigDict(validate_by_alias=True)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            refuse(Broken(("to",), "range_reversed", "The upper age is below the lower"))
        return self


class Sexes(Contract):
    """Cases by sex. Cells below 5 are shown to the sender alone."""

    female: Natural | None = None
    """Cases."""
    male: Natural | None = None
    """Cases."""
    other: Natural | None = None
    """Cases."""
    unknown: Natural | None = None
    """Cases."""


class Harm(Contract):
    """One statement of harm; several (this event, a background statistic) are several entries."""

    finding: Natural | None = None
    """Position of the finding that it belongs to, from 0."""
    cases: Count | None = None
    """People affected."""
    overdoses: Count | None = None
    """Cases that the sender calls so."""
    hospitalised: Count | None = None
    """People in hospital."""
    icu: Count | None = None
    """People in intensive care."""
    respiratory_arrest: Count | None = None
    """People whose breathing stopped."""
    deaths: Count | None = None
    """People who died."""
    naloxone_given: Count | None = None
    """People who were given naloxone."""
    naloxone_response: Count | None = None
    """Of these, how many responded."""
    attribution: Attribution
    """How sure the link to the product is; background: a statistic, not this event."""
    age_bands: tuple[AgeBand, ...] = Field(default=(), max_length=50)
    """Cases by age."""
    sex: Sexes | None = None
    """Cases by sex."""
    window_start: PartialDate | None = None
    """Begin of the period that the numbers are of."""
    window_end: PartialDate | None = None
    """Its end."""
    window_hours: Natural | None = Field(default=None, ge=1, le=100_000)
    """Its length, where its ends are not known."""
    as_of: PartialDate | None = None
    """When the numbers were true."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        refuse_reversed(self.window_start, self.window_end, "window_end")
        return self
