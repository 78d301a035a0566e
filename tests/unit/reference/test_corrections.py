"""The small tables beside the large ones: each correction still corrects something, and says why."""

import re

from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.names import exact_key
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


_RADICAL = (
    r"(?:fluoro|chloro|cloro|bromo|iodo|yodo|methoxy|metoxi|ethoxy|etoxi|methyl|metil|ethyl|etil"
    r"|hydroxy|hidroxi)"
)
_PLACED = re.compile(rf"(?:[2-9]'?|ortho|meta|para)[- ]?{_RADICAL}")
_UNPLACED = re.compile(rf"{_RADICAL}(?!.*(?:[0-9]|ortho|meta|para))")
_NAMES_OF_THEIR_OWN = {  # given to one substance, wherever its group stands
    *("methoxyphenamine", "methoxydine", "bromolysergide", "bromolysergic acid diethylamide", "methyl-dob"),
}


def test_no_name_without_its_locant_is_of_one_substance() -> None:
    preferred = {entry.key: exact_key(entry.preferred_name) for entry in _CATALOGUE.entries}
    resolving = {
        name
        for name, (key, *others) in _CATALOGUE.names.exact.items()
        if not others and _UNPLACED.match(name) and _PLACED.match(preferred[key])
    }
    assert {name for name in resolving if _CATALOGUE.names.ambiguity(name) is None} == _NAMES_OF_THEIR_OWN


def test_no_common_beginning_of_several_substances_is_a_name_of_one() -> None:
    preferred = {entry.key: exact_key(entry.preferred_name) for entry in _CATALOGUE.substances()}
    beginnings: dict[str, set[str]] = {}
    for key, name in preferred.items():
        for at, letter in enumerate(name):
            if letter == "-":
                beginnings.setdefault(name[:at], set()).add(key)
    shared = {
        name
        for name, keys in beginnings.items()
        if len(keys) > 1 and name not in preferred.values() and _CATALOGUE.names.ambiguity(name) is None
    }
    assert [name for name in shared if set(_CATALOGUE.names.find(name)) & beginnings[name]] == []
