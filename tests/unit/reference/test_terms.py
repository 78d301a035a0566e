"""Every word in four languages."""

import pytest

from services.reference.plan import load_plan_lines
from services.reference.tables import DATA, rows
from services.reference.terms import LANGUAGES, Terms, load_terms, plural, unfilled


@pytest.fixture(scope="module")
def terms() -> Terms:
    return load_terms()


def test_no_cell_but_a_note_is_empty() -> None:
    empty = [
        row["code"]
        for row in rows(DATA / "terms.csv")
        if not all(row[column].strip() for column in ("group", "code", *LANGUAGES))
    ]
    assert empty == []


def test_a_phrase_has_the_same_placeholders_in_every_language(terms: Terms) -> None:
    uneven = [
        (group, code)
        for group, code in terms
        if len({terms.placeholders(group, code, language) for language in LANGUAGES}) > 1
    ]
    assert uneven == []


def test_placeholders_are_filled_once_and_never_inside_a_value(terms: Terms) -> None:
    text = terms.phrase("phrase", "unknown_name", "es", name="{name} <b>")
    assert "{name} <b>" in text
    assert list(unfilled(terms.phrase("phrase", "unknown_name", "en", name="x"))) == []


def test_a_missing_value_and_an_unknown_phrase_are_errors(terms: Terms) -> None:
    with pytest.raises(KeyError):
        terms.phrase("phrase", "unknown_name", "en")
    with pytest.raises(KeyError):
        terms.phrase("phrase", "no_such_phrase", "en")
    assert not terms.has("phrase", "no_such_phrase")


def test_each_family_and_effect_group_of_the_catalogue_has_its_words(terms: Terms) -> None:
    for row in rows(DATA / "families.csv"):
        assert terms.has("family", row["family"])
        assert terms.has("chemical_group", row["chemical_group"])
        assert not row["effect_group"] or terms.has("effect_group", row["effect_group"])


def test_each_category_with_a_plan_line_has_its_words(terms: Terms) -> None:
    assert set(load_plan_lines()) <= set(terms.codes("category"))


@pytest.mark.parametrize(
    ("number", "language", "form"),
    [(0, "en", "other"), (0, "fr", "one"), (1, "es", "one"), (0, "pt", "one"), (2, "pt", "other")],
)
def test_zero_is_singular_in_french_and_portuguese(number: int, language: str, form: str) -> None:
    assert plural(number, language) == form
