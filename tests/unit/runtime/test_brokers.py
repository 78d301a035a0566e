"""The settings of the brokers: what one says must fit the others."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.errors import Misconfigured
from services.runtime.brokers import connection_of
from services.runtime.settings import KafkaSettings
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_topics import load

ROOT = Path(__file__).resolve().parents[3]
TOPICS = ROOT / "deploy/kafka/topics.toml"
LOG_IN: dict[str, Any] = {
    "mechanism": "SCRAM-SHA-512",
    "username": "relay",
    "password": SecretStr("s3cret"),
}


def held(**changes: Any) -> KafkaSettings:
    return KafkaSettings(**({"servers": "a:9092, b:9092"} | changes))


def test_plain_settings_are_a_connection() -> None:
    options = connection_of(held()).options()
    assert options["bootstrap_servers"] == "a:9092, b:9092"
    assert options["security_protocol"] == "PLAINTEXT"
    assert "sasl_mechanism" not in options


def test_a_login_is_handed_on() -> None:
    options = connection_of(held(protocol="SASL_SSL", **LOG_IN)).options()
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_password"] == "s3cret"
    assert options["ssl_context"].check_hostname


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"servers": "a"}, "SERVERS"),
        ({"servers": "a:9092,"}, "SERVERS"),
        ({"servers": "a:99999"}, "SERVERS"),
        ({"protocol": "SASL_SSL"}, "MECHANISM"),
        ({"protocol": "SASL_SSL", **LOG_IN, "password": None}, "PASSWORD"),
        ({"protocol": "SASL_PLAINTEXT", **LOG_IN, "username": ""}, "USERNAME"),
        (LOG_IN, "MECHANISM"),
        ({"password": SecretStr("x")}, "PASSWORD"),
        ({"protocol": "SSL", "ca_file": Path("/nowhere/ca.pem")}, "CA_FILE"),
        ({"ca_file": TOPICS}, "CA_FILE"),
        ({"protocol": "SSL", "key_file": TOPICS}, "KEY_FILE"),
    ],
)
def test_settings_that_do_not_fit_are_named(changes: dict[str, Any], setting: str) -> None:
    with pytest.raises(Misconfigured) as fault:
        connection_of(held(**changes))
    assert fault.value.setting == f"RELAY_KAFKA__{setting}"
    assert "s3cret" not in str(fault.value)


@pytest.mark.parametrize("name", ["ca_file", "certificate_file"])
def test_a_file_that_holds_no_certificate_is_named(name: str) -> None:
    connection = KafkaConnection(servers="a:1", protocol="SSL", **{name: TOPICS})  # type: ignore[arg-type]
    with pytest.raises(Misconfigured) as fault:
        connection.options()
    assert fault.value.setting == f"RELAY_KAFKA__{name.upper()}"


def test_the_topics_file_describes_every_topic() -> None:
    topics = {topic.name: topic for topic in load(TOPICS)}
    assert topics["alerts.v1"].replication == 3
    assert topics["alerts.v1"].config["min.insync.replicas"] == "2"
    assert all(topic.config["cleanup.policy"] == "delete" for topic in topics.values())


@pytest.mark.parametrize(("copies", "least"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_fewer_copies_lower_how_many_must_acknowledge(copies: int, least: str) -> None:
    for topic in load(TOPICS, replication=copies):
        assert (topic.replication, topic.config["min.insync.replicas"]) == (copies, least)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("partitions = 12", "partitions = 0"), "partitions"),
        (('[topics."deliveries.v1"]', '[topics."other"]'), "deliveries.v1 is missing"),
        (('"delete"', '"compact"'), "cleanup.policy"),
        (("replication = 3", "replikation = 3"), "replication"),
        (("[defaults]", "[defaults"), "no TOML"),
    ],
)
def test_a_wrong_topics_file_says_what_is_wrong(tmp_path: Path, changed: tuple[str, str], said: str) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(TOPICS.read_text().replace(*changed))
    with pytest.raises(Misconfigured, match=said):
        load(path)


def test_a_missing_topics_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="RELAY_KAFKA__TOPICS_FILE: there is no file"):
        load(tmp_path / "topics.toml")
