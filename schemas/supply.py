"""Shipments and manufacture."""

from pydantic import Field

from schemas.base import Contract, Line200, Line500, Positive, Prose2000
from schemas.places import CountryCode
from schemas.vocabularies import EquipmentKind, ManufactureStage, ReportTo, ShipmentKind, Transport


class Shipment(Contract):
    """What was shipped, from where to where, and what became of it."""

    kind: ShipmentKind
    """What became of it."""
    declared_as: Line500 | None = None
    """The goods that were declared."""
    origin: CountryCode | None = None
    """Country it came from."""
    transit: tuple[CountryCode, ...] = Field(default=(), max_length=50)
    """Countries it passed."""
    destination: CountryCode | None = None
    """Country it was for."""
    transport: Transport | None = None
    """How it travelled."""
    concealment: Prose2000 | None = None
    """How it was hidden."""
    pen_ref: Line200 | None = None
    """Reference in PEN Online."""
    i2es_ref: Line200 | None = None
    """Reference in I2ES."""
    report_to: tuple[ReportTo, ...] = Field(default=(), max_length=10)
    """Systems that it is to be reported to."""


class Equipment(Contract):
    """Equipment of one kind."""

    kind: EquipmentKind
    """What it is."""
    count: Positive | None = None
    """How many."""


class Manufacture(Contract):
    """A manufacturing site; its chemicals are findings with their roles."""

    stages: tuple[ManufactureStage, ...] = Field(default=(), max_length=50)
    """What was done there."""
    equipment: tuple[Equipment, ...] = Field(default=(), max_length=50)
    """What was found there."""
    capacity: Line200 | None = None
    """In the sender's words."""
