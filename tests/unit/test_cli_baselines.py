"""`relay baselines`: what each state already knows."""

from pathlib import Path

from tests.command import Relay


def test_a_baseline_is_loaded_and_listed(installed: Relay, tmp_path: Path) -> None:
    file = tmp_path / "uy.csv"
    file.write_text(
        "name,cas,inchikey,family,admin1,common\ncocaína,,,,,yes\n,437-38-7,,,UY-MO,\n,,,nitazene,,\n"
    )

    installed("baselines", "import", "UY", str(file))

    listed = installed("baselines", "list", "--json").json
    assert listed == [{"country": "UY", "entries": 5}]  # with the families of the two substances


def test_a_row_that_names_nothing_refuses_the_whole_file(installed: Relay, tmp_path: Path) -> None:
    file = tmp_path / "uy.csv"
    file.write_text("name,cas,inchikey,family,admin1,common\nfentanyl,,,,,\nnothing at all,,,,,\n")

    ended = installed("baselines", "import", "UY", str(file))

    assert ended.status == 1
    assert f"{file}:3" in ended.err
    assert installed("baselines", "list", "--json").out.strip() in ("", "[]")


def test_a_state_may_say_that_it_knows_of_nothing(installed: Relay, tmp_path: Path) -> None:
    file = tmp_path / "uy.csv"
    file.write_text("name,cas,inchikey,family,admin1,common\n")

    installed("baselines", "import", "UY", str(file))

    assert installed("baselines", "list", "--json").json == [{"country": "UY", "entries": 0}]
