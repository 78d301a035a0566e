"""The Dockerfile is sound, and takes only what is there. `make image-check` builds it for real."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from services import cli
from services.runtime import settings
from tests import deployment
from tests.deployment import ROOT

DOCKERFILE = ROOT / "Dockerfile"
TEXT = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text(encoding="utf-8"))
LINES = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
FINAL = LINES[max(place for place, line in enumerate(LINES) if line.startswith("FROM")) :]


def instruction(name: str, lines: list[str] = FINAL) -> list[str]:
    return [line.split(" ", 1)[1] for line in lines if line.startswith(f"{name} ")]


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_every_stage_stands_on_the_base_that_is_chosen() -> None:
    bases = instruction("FROM", LINES)
    assert len(bases) == 2
    assert all(base.startswith("${BASE}") for base in bases)
    assert LINES[0].startswith("ARG BASE=")


def test_it_runs_as_a_user_of_its_own_by_number() -> None:
    assert instruction("USER") == ["10001:10001"]


def test_the_last_stage_installs_nothing() -> None:
    assert not re.search(r"\b(?:pip|apt-get|curl|wget|gcc)\b", "\n".join(instruction("RUN")))


def test_what_is_fetched_is_held_against_its_hash() -> None:
    download, install = (line for line in instruction("RUN", LINES) if "/pip " in line)
    assert "download" in download
    assert "--require-hashes" in download
    assert "PIP_NO_INDEX=1" in install


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        source for line in instruction("COPY", LINES) if "--from" not in line for source in line.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.removeprefix("./") in kept, f"{source} is ignored"


def test_its_settings_are_known() -> None:
    names = re.findall(r"\b(RELAY_\w+)=", "\n".join(instruction("ENV")))
    assert names
    assert set(names) <= deployment.known_settings()


def test_its_commands_are_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert instruction("ENTRYPOINT") == ['["relay"]']
    check = re.search(r'CMD \["relay", "(\w+)"\]', instruction("HEALTHCHECK")[0])
    assert check is not None
    assert cli.run([check[1], "--help"]) == 0
    assert instruction("CMD") == ['["serve", "all"]']
    assert instruction("EXPOSE") == [str(settings.HttpSettings().port)]
