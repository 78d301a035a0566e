"""The command as a whole: how it ends, where it writes, what it never does."""

import sqlite3
from contextlib import closing
from importlib.metadata import version

import pytest

from services import cli
from services.commands.later import Later
from services.commands.serve import Role, chosen
from services.errors import Invalid, Misconfigured, Transient
from services.runtime.settings import described
from tests.command import Relay

LISTS = (
    ("keys", "list"),
    ("recipients", "list"),
    ("alerts", "list"),
    ("deliveries", "list"),
    ("dead-letters", "list"),
)
NEEDS_A_LEDGER = (
    *LISTS,
    ("alerts", "show", "x"),
    ("deliveries", "replay", "x"),
    ("dead-letters", "replay", "x"),
    ("keys", "revoke", "x"),
    ("keys", "rotate", "x"),
    ("recipients", "show", "x"),
    ("recipients", "set-participation", "UY", "active"),
)


def words(command: tuple[str, ...]) -> str:
    return " ".join(command)


def test_the_version_is_that_of_the_distribution(relay: Relay) -> None:
    assert relay("--version").out == f"relay {version('early-warning-relay')}\n"


@pytest.mark.parametrize("place", cli.COMMANDS, ids=lambda place: place.name)
def test_every_command_says_what_it_does_and_the_list_says_the_same(place: Later) -> None:
    def missing(command: object, name: str) -> list[str]:
        inner = getattr(command, "commands", {})
        here = [] if getattr(command, "help", None) else [name]
        return here + [one for key, value in inner.items() for one in missing(value, f"{name} {key}")]

    loaded = place.loaded()
    assert missing(loaded, f"relay {place.name}") == []
    assert str(loaded.help).partition("\n\n")[0] == place.help


@pytest.mark.parametrize(
    "arguments", [(), ("keys",), ("nothing",), ("keys", "create"), ("serve", "everything")]
)
def test_wrong_arguments_end_with_status_2_and_help(relay: Relay, arguments: tuple[str, ...]) -> None:
    ended = relay(*arguments)
    assert ended.status == 2
    assert "Traceback" not in ended.err
    assert "Usage" in ended.err + ended.out


@pytest.mark.parametrize("command", NEEDS_A_LEDGER, ids=words)
def test_without_a_ledger_a_command_names_the_setting_and_makes_none(
    relay: Relay, command: tuple[str, ...]
) -> None:
    ended = relay(*command)
    assert (ended.status, ended.out) == (2, "")
    assert "RELAY_LEDGER__PATH" in ended.err
    assert "relay migrate" in ended.err
    assert not relay.ledger.exists()


@pytest.mark.parametrize("command", NEEDS_A_LEDGER, ids=words)
def test_what_is_no_ledger_is_refused_by_its_setting(relay: Relay, command: tuple[str, ...]) -> None:
    relay.ledger.write_text("no database " * 1000)
    ended = relay(*command)
    assert ended.status == 2
    assert "RELAY_LEDGER__PATH" in ended.err


@pytest.mark.parametrize(
    "command", [("check-config",), ("doctor",), ("migrate",), ("serve",), *LISTS], ids=words
)
def test_an_unknown_setting_is_named(relay: Relay, command: tuple[str, ...]) -> None:
    relay.set(LEDGER__PTH="x")
    ended = relay(*command)
    assert (ended.status, ended.out) == (2, "")
    assert "RELAY_LEDGER__PTH" in ended.err
    assert "RELAY_LEDGER__PATH" in ended.err


@pytest.mark.parametrize("command", LISTS, ids=words)
def test_an_empty_list_is_an_empty_list(installed: Relay, command: tuple[str, ...]) -> None:
    assert installed(*command, "--json").json == []
    assert installed(*command).status == 0


@pytest.mark.parametrize(
    "command",
    [
        ("alerts", "show", "x"),
        ("deliveries", "replay", "x"),
        ("dead-letters", "replay", "x"),
        ("keys", "revoke", "x"),
        ("keys", "rotate", "x"),
        ("recipients", "show", "x"),
        ("recipients", "webhook-secret", "x"),
    ],
    ids=words,
)
def test_what_is_not_there_ends_with_status_1(installed: Relay, command: tuple[str, ...]) -> None:
    ended = installed(*command)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.splitlines()[-1].startswith("relay: ")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Misconfigured("RELAY_HTTP__PORT", "is taken"), 2),
        (Transient("the disk is full"), 75),
        (Invalid("draft"), 1),
    ],
)
def test_each_fault_has_its_status(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    def fail() -> None:
        raise fault

    monkeypatch.setattr("services.commands.configuration.settings.load", fail)
    ended = relay("check-config")
    assert (ended.status, ended.out) == (status, "")
    assert str(fault) in ended.err


def test_a_fault_in_the_code_keeps_its_traceback(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.commands.configuration.settings.load", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        relay("check-config")


def test_the_settings_are_shown_without_their_secrets(relay: Relay) -> None:
    relay.set(EMAIL__PASSWORD="hunter2", NOTIFY__ALLOW_NETWORKS="10.0.0.0/8 fd00::/8", DRAIN="PT90S")
    ended = relay("check-config", "--json")
    held = {row["setting"]: row["value"] for row in ended.json}
    assert list(held) == [name for name, _, _ in described()]
    assert held["RELAY_EMAIL__PASSWORD"] == "********"
    assert held["RELAY_NOTIFY__ALLOW_NETWORKS"] == "10.0.0.0/8 fd00::/8"
    assert held["RELAY_DRAIN"] == "PT1M30S"
    assert "hunter2" not in relay("check-config").out


def test_a_wrong_value_is_named_and_not_repeated(relay: Relay) -> None:
    relay.set(HTTP__PORT="hunter2")
    ended = relay("check-config")
    assert ended.status == 2
    assert "RELAY_HTTP__PORT" in ended.err
    assert "hunter2" not in ended.err


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"SECRETS__LINKS": "abc"}, "RELAY_SECRETS__LINKS"),
        ({"SECRETS__AT_REST": "abc"}, "RELAY_SECRETS__AT_REST"),
        ({"CLASSIFY__CATALOGUE": "/none"}, "RELAY_CLASSIFY__CATALOGUE"),
        ({"KAFKA__SERVERS": "kafka:9092"}, "RELAY_LEDGER__URL"),
        ({"KAFKA__SERVERS": "kafka"}, "RELAY_KAFKA__SERVERS"),
        ({"LEDGER__URL": "postgresql://relay@db/relay"}, "RELAY_KAFKA__SERVERS"),
        ({"EMAIL__USERNAME": "relay", "EMAIL__TLS": "none"}, "RELAY_EMAIL__TLS"),
        ({"EMAIL__SENDER": "Relay SATA"}, "RELAY_EMAIL__SENDER"),
        ({"EMAIL__REPLY_TO": "nobody"}, "RELAY_EMAIL__REPLY_TO"),
    ],
)
def test_what_would_stop_the_start_is_no_right_setting(
    relay: Relay, wrong: dict[str, str], named: str
) -> None:
    relay.set(**wrong)
    ended = relay("check-config")
    assert ended.status == 2
    assert f"relay: {named}: " in ended.err
    assert "are right" not in ended.err
    assert not relay.ledger.with_name("relay.sqlite3.secrets").exists()


def test_every_wrong_setting_is_named_at_once(relay: Relay) -> None:
    relay.set(DRAIN="10s", EMAIL__TLS="yes", HTTP__PORT="0.5")
    said = relay("check-config").err
    assert "RELAY_DRAIN: write a span in ISO 8601, such as PT10S" in said
    assert "RELAY_EMAIL__TLS: Input should be 'none', 'starttls' or 'implicit'" in said
    assert "RELAY_HTTP__PORT" in said


@pytest.mark.parametrize(
    ("held", "named"),
    [
        ({"HTTP__PUBLIC_URL": "http://relay.int"}, "RELAY_HTTP__PUBLIC_URL: browsers"),
        ({"HTTP__PUBLIC_URL": "https://relay.example.org"}, "RELAY_HTTP__PUBLIC_URL: a name of an example"),
        ({"EMAIL__SENDER": "relay@example.org"}, "RELAY_EMAIL__SENDER"),
        ({"EMAIL__REPLY_TO": "x@mail.example.com"}, "RELAY_EMAIL__REPLY_TO"),
        ({"HTTP__PUBLIC_URL": "http://127.0.0.1:8480"}, None),
        ({"HTTP__PUBLIC_URL": "http://[::1]:8480"}, None),
        ({"HTTP__PUBLIC_URL": "https://relay.int"}, None),
        ({"EMAIL__SENDER": "Relay SATA <relay@relay.int>"}, None),
    ],
)
def test_what_hardly_does_what_is_meant_is_warned_of(
    relay: Relay, held: dict[str, str], named: str | None
) -> None:
    relay.set(**{"EMAIL__SENDER": "relay@relay.int", "EMAIL__REPLY_TO": "sat@relay.int"} | held)
    ended = relay("check-config")
    assert ended.status == 0
    assert ended.err.count("warning: ") == (0 if named is None else 1)
    assert named is None or f"warning: {named}" in ended.err


def test_migrations_are_checked_made_and_made_once(relay: Relay) -> None:
    assert relay("migrate", "--check").status == 1
    assert not relay.ledger.exists()
    assert "nothing ->" in relay("migrate").err
    assert "already at" in relay("migrate").err
    assert relay("migrate", "--check").status == 0
    assert relay.ledger.stat().st_mode & 0o077 == 0


def test_a_ledger_that_a_later_release_has_ended_for_us_stops_the_start(relay: Relay) -> None:
    relay("migrate")
    with closing(sqlite3.connect(relay.ledger)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9998'")
        connection.execute("INSERT INTO counters VALUES ('oldest_code', 9997)")
        connection.commit()
    for command in (("migrate", "--check"), ("serve",)):
        ended = relay(*command)
        assert ended.status == (1 if "--check" in command else 2)
        assert "9997 or later" in ended.err
    assert "RELAY_LEDGER__PATH" in ended.err


def test_a_ledger_in_a_missing_folder_is_refused(relay: Relay) -> None:
    relay.set(LEDGER__PATH=str(relay.folder / "missing" / "relay.sqlite3"))
    ended = relay("migrate")
    assert ended.status == 2
    assert "RELAY_LEDGER__PATH" in ended.err


@pytest.mark.parametrize(
    ("roles", "services"),
    [
        ([Role.ALL], {"ingest", "classify", "notify", "metrics", "upkeep"}),
        ([Role.NOTIFY, Role.METRICS], {"notify", "metrics"}),
        ([Role.NOTIFY, Role.ALL], {"ingest", "classify", "notify", "metrics", "upkeep"}),
    ],
)
def test_a_process_runs_the_services_that_are_named(roles: list[Role], services: set[str]) -> None:
    assert chosen(roles) == services
