"""Countries and their subdivisions: ISO 3166-1 alpha-2 and ISO 3166-2."""

from functools import cache
from typing import Annotated

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError


@cache
def country_codes() -> frozenset[str]:
    """Return every ISO 3166-1 alpha-2 code; read on the first call."""
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def subdivision_codes() -> frozenset[str]:
    """Return every ISO 3166-2 code; read on the first call."""
    import pycountry

    return frozenset(subdivision.code for subdivision in pycountry.subdivisions)


@cache
def subdivision_name(code: str) -> str | None:
    """Return what ISO 3166-2 calls a subdivision; None for a code that is none."""
    import pycountry

    found = pycountry.subdivisions.get(code=code)  # type: ignore[no-untyped-call]  # theirs has no types
    return None if found is None else str(found.name)


@cache
def country_names(code: str) -> tuple[str, ...]:
    """Return what ISO 3166-1 calls a country for short, and its code of three letters; () for a code of none."""
    import pycountry

    found = pycountry.countries.get(alpha_2=code)
    return () if found is None else (str(getattr(found, "common_name", found.name)), str(found.alpha_3))


def _country(code: str) -> str:
    if code not in country_codes():
        raise PydanticCustomError("country_unknown", "Not a country code of ISO 3166-1 alpha-2")
    return code


def _subdivision(code: str) -> str:
    if code not in subdivision_codes():
        raise PydanticCustomError("subdivision_unknown", "Not a subdivision code of ISO 3166-2")
    return code


CountryCode = Annotated[
    str, Strict(), Field(json_schema_extra={"pattern": "^[A-Z]{2}$"}), AfterValidator(_country)
]
SubdivisionCode = Annotated[
    str,
    Strict(),
    Field(json_schema_extra={"pattern": "^[A-Z]{2}-[A-Z0-9]{1,3}$"}),
    AfterValidator(_subdivision),
]
