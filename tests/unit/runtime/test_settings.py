"""Settings come from RELAY_*, are right or stop the start, and never show a secret."""

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.errors import Misconfigured
from services.runtime.settings import PREFIX, Settings, described, load


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def test_without_any_setting_the_defaults_hold() -> None:
    held = load()
    assert held.ledger.path == Path("relay.sqlite3")
    assert held.http.host == "127.0.0.1"
    assert held.secrets.links is None


def test_a_setting_is_read_from_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_NOTIFY__GIVE_UP_AFTER", "PT15M")
    monkeypatch.setenv("RELAY_DRAIN", "PT3S")
    monkeypatch.setenv("RELAY_NOTIFY__ALLOW_NETWORKS", "10.0.0.0/8 fd00::/8")
    held = load()
    assert held.notify.give_up_after == timedelta(minutes=15)
    assert held.drain == timedelta(seconds=3)
    assert held.notify.allow_networks == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError):
        load().drain = timedelta(0)


@pytest.mark.parametrize(
    "name", ["RELAY_LEDGER__PTH", "RELAY_LEDGER", "RELAY_LEDGER__PATH__X", "RELAY_X", "RELAY_"]
)
def test_an_unknown_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "hunter2")
    with pytest.raises(Misconfigured, match="unknown setting") as stopped:
        load()
    assert stopped.value.setting == name
    assert "hunter2" not in str(stopped.value)


def test_a_near_name_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_LEDGER__PTH", "x")
    with pytest.raises(Misconfigured, match="did you mean RELAY_LEDGER__PATH"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RELAY_HTTP__PORT", "70000"),
        ("RELAY_HTTP__PORT", "hunter2"),
        ("RELAY_NOTIFY__IN_FLIGHT", "1"),  # none would be left beside email's
        ("RELAY_HTTP__PUBLIC_URL", "hunter2"),
        ("RELAY_DRAIN", "hunter2"),
        ("RELAY_EMAIL__TLS", "hunter2"),
        ("RELAY_CLASSIFY__RELAY_PREFIX", "hunter2"),
        ("RELAY_NOTIFY__ALLOW_NETWORKS", "10.0.0.0/8 hunter2"),
        ("RELAY_LOG__LEVEL", "hunter2"),
        ("RELAY_LEDGER__URL", "mysql://relay:hunter2@db/relay"),
        ("RELAY_LEDGER__URL", "postgresql://relay:hunter2@/relay"),
        ("RELAY_LEDGER__URL", "postgresql://relay:hunter2@db"),
        ("RELAY_LEDGER__URL", "postgresql://relay:hunter2@db:no/relay"),
        ("RELAY_LEDGER__URL", "postgresql://relay@db/relay?password=hunter2"),
        ("RELAY_LEDGER__URL", "postgresql://relay:S3cret\u2100hunter2@db/relay"),
        ("RELAY_LEDGER__URL", "postgresql://relay:s3c[hunter2]pw@db/relay"),
        ("RELAY_LEDGER__URL", "postgresql://relay@db:hunter2/relay"),
        ("RELAY_LEDGER__URL", "postgresql://relay:s3c@hunter2@db/relay"),
        ("RELAY_HTTP__PUBLIC_URL", "http://relay:hunter2@db:no/"),
        ("RELAY_HTTP__PUBLIC_URL", "http://relay:s3c[hunter2]pw@[db/"),
        ("RELAY_HTTP__PUBLIC_URL", "ftp://relay:hunter2@db/"),
    ],
)
def test_a_wrong_value_names_its_setting_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as stopped:
        load()
    assert stopped.value.setting == name
    assert "hunter2" not in str(stopped.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_EMAIL__PASSWORD", "hunter2")
    monkeypatch.setenv("RELAY_SECRETS__AT_REST", "hunter2")
    monkeypatch.setenv("RELAY_LEDGER__URL", "postgresql://relay:hunter2@db/relay")
    monkeypatch.setenv("RELAY_LEDGER__PASSWORD", "hunter2")
    assert "hunter2" not in repr(load()) + str(load().model_dump())


def test_every_setting_is_described_once_in_capitals() -> None:
    names = [name for name, _, _ in described()]
    assert len(names) == len(set(names))
    assert all(name == name.upper() and name.startswith(PREFIX) for name in names)
    assert all(field.description for _, field, _ in described())
    groups = [name for name in Settings.model_fields if f"{PREFIX}{name.upper()}" not in names]
    assert {name.split("_")[1].split("__")[0].lower() for name in names} >= {
        group.split("_")[0] for group in groups
    }
