"""A set of names that no rule was written for: what resolves, and above all that nothing resolves wrongly.

``expected`` is the preferred name of what resolves, the family of a class or of an ambiguous name. The outcome
``any`` allows a spelling to resolve or not, but to nothing else. A miss is a number here, a wrong identity a
failure.
"""

from pathlib import Path

import pytest

from schemas.vocabularies import Outcome
from services.classify.identify import identify
from services.classify.identities import Identity
from services.reference.loader import load_catalogue
from services.reference.tables import rows

_LEAST_RESOLVED = 0.92

Judged = list[tuple[dict[str, str], Identity]]


@pytest.fixture(scope="module")
def judged() -> Judged:
    catalogue = load_catalogue()
    table = rows(Path(__file__).with_name("names.csv"))
    return [(row, identify(name=row["name"], catalogue=catalogue, structures=None)) for row in table]


def test_nothing_resolves_to_another_substance(judged: Judged) -> None:
    wrong = [
        row["name"]
        for row, found in judged
        if found.entry is not None and found.entry.preferred_name.lower() != row["expected"].lower()
    ]
    assert wrong == []


def test_what_is_not_listed_or_misspelt_does_not_resolve(judged: Judged) -> None:
    unknown = [(row["name"], found.outcome) for row, found in judged if row["outcome"] == "unknown"]
    assert [name for name, outcome in unknown if outcome is not Outcome.UNKNOWN] == []


def test_known_forms_resolve(judged: Judged) -> None:
    known = [found for row, found in judged if row["outcome"] == "resolved"]
    assert sum(found.outcome is Outcome.RESOLVED for found in known) >= _LEAST_RESOLVED * len(known)


def test_classes_and_ambiguous_names_keep_their_family(judged: Judged) -> None:
    lost = [
        row["name"]
        for row, found in judged
        if row["outcome"] in {"class_only", "ambiguous"}
        and (found.outcome != row["outcome"] or found.family != (row["expected"] or None))
    ]
    assert lost == []
