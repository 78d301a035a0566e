"""`relay catalogue load`: another version is checked, kept beside the ledger, and used by the setting."""

import json
import shutil
from pathlib import Path

import pytest

from services.errors import Misconfigured
from services.reference.installing import install
from services.reference.tables import DATA
from services.runtime import tables as runtime_tables
from tests.command import Relay


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The tables of the package as version 2027.1."""
    folder = Path(shutil.copytree(DATA, tmp_path / "tables"))
    _edit(folder, version="2027.1")
    return folder


def _edit(folder: Path, *, version: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"version": version}), "utf-8")


def test_a_version_is_kept_beside_the_ledger_and_named_by_a_setting(relay: Relay, tables: Path) -> None:
    ended = relay("catalogue", "load", str(tables))

    place = relay.folder / "catalogues" / "2027.1"
    assert (ended.status, ended.out) == (0, f"RELAY_CLASSIFY__CATALOGUE={place}\n")
    assert runtime_tables.load(place).catalogue.version == "2027.1"
    assert sorted(path.name for path in (relay.folder / "catalogues").iterdir()) == ["2027.1"]


def test_a_faulty_version_is_refused(relay: Relay, tables: Path) -> None:
    dates = tables / "un_control_dates.csv"
    dates.write_text(dates.read_text("utf-8").replace("2024-03-19", "2024-03-32", 1), "utf-8")

    assert relay("catalogue", "load", str(tables)).status == 1
    assert relay("catalogue", "load", str(tables / "nowhere")).status == 1
    assert not (relay.folder / "catalogues").exists()


def test_the_version_of_the_package_is_refused(relay: Relay) -> None:
    ended = relay("catalogue", "load", str(DATA))

    assert ended.status == 1
    assert "manifest.json" in ended.err


def test_a_version_is_installed_once(tables: Path, tmp_path: Path) -> None:
    first = install(tables, version="2027.1", into=tmp_path / "kept")
    assert install(tables, version="2027.1", into=tmp_path / "kept") == first

    with (tables / "added_names.csv").open("a", encoding="utf-8") as names:
        names.write("polvo azul,isotonitazene,a test\n")
    with pytest.raises(FileExistsError):
        install(tables, version="2027.1", into=tmp_path / "kept")


@pytest.mark.parametrize("version", ["", "../2027", ".hidden", "a/b", "x" * 41])
def test_a_version_that_names_no_directory_is_refused(tables: Path, tmp_path: Path, version: str) -> None:
    with pytest.raises(ValueError, match="version"):
        install(tables, version=version, into=tmp_path / "kept")


def test_a_catalogue_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="RELAY_CLASSIFY__CATALOGUE"):
        runtime_tables.load(tmp_path / "nowhere")


def test_the_commands_use_the_version_that_is_set(relay: Relay, tables: Path) -> None:
    with (tables / "added_names.csv").open("a", encoding="utf-8") as names:
        names.write("polvo azul,isotonitazene,a test\n")
    relay.set(CLASSIFY__CATALOGUE=str(tables))

    shown = relay("catalogue", "show", "polvo azul", "--json").json

    assert (shown["preferred_name"], shown["catalogue_version"]) == ("isotonitazene", "2027.1")
    differences = relay("catalogue", "diff", str(DATA), "--json").json
    assert differences != []


def test_a_version_without_a_manifest_can_be_looked_at_and_not_be_used(relay: Relay, tmp_path: Path) -> None:
    tables = tmp_path / "bare"
    tables.mkdir()
    shutil.copyfile(DATA / "substances.csv", tables / "substances.csv")

    assert relay("catalogue", "diff", str(tables)).status == 0
    refused = relay("catalogue", "load", str(tables))

    assert refused.status == 1
    assert "manifest.json" in refused.err


def test_what_a_version_leaves_out_is_kept_with_it(relay: Relay, tmp_path: Path) -> None:
    tables = tmp_path / "bare"
    tables.mkdir()
    shutil.copyfile(DATA / "substances.csv", tables / "substances.csv")
    (tables / "manifest.json").write_text('{"version": "2027.2"}', "utf-8")

    assert relay("catalogue", "load", str(tables)).status == 0
    assert relay("catalogue", "load", str(tables)).status == 0

    kept = {path.name for path in (relay.folder / "catalogues" / "2027.2").iterdir()}
    assert {path.name for path in DATA.glob("*.csv")} <= kept
