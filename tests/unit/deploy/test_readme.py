"""What deploy/README.md tells an operator to run, set, open or look for is there."""

import re

import pytest

from services import cli
from tests import deployment
from tests.deployment import DEPLOY, ROOT

TEXT = (DEPLOY / "README.md").read_text(encoding="utf-8")
_COMMAND = re.compile(
    r"(?:^\s*|`|ingest |bin/)relay ((?:[a-z][a-z-]+)(?: (?:list|replay|create|check|import))?)", re.M
)
COMMANDS = sorted(set(_COMMAND.findall(TEXT)) - {"serve ingest"})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_of_ours(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*command.split(), "--help"]) == 0
    capsys.readouterr()


def test_the_commands_were_found() -> None:
    assert {"backup", "restore", "dead-letters replay", "topics check", "doctor"} <= set(COMMANDS)


def test_every_setting_is_known() -> None:
    assert set(re.findall(r"RELAY_[A-Z]+(?:__[A-Z_]+[A-Z])?", TEXT)) <= deployment.known_settings()


def test_every_alert_is_a_rule_and_every_rule_is_explained() -> None:
    named = set(re.findall(r"`(Relay[A-Z]\w+)`", TEXT))
    rules = {rule["alert"] for rule in deployment.alerts()}
    assert named <= rules
    page = {rule["alert"] for rule in deployment.alerts() if rule["labels"]["severity"] == "page"}
    assert page <= named


def test_every_file_is_there() -> None:
    for name in re.findall(r"`((?:\.\./)?[\w/-]+(?:\.\w+|/))`", TEXT):
        if name.startswith((".env", "/")) or name in ("relay.sqlite3.secrets", "deploy/local.env"):
            continue
        places = (DEPLOY / name, ROOT / name, DEPLOY / "systemd" / name)
        assert any(place.exists() for place in places), name
