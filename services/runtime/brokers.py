"""The settings of the brokers, taken together: what one alone cannot say is wrong."""

from services.errors import Misconfigured
from services.runtime.settings import KafkaSettings
from services.storage.kafka_connection import KafkaConnection


def connection_of(held: KafkaSettings) -> KafkaConnection:
    """Return how to reach the brokers; `Misconfigured` names the setting that is missing or does nothing."""
    _refuse_contradictions(held)
    return KafkaConnection(
        servers=held.servers,
        client_id=held.client_id,
        protocol=held.protocol,
        mechanism=held.mechanism,
        username=held.username,
        password=held.password.get_secret_value() if held.password else None,
        ca_file=held.ca_file,
        certificate_file=held.certificate_file,
        key_file=held.key_file,
    )


def _refuse_contradictions(held: KafkaSettings) -> None:
    _refuse_servers(held.servers)
    log_in = {"MECHANISM": held.mechanism, "USERNAME": held.username, "PASSWORD": held.password}
    for name, value in log_in.items():
        if held.protocol.startswith("SASL") and not value:
            raise Misconfigured(f"RELAY_KAFKA__{name}", f"is needed with {held.protocol}")
        if not held.protocol.startswith("SASL") and value is not None:
            raise Misconfigured(f"RELAY_KAFKA__{name}", f"does nothing with {held.protocol}")
    files = {
        "CA_FILE": held.ca_file,
        "CERTIFICATE_FILE": held.certificate_file,
        "KEY_FILE": held.key_file,
    }
    for name, path in files.items():
        if path is None:
            continue
        if not held.protocol.endswith("SSL"):
            raise Misconfigured(f"RELAY_KAFKA__{name}", f"does nothing with {held.protocol}")
        if not path.is_file():
            raise Misconfigured(f"RELAY_KAFKA__{name}", "there is no such file")
    if held.key_file is not None and held.certificate_file is None:
        raise Misconfigured("RELAY_KAFKA__KEY_FILE", "needs RELAY_KAFKA__CERTIFICATE_FILE")


def _refuse_servers(servers: str) -> None:
    for one in servers.split(","):
        host, _, port = one.strip().rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= 65535:
            raise Misconfigured("RELAY_KAFKA__SERVERS", "needs host:port, several separated by commas")
