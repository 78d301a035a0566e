"""What the suites of the ports share."""

from collections.abc import Iterator, Mapping

import pytest

from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.plan import PlanBasis, load_plan_lines
from tests.databases import Place
from tests.ledger import Relay


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The catalogue as shipped."""
    return load_catalogue()


@pytest.fixture(scope="session")
def plan() -> Mapping[str, PlanBasis]:
    """The lines of the Plan by category."""
    return load_plan_lines()


@pytest.fixture
def relay(place: Place, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Iterator[Relay]:
    """An empty relay up to its classify stage."""
    opened = Relay(place, catalogue=catalogue, plan=plan)
    yield opened
    opened.close()
