"""The tables as shipped, loaded once by each process of a run."""

from collections.abc import Mapping

import pytest

from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.plan import PlanBasis, load_plan_lines
from services.reference.structural import load_class_rules


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The catalogue as shipped."""
    return load_catalogue()


@pytest.fixture(scope="session")
def plan() -> Mapping[str, PlanBasis]:
    """The lines of the Plan by category."""
    return load_plan_lines()


@pytest.fixture(scope="session")
def structures() -> StructureReader:
    """The structural classes as shipped, which know no listed structure."""
    return StructureReader(load_class_rules())
