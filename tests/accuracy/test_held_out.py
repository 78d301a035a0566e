"""The bars of the identification on the held-out sets, and what no change of a name may be taken for."""

import re

import pytest

from services.classify.by_name import identify_name
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.structural import load_class_rules
from tests.accuracy import held_out_sets as sets
from tests.accuracy.judging import share
from tests.accuracy.report import (
    LEAST_CATEGORIES,
    LEAST_FAMILIES,
    LEAST_IDENTITIES,
    LEAST_RESOLVED,
    LEAST_SEVERITIES,
    LEAST_SUGGESTED,
)

_BEFORE = (
    *("fluoro", "nor", "desethyl", "hydroxy", "cyclo", "thio", "bis-", "x-", "no ", "sin ", "not "),
    *("F-", "f ", "h-", "k-", "c ", "q-", "d ", "e "),
    *("metabolite of ", "análogo de ", "precursor de ", "éster de ", "similar a "),
)
_BEHIND = (
    *(" NBOMe", " carbamate", " N-oxide", " dimer", " glucuronide", " metabolite", " isomer", "-d5"),
    *(" (no)", " no", " II", " (2C)", " 2C", "-FLY", " ester", " o similar", " negativo", " (analog)"),
)
_IN_SPANISH = (
    *(("methylenedioxy", "metilendioxi"), ("methoxy", "metoxi"), ("ethoxy", "etoxi"), ("hydroxy", "hidroxi")),
    *(
        ("methyl", "metil"),
        ("ethyl", "etil"),
        ("propyl", "propil"),
        ("phenyl", "fenil"),
        ("acetyl", "acetil"),
    ),
    *(("chloro", "cloro"), ("ph", "f"), ("th", "t"), (r"ine\b", "ina"), (r"one\b", "ona"), (r"ene\b", "eno")),
    *((r"fentanyl\b", "fentanilo"), ("y", "i")),
)
_LEAST_TRANSLATED = 0.95


@pytest.fixture(scope="module")
def structures(catalogue: Catalogue) -> StructureReader:
    return StructureReader(load_class_rules(), known=catalogue.by_smiles)


def test_forms_of_listed_substances_resolve_and_none_wrongly(catalogue: Catalogue) -> None:
    judged = list(sets.named(sets.NAMES, catalogue))
    assert len(judged) >= 300
    assert [one.asked for one in judged if one.got not in {"", one.expected}] == []
    assert share([bool(one.got) for one in judged]) >= LEAST_RESOLVED
    assert share([one.suggested for one in judged]) >= LEAST_SUGGESTED


@pytest.mark.parametrize("table", [sets.AMBIGUOUS, sets.NEGATIVES, sets.NEVER_LISTED])
def test_what_must_not_resolve_does_not(catalogue: Catalogue, table: str) -> None:
    assert [(one.asked, one.got) for one in sets.named(table, catalogue) if one.got] == []


def test_structures_never_listed_show_their_family(catalogue: Catalogue, structures: StructureReader) -> None:
    judged = list(sets.drawn(sets.STRUCTURES, catalogue, structures))
    assert [one.asked for one in judged if one.got] == []
    assert share([one.found.family == one.expected for one in judged]) >= LEAST_FAMILIES


def test_medicines_show_none(catalogue: Catalogue, structures: StructureReader) -> None:
    judged = sets.drawn(sets.MEDICINES, catalogue, structures)
    assert [one.asked for one in judged if one.found.family] == []


def test_alerts_are_taken_for_what_they_are(catalogue: Catalogue, structures: StructureReader) -> None:
    judged = list(sets.alerts(sets.ALERTS, catalogue, structures))
    pairs = [pair for one in judged for pair in one.identities]
    assert [(expected, got) for expected, got in pairs if got not in {None, expected}] == []
    assert share([expected == got for expected, got in pairs]) >= LEAST_IDENTITIES
    assert share([one.categories == one.expected["categories"] for one in judged]) >= LEAST_CATEGORIES
    assert share([one.found.severity.level == one.expected["level"] for one in judged]) >= LEAST_SEVERITIES


@pytest.mark.parametrize("table", sets.BLIND_ALERTS)
def test_alerts_written_blind_are_taken_for_what_they_are(
    catalogue: Catalogue, structures: StructureReader, table: str
) -> None:
    judged = list(sets.alerts(table, catalogue, structures))
    assert len(judged) >= 40
    got = [(one.ref, str(one.found.severity.level), one.categories, one.identities) for one in judged]
    assert got == [
        (
            one.ref,
            one.expected["level"],
            one.expected["categories"],
            [(name, name) for name, _ in one.identities],
        )
        for one in judged
    ]


def test_a_word_that_changes_the_substance_is_never_passed_over(catalogue: Catalogue) -> None:
    names = [entry.preferred_name for entry in catalogue.substances()][::15]
    changed = [
        (base, text)
        for base in names
        for text in (*(part + base for part in _BEFORE), *(base + part for part in _BEHIND))
    ]
    unheard = [
        text
        for base, text in changed
        if (found := identify_name(text, catalogue).entry) is not None and found.preferred_name == base
    ]
    assert unheard == []


def test_names_spelt_as_in_spanish_resolve_to_themselves(catalogue: Catalogue) -> None:
    asked: list[tuple[str, str]] = []
    for entry in catalogue.substances():
        name = entry.preferred_name
        for written, spanish in _IN_SPANISH:
            name = re.sub(written, spanish, name)
        if name != entry.preferred_name and re.search("[a-z]{6}", name):
            asked.append((entry.preferred_name, name))
    found = [(expected, identify_name(name, catalogue).entry) for expected, name in asked]
    assert [one.preferred_name for expected, one in found if one and one.preferred_name != expected] == []
    assert share([one is not None for _, one in found]) >= _LEAST_TRANSLATED
