"""What was found: products, samples, substances."""

from typing import Self

from pydantic import Field, model_validator

from schemas.base import (
    Amount,
    Broken,
    Contract,
    Flag,
    Line200,
    Line500,
    Natural,
    Percent,
    Positive,
    PositiveAmount,
    refuse,
)
from schemas.chemistry import Cas, Inchi, InchiKey, Smiles
from schemas.dates import PartialDate
from schemas.places import CountryCode, SubdivisionCode
from schemas.vocabularies import (
    Confirmation,
    First,
    LabType,
    Market,
    Matrix,
    Method,
    NationalControl,
    Presence,
    PurityBasis,
    PurityUnit,
    Role,
    Unit,
)


class Origin(Contract):
    """Where another's finding was made, and who reported it. `ref` is free text or `CC:ref`."""

    country: CountryCode | None = None
    admin1: tuple[SubdivisionCode, ...] = Field(default=(), max_length=50)
    organisation: Line200 | None = None
    ref: Line200 | None = None

    @model_validator(mode="after")
    def _within_country(self) -> Self:
        if self.admin1:
            refuse_foreign(self.country, self.admin1)
        return self


class Product(Contract):
    """How the product looks, in the sender's words; `image` names an attachment."""

    form: Matrix | None = None
    colour: Line200 | None = None
    shape: Line200 | None = None
    markings: Line200 | None = None
    packaging: Line500 | None = None
    brand: Line200 | None = None
    image: Line200 | None = None


class Quantity(Contract):
    """How much; several seizures may be summed into one."""

    value: PositiveAmount
    unit: Unit
    estimated: Flag = False
    seizures: Positive | None = None


class SampleCounts(Contract):
    """Samples of one period: of a finding, those with at least one of its substances; those with it.

    `share_percent` is what was printed where not both counts were.
    """

    tested: Natural | None = None
    positive: Natural | None = None
    share_percent: Percent | None = None
    start: PartialDate | None = None
    end: PartialDate | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.tested is not None and self.positive is not None:
            if self.positive > self.tested:
                refuse(
                    Broken(
                        ("positive",), "positive_above_tested", "No more samples can be positive than tested"
                    )
                )
            if self.share_percent is not None:
                refuse(
                    Broken(
                        ("share_percent",),
                        "share_beside_counts",
                        "Both counts are given: leave the share out",
                    )
                )
        refuse_reversed(self.start, self.end, "end")
        return self


class Samples(SampleCounts):
    """Samples of a period, and of the period that it is compared with."""

    earlier: SampleCounts | None = None


class Purity(Contract):
    """Purity or strength: a value, or the lowest and the highest."""

    value: Amount | None = None
    low: Amount | None = None
    high: Amount | None = None
    unit: PurityUnit
    basis: PurityBasis = PurityBasis.UNKNOWN

    @model_validator(mode="after")
    def _stated(self) -> Self:
        if (self.low is None) is not (self.high is None):
            missing = "low" if self.low is None else "high"
            refuse(Broken((missing,), "required", "A range has both a low and a high end"))
        if self.value is None and self.low is None:
            refuse(Broken(("value",), "required", "State a value, or low and high"))
        if self.low is not None and self.high is not None and self.low > self.high:
            refuse(Broken(("high",), "range_reversed", "The high end is below the low end"))
        if self.unit is PurityUnit.PERCENT:
            for name in ("value", "low", "high"):
                if (getattr(self, name) or 0) > 100:
                    refuse(Broken((name,), "out_of_range", "A percentage is at most 100"))
        return self


class Substance(Contract):
    """One substance, or one of several (`one_of`), as the sender names it."""

    name: Line200 | None = None
    one_of: tuple[Line200, ...] = Field(default=(), max_length=20)
    street_names: tuple[Line200, ...] = Field(default=(), max_length=50)
    role: Role = Role.PRINCIPAL
    confirmation: Confirmation
    methods: tuple[Method, ...] = Field(default=(), max_length=50)
    lab_type: LabType | None = None
    cas: Cas | None = None
    inchikey: InchiKey | None = None
    inchi: Inchi | None = None
    smiles: Smiles | None = None
    purity: Purity | None = None
    first: tuple[First, ...] = Field(default=(), max_length=10)
    national_control: NationalControl | None = None
    samples: Samples | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.name is None and not self.one_of:
            refuse(Broken(("name",), "required", "Give a name, or one_of with two or more"))
        if len(self.one_of) == 1:
            refuse(Broken(("one_of",), "too_short", "Either-or needs two or more names"))
        if self.name is not None and self.one_of:
            refuse(Broken(("one_of",), "name_beside_one_of", "Give either a name or one_of"))
        if First.KNOWN in self.first and len(set(self.first)) > 1:
            refuse(Broken(("first",), "first_and_known", "Known denies that it is a first"))
        return self


class Finding(Contract):
    """One product, sample group, specimen or lot, with what is in it."""

    presence: Presence = Presence.DETECTED_HERE
    origin: Origin | None = None
    sold_as: Line200 | None = None
    market: Market = Market.UNKNOWN
    product: Product | None = None
    matrices: tuple[Matrix, ...] = Field(default=(), max_length=50)
    quantities: tuple[Quantity, ...] = Field(default=(), max_length=50)
    samples: Samples | None = None
    substances: tuple[Substance, ...] = Field(default=(), max_length=100)


def refuse_foreign(country: str | None, admin1: tuple[str, ...]) -> None:
    """Refuse subdivisions of another country than `country`, each at its place in `admin1`."""
    foreign = [
        Broken(("admin1", index), "subdivision_of_other_country", "The subdivision is not one of the country")
        for index, code in enumerate(admin1)
        if country is None or code[:3] != f"{country}-"
    ]
    if foreign:
        refuse(*foreign)


def refuse_reversed(start: PartialDate | None, end: PartialDate | None, at: str) -> None:
    """Refuse an end that is certainly before its start, compared at the coarser precision."""
    if start is not None and end is not None and start.is_after(end):
        refuse(Broken((at,), "dates_reversed", "The end is before the start"))
