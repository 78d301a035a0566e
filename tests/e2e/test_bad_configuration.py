"""Bad configuration ends the start with exit status 2 and the name of the setting."""

import socket
from pathlib import Path

import pytest

from tests.e2e.stage import command, institution, staged


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("RELAY_NOTIFY__GIVE_UP_AFTR", "PT15M", "did you mean RELAY_NOTIFY__GIVE_UP_AFTER?"),
        ("RELAY_HTTP__PORT", "eighty", "RELAY_HTTP__PORT"),
        ("RELAY_NOTIFY__ALLOW_NETWORKS", "10.0.0.0/99", "RELAY_NOTIFY__ALLOW_NETWORKS"),
        ("RELAY_EMAIL__TLS", "perhaps", "RELAY_EMAIL__TLS"),
        ("RELAY_DRAIN", "soon", "RELAY_DRAIN"),
    ],
)
async def test_a_wrong_setting_stops_the_start_and_is_named(
    tmp_path: Path, setting: str, value: str, said: str
) -> None:
    ended = await command({"RELAY_LEDGER__PATH": str(tmp_path / "relay.sqlite3"), setting: value}, "serve")
    assert ended.status == 2
    assert setting in ended.err
    assert said in ended.err
    assert value not in ended.err
    assert list(tmp_path.iterdir()) == []


async def test_a_ledger_that_was_not_migrated_stops_the_start(tmp_path: Path) -> None:
    ended = await command({"RELAY_LEDGER__PATH": str(tmp_path / "relay.sqlite3")}, "serve", "all")
    assert ended.status == 2
    assert "RELAY_LEDGER__PATH" in ended.err
    assert "relay migrate" in ended.err


async def test_a_second_relay_on_the_same_ledger_does_not_start_and_the_first_goes_on(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        other_port = {**stage.relay.environment, "RELAY_HTTP__PORT": "0"}
        ended = await command(other_port, "serve", "all")
        assert ended.status == 2
        assert "RELAY_LEDGER__PATH" in ended.err
        assert (await stage.client.get("/readyz")).status_code == 200


async def test_a_port_that_is_taken_stops_the_start_and_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {
            "RELAY_LEDGER__PATH": str(tmp_path / "relay.sqlite3"),
            "RELAY_HTTP__PORT": str(taken.getsockname()[1]),
        }
        assert (await command(environment, "migrate")).status == 0
        ended = await command(environment, "serve", "all")
    assert ended.status == 2
    assert "RELAY_HTTP__PORT" in ended.err


URL = "postgresql://relay@127.0.0.1:1/relay"
BROKERS = "127.0.0.1:1"
KEY = "A" * 43 + "="
LINKS = {"RELAY_SECRETS__LINKS": f"1:{KEY}"}
AT_REST = {"RELAY_SECRETS__AT_REST": KEY}
BOTH = {"RELAY_LEDGER__URL": URL, "RELAY_KAFKA__SERVERS": BROKERS}


@pytest.mark.parametrize(
    ("settings", "roles", "named"),
    [
        ({"RELAY_LEDGER__URL": URL}, ["all"], "RELAY_KAFKA__SERVERS"),
        ({"RELAY_KAFKA__SERVERS": BROKERS}, ["all"], "RELAY_LEDGER__URL"),
        (BOTH, ["ingest"], "RELAY_SECRETS__LINKS"),
        (BOTH | LINKS, ["ingest"], "RELAY_SECRETS__AT_REST"),
        (BOTH | AT_REST, ["ingest"], "RELAY_SECRETS__LINKS"),
        (BOTH | LINKS | AT_REST, ["notify"], "RELAY_HTTP__METRICS_PORT"),
        (
            BOTH | LINKS | AT_REST | {"RELAY_KAFKA__PROTOCOL": "SASL_SSL"},
            ["ingest"],
            "RELAY_KAFKA__MECHANISM",
        ),
    ],
)
async def test_a_scale_out_relay_that_misses_a_setting_names_it(
    tmp_path: Path, settings: dict[str, str], roles: list[str], named: str
) -> None:
    ended = await command({"RELAY_LEDGER__PATH": str(tmp_path / "x.sqlite3"), **settings}, "serve", *roles)
    assert ended.status == 2, ended.err
    assert named in ended.err
    assert KEY not in ended.err
    assert list(tmp_path.iterdir()) == []


async def test_a_database_that_cannot_be_reached_is_a_temporary_failure() -> None:
    ended = await command(BOTH | LINKS | AT_REST, "serve", "ingest")
    assert ended.status == 75, ended.err
