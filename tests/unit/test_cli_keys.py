"""API keys and the secrets of an installation from the command line."""

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from services.runtime import secrets_file
from services.runtime.settings import load
from services.storage.keys import SCOPES
from tests.command import DIRECTORY, Relay

OBSERVATORY = (
    "--not-in-directory",
    "--institution",
    "uy-observatory",
    "--country",
    "UY",
    "--organisation",
    "Observatorio de ejemplo",
)


def test_a_key_is_shown_once_and_listed_without_it(installed: Relay) -> None:
    made = installed("keys", "create", *OBSERVATORY, "--scope", "send", "--scope", "read")
    secret = made.out.strip()
    assert made.status == 0
    assert secret.startswith("rk_")
    assert secret not in made.err
    (row,) = installed("keys", "list", "--json").json
    assert (row["institution"], row["scopes"], row["countries"]) == (
        "uy-observatory",
        ["read", "send"],
        ["UY"],
    )
    assert row["state"] == "valid"
    assert row["created_at"].endswith("Z")
    assert secret not in installed("keys", "list", "--json").out


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--scope", "everything"),
        ("--country", "uy"),
        ("--country", "XX"),
        ("--reports-for", "XX"),
        ("--reports-for", "URY"),
        ("--role", "king"),
        ("--contact", "juan perez"),
        ("--expires-in", "0"),
    ],
)
def test_a_wrong_option_is_named(installed: Relay, option: str, value: str) -> None:
    ended = installed("keys", "create", *OBSERVATORY, "--scope", "send", option, value)
    assert (ended.status, ended.out) == (2, "")
    assert option in ended.err


def test_a_key_has_state_and_name_of_the_directory(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    made = installed(
        "keys", "create", "--institution", "uy-focal", "--scope", "send", "--contact", "sat@example.org"
    )
    assert made.status == 0
    (row,) = installed("keys", "list", "--json").json
    assert (row["institution"], row["country"], row["countries"]) == ("uy-focal", "UY", ["UY"])
    assert row["organisation"] == "Punto focal de ejemplo"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--institution", "uy-fokal"), "--institution"),
        (("--institution", "uy-focal", "--country", "BR"), "--country"),
        (("--institution", "uy-focal", "--organisation", "Somebody"), "--organisation"),
        (
            ("--institution", "uy-focal", "--country", "UY", "--organisation", "X", "--not-in-directory"),
            "--not-in-directory",
        ),
        (("--institution", "uy-other", "--not-in-directory"), "--not-in-directory"),
    ],
)
def test_a_key_is_for_the_institution_that_is_meant(
    installed: Relay, directory: Path, options: tuple[str, ...], named: str
) -> None:
    installed("recipients", "import", str(directory))
    ended = installed("keys", "create", "--scope", "send", *options)
    assert (ended.status, ended.out) == (2, "")
    assert named in ended.err
    assert installed("keys", "list", "--json").json == []


def test_an_institution_that_ended_gets_no_key(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    directory.write_text(json.dumps({"institutions": DIRECTORY["institutions"][:1]}))
    installed("recipients", "import", str(directory))
    assert installed("keys", "create", "--scope", "send", "--institution", "uy-focal").status == 2


def test_the_help_of_a_key_says_what_each_scope_permits(relay: Relay) -> None:
    shown = " ".join(relay("keys", "create", "--help").out.replace("│", " ").split())
    assert all(f"{scope}:" in shown for scope in SCOPES)


def test_a_rotated_key_overlaps_its_successor(installed: Relay) -> None:
    installed("keys", "create", *OBSERVATORY, "--scope", "send")
    (old,) = installed("keys", "list", "--json").json
    successor = installed("keys", "rotate", old["id"], "--json").json
    listed = {row["id"]: row for row in installed("keys", "list", "--json").json}
    assert listed[old["id"]]["expires_at"] is not None
    assert listed[successor["id"]]["scopes"] == ["send"]
    assert listed[successor["id"]]["expires_at"] is None


def test_a_revoked_key_is_revoked_once(installed: Relay) -> None:
    installed("keys", "create", *OBSERVATORY, "--scope", "send")
    (row,) = installed("keys", "list", "--json").json
    assert installed("keys", "revoke", row["id"]).status == 0
    assert installed("keys", "revoke", row["id"]).status == 1
    assert installed("keys", "list", "--json").json[0]["state"] == "revoked"


def test_new_secrets_are_what_the_settings_take(relay: Relay) -> None:
    for line in relay("keys", "secret").out.splitlines():
        name, _, value = line.partition("=")
        relay.set(**{name.removeprefix("RELAY_"): value})
    held = secrets_file.load(load())
    assert set(held.links) == {1}
    assert Fernet(held.at_rest[0])
    assert not secrets_file.path_of(load()).exists()
