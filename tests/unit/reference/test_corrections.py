"""The small tables beside the large ones: each correction still corrects something, and says why."""

import re

from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.tables import DATA, items, rows

_CATALOGUE: Catalogue = load_catalogue()
_TABLES = ("substances.csv", "plant_materials.csv")
_HALOGENS = (
    (r"fluor", "F"), (r"chlor(?!al)|clor", "Cl"), (r"\bbrom", "Br"), (r"\biod|\byod", "I"),
)  # fmt: skip
_TAKEN_OFF = re.compile(r"(?:des|de|dis?)-?(?:chlor|cloro?|fluor|brom|iod|trifluor)\w*")
_SALT = re.compile(r"hydrochlor\w*|clorhidr\w*|hydrobrom\w*|bromhidr\w*|morphine chloride")


def _names() -> dict[str, set[str]]:
    return {
        row["preferred_name"]: {name.lower() for name in items(row["synonyms"])}
        for table in _TABLES
        for row in rows(DATA / table)
    }


def test_every_dropped_name_is_a_synonym_of_its_row_with_a_reason() -> None:
    names = _names()
    for row in rows(DATA / "dropped_names.csv"):
        assert row["name"].lower() in names[row["preferred_name"]], row
        assert row["reason"]


def test_every_added_name_leads_to_its_substance() -> None:
    for row in rows(DATA / "added_names.csv"):
        found = [_CATALOGUE.by_key[key].preferred_name for key in _CATALOGUE.with_name(row["name"])]
        assert found == [row["preferred_name"]], row
        assert row["reason"]


def test_no_name_has_a_halogen_that_the_formula_lacks() -> None:
    dropped = {(row["preferred_name"], row["name"].lower()) for row in rows(DATA / "dropped_names.csv")}
    contradictions = [
        (row["preferred_name"], name)
        for row in rows(DATA / "substances.csv")
        for name in (row["preferred_name"], *items(row["synonyms"]))
        if (row["preferred_name"], name.lower()) not in dropped
        and (bare := _SALT.sub("", _TAKEN_OFF.sub("", name.lower())))
        and any(re.search(word, bare) and element not in _elements(row) for word, element in _HALOGENS)
    ]
    assert contradictions == []


def _elements(row: dict[str, str]) -> set[str]:
    return set(re.findall(r"[A-Z][a-z]?", row["formula"]))
