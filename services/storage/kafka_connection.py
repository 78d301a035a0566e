"""How clients reach the brokers, and what every client of ours is told."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from services.errors import Misconfigured

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

MOST_BYTES: Final = 4 << 20  # of a record; `max.message.bytes` of the topics
_REQUEST_WITHIN: Final = 10_000  # milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConnection:
    """Brokers, as host:port separated by commas, and how a client proves who it is."""

    servers: str
    client_id: str = "relay"
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def options(self) -> dict[str, Any]:
        """Return what any aiokafka client takes; `Misconfigured` where a certificate cannot be read."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "client_id": self.client_id,
            "request_timeout_ms": _REQUEST_WITHIN,
            "security_protocol": self.protocol,
        }
        if self.protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl()
        if self.protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.username
            options["sasl_plain_password"] = self.password
        return options

    def _ssl(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as fault:
            raise Misconfigured("RELAY_KAFKA__CA_FILE", "cannot be read, or holds no certificate") from fault
        if self.certificate_file is not None:
            try:
                context.load_cert_chain(self.certificate_file, self.key_file)
            except OSError as fault:
                detail = "cannot be read, or does not fit its key"
                raise Misconfigured("RELAY_KAFKA__CERTIFICATE_FILE", detail) from fault
        return context
