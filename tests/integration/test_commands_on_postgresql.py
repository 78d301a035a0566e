"""The commands on a ledger that is a PostgreSQL database, as on one that is a file."""

import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from services.runtime.secrets_file import new_key
from tests.command import Relay
from tests.servers.postgresql import Databases

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]


@pytest.fixture
def relay(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    postgresql: Databases,
) -> Relay:
    """An installation whose ledger is an empty database without tables."""
    made = Relay(tmp_path, monkeypatch, capsys)
    made.set(LEDGER__URL=postgresql.new(migrated=False))
    return made


@pytest.fixture
def installed(relay: Relay) -> Relay:
    """An installation with an empty ledger."""
    assert relay("migrate").status == 0
    return relay


def test_migrate_makes_the_ledger_once_and_says_so(relay: Relay) -> None:
    assert relay("migrate", "--check").status == 1
    made, again = relay("migrate"), relay("migrate")
    assert (made.status, again.status) == (0, 0)
    assert "nothing -> " in made.err
    assert "already at " in again.err
    assert relay("migrate", "--check").status == 0
    assert not relay.ledger.exists()


def test_a_command_on_a_ledger_that_is_not_migrated_says_what_to_run(relay: Relay) -> None:
    ended = relay("keys", "list")
    assert ended.status == 2
    assert "RELAY_LEDGER__URL" in ended.err
    assert "run `relay migrate`" in ended.err


@pytest.mark.parametrize(
    "what", ["keys", "recipients", "alerts", "deliveries", "dead-letters", "reviews", "merges"]
)
def test_every_list_of_an_empty_ledger_is_empty(installed: Relay, what: str) -> None:
    ended = installed(what, "list", "--json")
    assert (ended.status, ended.json) == (0, [])


def test_whoever_has_not_answered_is_asked_of_an_empty_ledger_too(installed: Relay) -> None:
    ended = installed("deliveries", "list", "--unacknowledged", "--json")
    assert (ended.status, ended.json) == (0, [])


def test_a_key_that_is_made_is_listed_and_can_be_ended(installed: Relay) -> None:
    made = installed(
        "keys",
        "create",
        "--not-in-directory",
        "--institution",
        "uy-ndo",
        "--country",
        "UY",
        "--organisation",
        "X",
        "--scope",
        "send",
    )
    assert made.status == 0
    (key,) = installed("keys", "list", "--json").json
    assert installed("keys", "revoke", key["id"]).status == 0
    assert installed("keys", "list", "--json").json[0]["state"] == "revoked"


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_copies_are_left_to_the_tools_of_the_database(installed: Relay, what: str) -> None:
    ended = installed(what, "copy.db")
    assert ended.status == 2
    assert "RELAY_LEDGER__URL" in ended.err
    assert "pg_dump" in ended.err


def test_a_database_that_was_put_back_is_mended(installed: Relay, postgresql: Databases) -> None:
    made = (
        "--not-in-directory",
        "--institution",
        "uy-ndo",
        "--country",
        "UY",
        "--organisation",
        "X",
        "--scope",
        "send",
    )
    installed("keys", "create", *made)
    replaced = make_url(os.environ["RELAY_LEDGER__URL"]).database
    assert replaced is not None
    copy = postgresql.server.create(f"{replaced}_copy", template=replaced)
    (key,) = installed("keys", "list", "--json").json
    installed("keys", "revoke", key["id"])
    installed.set(LEDGER__URL=copy)
    assert installed("keys", "list", "--json").json[0]["state"] == "valid"
    mended = installed("restored", "--replaced", replaced, "--json")
    assert (mended.status, mended.json) == (0, [])
    assert installed("keys", "list", "--json").json[0]["state"] == "revoked"
    alone = installed("restored")
    assert alone.status == 0
    assert "was not named: numbers go on after a gap" in alone.err


def test_the_doctor_looks_at_the_database(installed: Relay) -> None:
    installed.set(SECRETS__LINKS=f"1:{new_key()}", SECRETS__AT_REST=new_key(), KAFKA__SERVERS="kafka:9092")
    installed.set(EMAIL__SENDER="relay@relay.int", EMAIL__REPLY_TO="sat@relay.int")
    found = {one["check"]: one for one in installed("doctor", "--json").json}
    assert [name for name, one in found.items() if not one["passed"]] == ["recipients", "mail server"]
    assert {"ledger", "ledger writable", "audit chain", "clock"} <= set(found)


def test_a_ledger_out_of_reach_may_be_tried_again(relay: Relay) -> None:
    relay.set(LEDGER__URL="postgresql://relay:hunter2@127.0.0.1:1/relay")
    for arguments in (("keys", "list"), ("migrate",), ("migrate", "--check")):
        ended = relay(*arguments)
        assert ended.status == 75
        assert "postgresql://relay@127.0.0.1:1/relay is out of reach" in ended.err
        assert "hunter2" not in ended.err + ended.out


def test_a_password_that_is_refused_is_named_and_not_shown(relay: Relay, postgresql: Databases) -> None:
    relay.set(
        LEDGER__URL=f"postgresql://nobody:hunter2@127.0.0.1:{postgresql.server.port}/postgres",
        LEDGER__PASSWORD="hunter3",
    )
    ended = relay("migrate")
    assert ended.status == 2
    assert "RELAY_LEDGER__URL" in ended.err
    assert "hunter" not in ended.err + ended.out
