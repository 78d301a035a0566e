"""A ledger on the shared PostgreSQL, emptied for each test, and what stands on it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.databases import PostgresPlace
from tests.deliveries_rig import Rig, open_rig
from tests.ledger import relay as relay
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
