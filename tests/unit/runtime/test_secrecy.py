"""What is secret does not stand in the text of what holds it: a traceback or a log line may show that."""

from services.runtime.secrets_file import Secrets
from services.storage.kafka_connection import KafkaConnection


def test_the_password_of_the_brokers_is_not_shown() -> None:
    shown = repr(KafkaConnection(servers="127.0.0.1:1", username="relay", password="hunter2"))
    assert "username='relay'" in shown
    assert "hunter2" not in shown


def test_the_keys_are_not_shown() -> None:
    assert "hunter2" not in repr(Secrets(links={1: b"hunter2"}, at_rest=(b"hunter2",)))
