"""Topics are made as described, once; what differs or is refused is said, never passed over."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services import cli
from services.demo.kafka_server import KafkaServer
from services.errors import Misconfigured, Transient
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_topics import Topic, create_topics, differences, load, missing

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka")]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def connection(kafka: KafkaServer) -> KafkaConnection:
    return KafkaConnection(servers=kafka.servers)


def described(prefix: str) -> list[Topic]:
    """Return the project's topics under names of this test's own."""
    topics = load(ROOT / "deploy/kafka/topics.toml", replication=1)
    return [replace(topic, name=f"{prefix}.{topic.name}") for topic in topics]


async def test_topics_are_made_once_and_are_as_described(connection: KafkaConnection) -> None:
    topics = described("made")
    assert await missing(connection, [topics[0].name]) == [topics[0].name]
    assert await create_topics(connection, topics) == [topic.name for topic in topics]
    assert await create_topics(connection, topics) == []
    assert await differences(connection, topics) == []
    assert await missing(connection, [topics[0].name]) == []


async def test_a_topic_that_exists_and_differs_is_refused(connection: KafkaConnection) -> None:
    (topic, *_) = described("differs")
    await create_topics(connection, [topic])
    for other in (replace(topic, partitions=3), replace(topic, config={"retention.ms": "5"})):
        with pytest.raises(Misconfigured, match=topic.name):
            await create_topics(connection, [other])
    assert await differences(connection, [replace(topic, partitions=3)]) == [
        f"{topic.name} has 12 partitions, not 3"
    ]


async def test_a_topic_that_the_brokers_refuse_is_named(connection: KafkaConnection) -> None:
    (topic, *_) = described("refused")
    for other in (replace(topic, replication=3), replace(topic, config={"no.such": "1"})):
        with pytest.raises(Misconfigured, match=rf"refuse the topic {topic.name}"):
            await create_topics(connection, [other])


async def test_brokers_out_of_reach_are_no_fault_of_the_settings() -> None:
    with pytest.raises(Transient):
        await missing(KafkaConnection(servers="127.0.0.1:1"), ["alerts.v1"])


def test_the_command_makes_and_compares(own_kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RELAY_KAFKA__SERVERS", own_kafka.servers)
    monkeypatch.setenv("RELAY_KAFKA__REPLICATION", "1")
    runner = CliRunner()
    assert cli.run(["topics", "check"]) == 1
    made = runner.invoke(cli.app, ["topics", "create"])
    assert made.output.splitlines() == [
        "relay: alerts.v1: made",
        "relay: classified.v1: made",
        "relay: deliveries.v1: made",
    ]
    assert "alerts.v1: is there already" in runner.invoke(cli.app, ["topics", "create"]).output
    assert cli.run(["topics", "check"]) == 0
