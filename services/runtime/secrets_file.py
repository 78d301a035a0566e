"""The keys of an installation, from the settings or from a file that the first start makes.

There is no default secret: where the settings give none, random ones are written once beside the ledger,
readable by its owner only. They belong into the backup of the installation, not into that of the ledger.
"""

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path

from services.errors import Misconfigured
from services.runtime.settings import Settings

_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """Keys by version, the newest last: it signs; the others still verify."""

    links: dict[int, bytes] = field(repr=False)
    at_rest: tuple[bytes, ...] = field(repr=False)  # Fernet keys, base64; the first encrypts


def load(settings: Settings) -> Secrets:
    """Return the installation's keys; `Misconfigured` where they have not the stated form."""
    if settings.ledger.url is not None:
        return given(settings)
    stated = settings.secrets
    if stated.links is not None and stated.at_rest is not None:
        return _parse(stated.links.get_secret_value(), stated.at_rest.get_secret_value())
    path = path_of(settings)
    stored = read_or_make(path)
    links = stated.links.get_secret_value() if stated.links else stored["links"]
    at_rest = stated.at_rest.get_secret_value() if stated.at_rest else stored["at_rest"]
    return _parse(links, at_rest)


def check_form(settings: Settings) -> None:
    """Raise `Misconfigured` where a key that the settings give has not the stated form; makes none."""
    made, stated = new_key(), settings.secrets
    _parse(
        stated.links.get_secret_value() if stated.links else f"1:{made}",
        stated.at_rest.get_secret_value() if stated.at_rest else made,
    )


def given(settings: Settings) -> Secrets:
    """Return the keys that the settings give; `Misconfigured` where one is missing.

    Processes that share a ledger share its keys: one that made its own would sign links that no other believes.
    """
    links, at_rest = settings.secrets.links, settings.secrets.at_rest
    for name, value in (("LINKS", links), ("AT_REST", at_rest)):
        if value is None:
            raise Misconfigured(f"RELAY_SECRETS__{name}", "is needed, and the same in every process")
    assert links is not None
    assert at_rest is not None
    return _parse(links.get_secret_value(), at_rest.get_secret_value())


def path_of(settings: Settings) -> Path:
    """Return where keys that the settings do not give are kept."""
    return settings.ledger.path.with_name(settings.ledger.path.name + ".secrets")


def read_or_make(path: Path) -> dict[str, str]:
    """Return the keys in `path`, made now where there is no such file, in the form of the settings."""
    made = {"links": f"1:{new_key()}", "at_rest": new_key()}
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        stored: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return stored
    except OSError as fault:
        raise Misconfigured("RELAY_LEDGER__PATH", f"cannot write {path}: {fault.strerror}") from fault
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(made, file)
        file.flush()
        os.fsync(file.fileno())
    return made


def new_key() -> str:
    """Return a random key in the form that the settings take."""
    return urlsafe_b64encode(secrets.token_bytes(_LENGTH)).decode()


def _parse(links: str, at_rest: str) -> Secrets:
    versions: dict[int, bytes] = {}
    for word in links.split():
        version, _, key = word.partition(":")
        if not version.isdigit() or (decoded := _decoded(key)) is None:
            raise Misconfigured("RELAY_SECRETS__LINKS", "expected version:key, the key 32 bytes in base64")
        versions[int(version)] = decoded
    keys = at_rest.split()
    if not versions:
        raise Misconfigured("RELAY_SECRETS__LINKS", "at least one key is needed")
    if not keys or any(_decoded(key) is None for key in keys):
        raise Misconfigured("RELAY_SECRETS__AT_REST", "expected keys of 32 bytes in base64")
    return Secrets(links=versions, at_rest=tuple(key.encode() for key in keys))


def _decoded(key: str) -> bytes | None:
    try:
        decoded = urlsafe_b64decode(key)
    except ValueError:
        return None
    return decoded if len(decoded) == _LENGTH else None
