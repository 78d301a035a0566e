"""The reference tables that classification decides by: those of the package, or a loaded version."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.classify.structure import StructureReader
from services.errors import Misconfigured
from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.plan import PlanBasis, load_plan_lines
from services.reference.structural import load_class_rules
from services.reference.tables import DATA

SETTING = "RELAY_CLASSIFY__CATALOGUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of one version of the catalogue, and the lines of the Plan."""

    catalogue: Catalogue
    structures: StructureReader
    plan: Mapping[str, PlanBasis]


def load(directory: Path | None) -> Tables:
    """Read the tables of a directory, None for the package's; `Misconfigured` where they cannot be read."""
    try:
        catalogue = load_catalogue(directory or DATA)
        return Tables(
            catalogue=catalogue,
            structures=StructureReader(load_class_rules(directory or DATA), known=catalogue.by_smiles),
            plan=load_plan_lines(),
        )
    except (OSError, KeyError, ValueError) as fault:
        raise Misconfigured(SETTING, f"the tables cannot be read: {fault}") from fault
