"""The directory of the documentation can be imported, and its table names every field."""

import json
from pathlib import Path

import pytest

from services.directory.entries import DirectoryFile, InstitutionEntry
from services.directory.files import COLUMNS, read_directory
from services.directory.notices import silent, told
from services.notify.channels.address_guard import AddressGuard
from services.reference.states import load_states
from services.storage.records import RecipientKind

DEPLOY = Path(__file__).parents[3] / "deploy"
EXAMPLE = DEPLOY / "directory.example.json"


def test_the_example_is_right_and_everybody_in_it_is_told() -> None:
    parsed = read_directory(EXAMPLE, states=load_states(), refuses_url=AddressGuard().refuses_url)
    assert parsed.faults == ()
    assert list(silent(parsed.recipients)) == []
    assert len(told(parsed.recipients)) == len(parsed.recipients)


def test_the_example_shows_every_field_and_every_kind() -> None:
    document = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    shown = {name for one in document["institutions"] for name in one}
    assert shown | {"active"} == set(InstitutionEntry.model_fields)
    assert set(document) == set(DirectoryFile.model_fields)
    assert {one["kind"] for one in document["institutions"]} == {kind.value for kind in RecipientKind}


@pytest.mark.parametrize(
    "name", sorted({*COLUMNS, *InstitutionEntry.model_fields, *DirectoryFile.model_fields})
)
def test_the_documentation_names_every_field_and_every_column(name: str) -> None:
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## The directory")[2].partition("\n## ")[0]
    assert f"`{name}`" in section or name == "institutions"
