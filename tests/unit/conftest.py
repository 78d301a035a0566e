"""What unit tests share."""

import json
from pathlib import Path

import pytest

from tests.command import DIRECTORY, Relay


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Relay:
    """An installation without a ledger."""
    return Relay(tmp_path, monkeypatch, capsys)


@pytest.fixture
def installed(relay: Relay) -> Relay:
    """An installation with an empty ledger."""
    assert relay("migrate").status == 0
    return relay


@pytest.fixture
def directory(installed: Relay) -> Path:
    """A directory file of two institutions, not imported."""
    path = installed.folder / "directory.json"
    path.write_text(json.dumps(DIRECTORY))
    return path
