"""Shipments and manufacture."""

from pydantic import Field

from schemas.base import Contract, Line200, Line500, Positive, Prose2000
from schemas.places import CountryCode
from schemas.vocabularies import EquipmentKind, ManufactureStage, ReportTo, ShipmentKind, Transport


class Shipment(Contract):
    """What was shipped, from where to where, and what became of it."""

    kind: ShipmentKind
    declared_as: Line500 | None = None
    origin: CountryCode | None = None
    transit: tuple[CountryCode, ...] = Field(default=(), max_length=50)
    destination: CountryCode | None = None
    transport: Transport | None = None
    concealment: Prose2000 | None = None
    pen_ref: Line200 | None = None
    i2es_ref: Line200 | None = None
    report_to: tuple[ReportTo, ...] = Field(default=(), max_length=10)


class Equipment(Contract):
    """Equipment of one kind."""

    kind: EquipmentKind
    count: Positive | None = None


class Manufacture(Contract):
    """A manufacturing site; its chemicals are findings with their roles."""

    stages: tuple[ManufactureStage, ...] = Field(default=(), max_length=50)
    equipment: tuple[Equipment, ...] = Field(default=(), max_length=50)
    capacity: Line200 | None = None
