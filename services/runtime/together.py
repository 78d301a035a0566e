"""Settings taken together: what would stop a start though each has its form, and what a person should look at.

Nothing is made and nobody is asked: the ledger, the brokers and the mail server are `relay doctor`'s.
"""

from collections.abc import Iterator
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Final

from services.errors import Misconfigured
from services.runtime import secrets_file
from services.runtime.settings import Settings

_EXAMPLES: Final = (".example", ".example.org", ".example.com", ".example.net", ".test", ".invalid")


def scales_out(held: Settings) -> bool:
    """Return whether the settings ask for PostgreSQL and Kafka; `Misconfigured` where they ask for one alone."""
    database, brokers = held.ledger.url is not None, bool(held.kafka.servers)
    if database and not brokers:
        raise Misconfigured("RELAY_KAFKA__SERVERS", "is needed with RELAY_LEDGER__URL")
    if brokers and not database:
        raise Misconfigured("RELAY_LEDGER__URL", "is needed with RELAY_KAFKA__SERVERS")
    return database


def faults(held: Settings) -> Iterator[Misconfigured]:
    """Yield everything for which `relay serve` would not start."""
    for check in (scales_out, _brokers, refuse_open_login, secrets_form, _catalogue):
        try:
            check(held)
        except Misconfigured as fault:
            yield fault


def advice(held: Settings) -> Iterator[str]:
    """Yield what works, and hardly does what is meant, each with its setting."""
    url = held.http.public_url
    if url.scheme == "http" and not _is_loopback(url.host or ""):
        yield (
            "RELAY_HTTP__PUBLIC_URL: browsers keep no sign-in over http: put a proxy with TLS before the relay, "
            "and write https"
        )
    for name, text in (("SENDER", held.email.sender), ("REPLY_TO", held.email.reply_to)):
        if _is_example(parseaddr(text)[1].rpartition("@")[2]):
            yield f"RELAY_EMAIL__{name}: an address of an example: no answer and no bounce reaches you"
    if _is_example(url.host or ""):
        yield "RELAY_HTTP__PUBLIC_URL: a name of an example: no link in a letter leads to you"


def secrets_form(held: Settings) -> None:
    """Look at the keys that the settings give, and those that are made; `Misconfigured` for a wrong form."""
    if held.ledger.url is not None:
        secrets_file.given(held)
        return
    stated = held.secrets
    if (stated.links and stated.at_rest) or secrets_file.path_of(held).exists():
        secrets_file.load(held)
    else:  # the first start makes what is missing
        secrets_file.check_form(held)


def refuse_open_login(held: Settings) -> None:
    """Raise `Misconfigured` where a login would be read by everybody on the way."""
    if held.email.username is not None and held.email.tls == "none":
        raise Misconfigured("RELAY_EMAIL__TLS", "a login without TLS would show the password")


def _brokers(held: Settings) -> None:
    if held.kafka.servers:
        # the client of the brokers, for those who have some
        from services.runtime.brokers import connection_of

        connection_of(held.kafka)


def _catalogue(held: Settings) -> None:
    if held.classify.catalogue is not None:
        # a third of a second; those of the package are as they were released
        from services.runtime import tables

        tables.load(held.classify.catalogue)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _is_example(domain: str) -> bool:
    return f".{domain.lower()}".endswith(_EXAMPLES)
