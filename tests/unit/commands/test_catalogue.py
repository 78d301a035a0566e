"""`relay catalogue`: a sound table says so, a broken one says where, two versions say how they differ."""

import json
import shutil
from pathlib import Path

import pytest

from services import cli
from services.reference.tables import DATA


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "tables"))


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def test_the_shipped_tables_are_sound(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["catalogue", "check", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["problems"] == []


def test_a_date_that_never_was_is_a_problem(tables: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _edit(tables / "un_control_dates.csv", "2024-03-19", "2024-03-32")
    assert cli.run(["catalogue", "check", "--tables", str(tables)]) == 1
    assert "control date" in capfd.readouterr().out


def test_tables_that_cannot_be_read_are_a_failure(tmp_path: Path) -> None:
    assert cli.run(["catalogue", "check", "--tables", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    "asked", ["bromazolam", "71368-80-4", "KCEIOBKDDQAYCM-UHFFFAOYSA-N", "kceiobkddqaycm-uhfffaoysa-n"]
)
def test_a_substance_is_shown_by_any_identifier(asked: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["catalogue", "show", asked, "--json"]) == 0
    shown = json.loads(capfd.readouterr().out)
    assert (shown["preferred_name"], shown["family"]) == ("bromazolam", "benzodiazepine")
    assert shown["controls"][0]["schedule"] == "IV"


def test_a_substance_is_shown_as_a_table(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["catalogue", "show", "bromazolam"]) == 0
    assert "2024-03-19" in capfd.readouterr().out


def test_an_ambiguous_name_is_answered_with_its_candidates(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["catalogue", "show", "fluorofentanyl"]) == 1
    assert "meta-fluorofentanyl" in capfd.readouterr().err


def test_two_versions_are_compared(tables: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = (tables / "substances.csv").read_text("utf-8").splitlines(keepends=True)
    gone = next(line for line in lines if ",bromazolam," in line)
    (tables / "substances.csv").write_text("".join(line for line in lines if line != gone), "utf-8")
    (tables / "added_names.csv").write_text("name,preferred_name,reason\nnew name,Cocaine,a test\n", "utf-8")
    assert cli.run(["catalogue", "diff", str(tables), "--json"]) == 0
    changes = {row["preferred_name"]: row["change"] for row in json.loads(capfd.readouterr().out)}
    assert changes["bromazolam"] == "removed"
    assert changes["Cocaine"] == "names"


def test_equal_versions_do_not_differ(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["catalogue", "diff", str(DATA), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == []
