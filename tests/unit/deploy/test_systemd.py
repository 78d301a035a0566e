"""The units are valid, closed, and start what is there with settings that are known."""

import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from services import cli
from services.runtime import settings
from tests import deployment
from tests.deployment import DEPLOY

FOLDER = DEPLOY / "systemd"
UNITS = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])
_ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(_ANALYZE is None, reason="needs systemd-analyze, which is not installed")


def service(path: Path) -> dict[str, str]:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of systemd have capitals
    parser.read_string(path.read_text(encoding="utf-8"))
    return dict(parser["Service"])


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """The units with a program in the relay's place: here none is installed in /opt."""
    program = tmp_path / "relay"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    copies = [tmp_path / path.name for path in UNITS]
    for path, copy in zip(UNITS, copies, strict=True):
        text = path.read_text(encoding="utf-8").replace("/opt/relay/bin/relay", str(program))
        copy.write_text(text, encoding="utf-8")
    return copies


@needs_systemd
def test_systemd_takes_the_units(installed: list[Path]) -> None:
    ended = subprocess.run(
        ["systemd-analyze", "verify", *installed], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@needs_systemd
def test_the_relay_is_shut_in(installed: list[Path]) -> None:
    unit = next(path for path in installed if path.name == "relay.service")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-300:]


@pytest.mark.parametrize("unit", ["relay.service", "relay-backup.service"])
def test_every_command_is_one_of_ours(unit: str, capsys: pytest.CaptureFixture[str]) -> None:
    commands = re.findall(r"/opt/relay/bin/relay ([a-z ]*[a-z])", service(FOLDER / unit)["ExecStart"])
    assert commands
    for command in commands:
        assert cli.run([*command.split(), "--help"]) == 0, command
    capsys.readouterr()


def test_wrong_settings_are_not_tried_again() -> None:
    """Status 2 of the one main process: of a command before it systemd would not heed the rule."""
    found = service(FOLDER / "relay.service")
    assert found["RestartPreventExitStatus"] == "2"
    assert found["Restart"] == "on-failure"
    assert "ExecStartPre" not in found


def test_there_is_time_to_drain() -> None:
    stop = int(service(FOLDER / "relay.service")["TimeoutStopSec"])
    assert stop > settings.Settings.model_fields["drain"].default.total_seconds()


def test_the_settings_are_known_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    given = deployment.environment_file(FOLDER / "relay.env")
    assert set(given) <= deployment.known_settings()
    for name in [name for name in os.environ if name.startswith(settings.PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert settings.load().http.metrics_port == 9480
    units = "".join(path.read_text(encoding="utf-8") for path in UNITS)
    assert set(re.findall(r"Environment=(RELAY_\w+)=", units)) <= deployment.known_settings()


def test_the_backup_goes_where_it_may_write() -> None:
    found = service(FOLDER / "relay-backup.service")
    made = (FOLDER / "relay.tmpfiles").read_text(encoding="utf-8").split()[1]
    assert made in found["ReadWritePaths"].split()
    assert f"{made}/" in found["ExecStart"]
