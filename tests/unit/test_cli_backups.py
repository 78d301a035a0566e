"""Copies of the ledger from the command line, and what a restore must not undo."""

import os
from pathlib import Path

from services.storage.sqlite_file import lock_file
from tests.builders import NOW
from tests.command import Relay, accept, run

OBSERVATORY = (
    "--not-in-directory",
    "--institution",
    "uy-observatory",
    "--country",
    "UY",
    "--organisation",
    "X",
    "--scope",
    "send",
)


def test_a_backup_is_taken_beside_a_running_relay_and_restored_only_without_it(installed: Relay) -> None:
    copy = installed.folder / "copy"
    running = lock_file(installed.ledger)
    assert installed("backup", str(copy)).status == 0
    assert installed("backup", str(copy)).status == 1
    assert installed("restore", str(copy), "--force").status == 2
    os.close(running)
    assert installed("restore", str(copy)).status == 1
    assert installed("restore", str(copy), "--force").status == 0
    assert installed("restore", str(installed.folder / "missing"), "--force").status == 1


def kept(relay: Relay) -> list[Path]:
    return sorted(relay.folder.glob("relay.sqlite3.replaced-*"))


def test_a_restore_revives_no_key_and_no_state_and_lists_what_must_be_sent_again(installed: Relay) -> None:
    run(installed, accept(1))
    installed("keys", "create", *OBSERVATORY)
    installed("recipients", "set-participation", "HT", "active")
    copy = str(installed.folder / "copy")
    assert installed("backup", copy).status == 0
    (key,) = installed("keys", "list", "--json").json
    installed("keys", "revoke", key["id"])
    installed("recipients", "set-participation", "HT", "withdrawn")
    run(installed, accept(2, at=NOW.replace(hour=13)))
    done = installed("restore", copy, "--force", "--json")
    assert done.status == 0
    assert [(row["national_ref"], row["sender_id"]) for row in done.json] == [("SAT-2", "observatory")]
    assert "1 keys, 0 institutions, 1 participations, 0 webhook secrets" in done.err
    assert installed("keys", "list", "--json").json[0]["state"] == "revoked"
    assert [row["id"] for row in installed("alerts", "list", "--json").json] == ["message-1"]
    (old,) = kept(installed)
    assert str(old) in done.err
    installed.set(LEDGER__PATH=str(old))
    assert len(installed("alerts", "list", "--json").json) == 2


def test_a_restore_over_a_ledger_made_anew_says_what_to_do_again(installed: Relay) -> None:
    installed("keys", "create", *OBSERVATORY)
    copy = str(installed.folder / "copy")
    assert installed("backup", copy).status == 0
    installed.ledger.unlink()
    installed("migrate")
    done = installed("restore", copy, "--force")
    assert done.status == 0
    assert "does not go back to this copy: numbers go on after a gap" in done.err
    assert "revoke keys" in done.err
    assert len(kept(installed)) == 1
    installed.ledger.unlink()
    alone = installed("restore", copy)
    assert alone.status == 0
    assert "is not there: numbers go on after a gap" in alone.err
    assert len(kept(installed)) == 1


def test_mending_a_database_is_not_for_a_file(installed: Relay) -> None:
    ended = installed("restored")
    assert ended.status == 2
    assert "relay restore" in ended.err
