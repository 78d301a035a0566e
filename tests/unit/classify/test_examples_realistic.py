"""Alerts of our own, each at the level that an epidemiologist would set."""

import pytest

from tests.unit.classify.conftest import Classify
from tests.unit.classify.realistic import CASES, Case
from tests.unit.classify.realistic_more import MORE_CASES


@pytest.mark.parametrize("case", [*CASES, *MORE_CASES], ids=lambda case: case.name)
def test_a_realistic_alert_gets_the_level_of_an_epidemiologist(case: Case, classify: Classify) -> None:
    verdict = classify(**case.fields).severity

    assert (verdict.level.value, verdict.reason) == (case.expected, case.rule)


@pytest.mark.parametrize("case", [*CASES, *MORE_CASES], ids=lambda case: case.name)
def test_a_realistic_alert_gets_its_categories(case: Case, classify: Classify) -> None:
    assert {label.code.value for label in classify(**case.fields).categories} == case.codes
