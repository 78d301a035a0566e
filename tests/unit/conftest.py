"""What unit tests share."""

from pathlib import Path

import pytest

from tests.command import Relay


@pytest.fixture
def relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Relay:
    """An installation without a ledger."""
    return Relay(tmp_path, monkeypatch, capsys)


@pytest.fixture
def installed(relay: Relay) -> Relay:
    """An installation with an empty ledger."""
    assert relay("migrate").status == 0
    return relay
