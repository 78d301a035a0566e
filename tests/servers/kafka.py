"""A real Apache Kafka for tests marked `needs("kafka")`: one shared by a session, or one of a test's own to break."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.demo.kafka_server import KafkaServer


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker that all tests of this process share: use topics and groups of your own, and never stop it."""
    with KafkaServer(tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    """A broker of this test's own, to be stopped, killed and paused."""
    with KafkaServer(tmp_path / "kafka") as server:
        yield server
