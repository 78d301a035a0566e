"""A ledger on the shared PostgreSQL, emptied for each test, and what stands on it."""

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest

from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.plan import PlanBasis, load_plan_lines
from tests.databases import PostgresPlace
from tests.deliveries_rig import Rig, open_rig
from tests.ledger import Relay
from tests.servers.postgresql import Databases
from tests.two_transactions import Two, two


@pytest.fixture
def place(postgresql: Databases) -> PostgresPlace:
    """An empty ledger."""
    return PostgresPlace(postgresql.emptied())


@pytest.fixture
def at_once(place: PostgresPlace) -> Iterator[Two]:
    """Two transactions on it."""
    with two(place.url) as opened:
        yield opened


@pytest.fixture
async def rig(place: PostgresPlace) -> AsyncIterator[Rig]:
    """Its deliveries port."""
    opened = open_rig(place)
    yield opened
    await opened.ledger.close()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The catalogue as shipped."""
    return load_catalogue()


@pytest.fixture(scope="session")
def plan() -> Mapping[str, PlanBasis]:
    """The lines of the Plan by category."""
    return load_plan_lines()


@pytest.fixture
def relay(place: PostgresPlace, catalogue: Catalogue, plan: Mapping[str, PlanBasis]) -> Iterator[Relay]:
    """A relay up to its classify stage."""
    opened = Relay(place, catalogue=catalogue, plan=plan)
    yield opened
    opened.close()
