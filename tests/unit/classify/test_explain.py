"""A classification in words: every label, level and doubt is said, in each of the four languages."""

import json

import pytest

from schemas.alerts import Alert
from schemas.classifications import Classification
from services.classify.assess import classify_alert
from services.classify.categories import Review, Rule
from services.classify.explain import explain
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.plan import load_plan_lines
from services.reference.terms import LANGUAGES, Terms, load_terms
from tests.accuracy.held_out_sets import FOLDER
from tests.builders import make_alert, make_finding


@pytest.fixture(scope="module")
def terms() -> Terms:
    return load_terms()


def _classified(alert: Alert, catalogue: Catalogue, structures: StructureReader) -> Classification:
    return classify_alert(alert, catalogue=catalogue, structures=structures, plan=load_plan_lines())


def test_every_rule_and_every_doubt_has_its_words(terms: Terms) -> None:
    assert [rule for rule in Rule if not terms.has("explanation", f"rule.{rule.value}")] == []
    assert [one for one in Review if not terms.has("explanation", f"review.{one.value}")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_real_alerts_are_explained_label_by_label(
    language: str, catalogue: Catalogue, structures: StructureReader, terms: Terms
) -> None:
    for line in (FOLDER / "alerts.jsonl").read_text("utf-8").splitlines():
        found = _classified(Alert.model_validate(json.loads(line)["alert"]), catalogue, structures)

        lines = explain(found, terms=terms, language=language)

        text = "\n".join(lines)
        assert sum(one.startswith("    ") for one in lines) == len(found.categories)
        assert all(str(one.plan_ref) in text for one in found.categories)
        assert all(one.name in text for one in found.substances)
        assert found.severity.rule in text
        assert found.catalogue_version in lines[-1]


def test_what_was_found_is_said_with_its_evidence(
    catalogue: Catalogue, structures: StructureReader, terms: Terms
) -> None:
    alert = make_alert(findings=[make_finding("clorhidrato de fentanilo")])

    lines = explain(_classified(alert, catalogue, structures), terms=terms, language="en")

    assert lines[0].startswith(
        "1.1 “clorhidrato de fentanilo” is Fentanyl (PJMPHNIQZUBGLI-UHFFFAOYSA-N), Fentanyl"
    )
    assert "known by its name without the words for a salt" in lines[0]
    assert "Schedule I of the 1961 Convention, since" in lines[0]
    assert (
        "    SYN.FRS Fentanyl-related substance (HPAD-2021:CM.2.4@L191): the catalogue gives it this category"
        in lines
    )
    assert any(", by rule " in line for line in lines)


def test_near_spellings_are_left_to_a_person(
    catalogue: Catalogue, structures: StructureReader, terms: Terms
) -> None:
    alert = make_alert(findings=[make_finding("isotonitazemo")])

    lines = explain(_classified(alert, catalogue, structures), terms=terms, language="fr")

    assert "n’est pas connu\u00a0; peut-être isotonitazene\u00a0: une personne décide" in lines[0]
