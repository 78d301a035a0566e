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
    """Where it was found."""
    admin1: tuple[SubdivisionCode, ...] = Field(default=(), max_length=50)
    """ISO 3166-2 codes of that country."""
    organisation: Line200 | None = None
    """Who found it."""
    ref: Line200 | None = None
    """Its reference: free text, or CC:reference."""

    @model_validator(mode="after")
    def _within_country(self) -> Self:
        if self.admin1:
            refuse_foreign(self.country, self.admin1)
        return self


class Product(Contract):
    """How the product looks, in the sender's words; `image` names an attachment."""

    form: Matrix | None = None
    """What it looks like as a whole."""
    colour: Line200 | None = None
    """In the sender's words."""
    shape: Line200 | None = None
    """In the sender's words."""
    markings: Line200 | None = None
    """Logo or text on it."""
    packaging: Line500 | None = None
    """In the sender's words."""
    brand: Line200 | None = None
    """As printed."""
    image: Line200 | None = None
    """Name of an attachment."""


class Quantity(Contract):
    """How much; several seizures may be summed into one."""

    value: PositiveAmount
    """Above 0."""
    unit: Unit
    """Mass, volume or pieces."""
    estimated: Flag = False
    """Whether it is an estimate."""
    seizures: Positive | None = None
    """How many seizures are summed in it."""


class SampleCounts(Contract):
    """Samples of one period: of a finding, those with at least one of its substances; those with it.

    `share_percent` is what was printed where not both counts were.
    """

    tested: Natural | None = None
    """Samples examined."""
    positive: Natural | None = None
    """Of these, samples with the substance."""
    share_percent: Percent | None = None
    """As printed, where not both counts were."""
    start: PartialDate | None = None
    """Of the period."""
    end: PartialDate | None = None
    """Of the period."""

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
    """The same for an earlier period, to compare."""


class Purity(Contract):
    """Purity or strength: a value, or the lowest and the highest."""

    value: Amount | None = None
    """One value."""
    low: Amount | None = None
    """Or the lowest."""
    high: Amount | None = None
    """And the highest."""
    unit: PurityUnit
    """Of the values."""
    basis: PurityBasis = PurityBasis.UNKNOWN
    """Whether as free base or as salt."""

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
    """As reported, in any language; the relay identifies it."""
    one_of: tuple[Line200, ...] = Field(default=(), max_length=20)
    """Two or more names where the laboratory cannot tell which; instead of name."""
    street_names: tuple[Line200, ...] = Field(default=(), max_length=50)
    """Slang: never in a subject or heading, and never an identity."""
    role: Role = Role.PRINCIPAL
    """What it is in the product."""
    confirmation: Confirmation
    """How sure the identity is; ruled_out: looked for and not found."""
    methods: tuple[Method, ...] = Field(default=(), max_length=50)
    """By which it was identified; expected from presumptive_lab on."""
    lab_type: LabType | None = None
    """Who examined it."""
    cas: Cas | None = None
    """CAS number; its check digit is verified."""
    inchikey: InchiKey | None = None
    """Standard InChIKey."""
    inchi: Inchi | None = None
    """Standard InChI."""
    smiles: Smiles | None = None
    """Up to 500 characters."""
    purity: Purity | None = None
    """Purity or strength."""
    first: tuple[First, ...] = Field(default=(), max_length=10)
    """What the sender claims to be new; known denies it."""
    national_control: NationalControl | None = None
    """Its control status in the sender's country."""
    samples: Samples | None = None
    """Of this substance."""

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
    """Whether the sender found it itself; mentioned: hearsay, press."""
    origin: Origin | None = None
    """Where it was found, if not by the sender."""
    sold_as: Line200 | None = None
    """As what it was sold, in the sender's words."""
    market: Market = Market.UNKNOWN
    """Where it was on offer."""
    product: Product | None = None
    """How it looks."""
    matrices: tuple[Matrix, ...] = Field(default=(), max_length=50)
    """What was examined."""
    quantities: tuple[Quantity, ...] = Field(default=(), max_length=50)
    """How much."""
    samples: Samples | None = None
    """Samples with at least one of the substances."""
    substances: tuple[Substance, ...] = Field(default=(), max_length=100)
    """What is in it; empty where nothing was identified."""


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
