"""The twelve exercise alerts of ``schemas/examples``, each with what the rules make of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import schemas
from schemas.alerts import Alert
from schemas.classifications import Classification
from schemas.vocabularies import Severity
from services.classify.severity import Assessed
from tests.builders import make_alert, make_finding, make_substance
from tests.unit.classify.conftest import Classify

EXAMPLES_AT = Path(schemas.__file__).parent / "examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What becomes of one example; ``nps_strict`` is None where nothing in it is counted as NPS."""

    name: str
    codes: str
    level: str
    reason: str
    nps_strict: bool | None


def _row(name: str, codes: str, level: str, reason: str, strict: bool | None = None) -> Expected:
    return Expected(name=name, codes=codes, level=level, reason=reason, nps_strict=strict)


EXPECTED = (
    _row("ar-01", "PLT X.UNK", "critical", "C1.opioid"),
    _row("ar-02", "PLT SYN SYN.NSO SYN.FRS NPS", "critical", "C1.opioid", False),
    _row("ca-03", "SYN SYN.NSO SYN.FRS X.ADU", "high", "H4"),
    _row("ca-04", "NPS SYN SYN.NSO", "critical", "C1.opioid", False),
    _row("br-05", "NPS SYN SYN.OTH", "moderate", "M1", False),
    _row("co-06", "NPS SYN SYN.ATS SYN.OTH", "moderate", "M2", True),
    _row("uy-07", "NPS SYN SYN.ATS", "high", "H1", False),
    _row("us-08", "NPS SYN SYN.NSO SYN.FRS", "high", "H3", False),
    _row("mx-09", "CHM CHM.PRE", "high", "H6"),
    _row("gt-10", "SYN SYN.ATS CHM CHM.PRE CHM.NSC EQP", "moderate", "M3"),
    _row("ht-11", "NPS SYN SYN.OTH", "high", "H5.disguised", False),
    _row("cl-12", "", "info", "I1"),
)


def _example(name: str, **fields: Any) -> Alert:
    written = json.loads((EXAMPLES_AT / f"{name}.json").read_text("utf-8"))
    return Alert.model_validate({**written, **fields})


def _strict(verdict: Classification) -> bool | None:
    counted = {(label.finding, label.substance) for label in verdict.categories if label.code == "NPS"}
    answers = [one.nps_strict for one in verdict.substances if (one.finding, one.substance) in counted]
    return all(answers) if answers else None


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected.name)
def test_an_example_gets_its_categories(expected: Expected, classify: Classify) -> None:
    verdict = classify(_example(expected.name))

    assert {label.code.value for label in verdict.categories} == set(expected.codes.split())


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected.name)
def test_an_example_gets_its_severity(expected: Expected, classify: Classify) -> None:
    severity = classify(_example(expected.name)).severity

    assert (severity.level.value, severity.reason) == (expected.level, expected.reason)


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda expected: expected.name)
def test_an_example_says_whether_its_nps_were_controlled(expected: Expected, classify: Classify) -> None:
    assert _strict(classify(_example(expected.name))) is expected.nps_strict


def _dated(day: str) -> dict[str, str]:
    return {"event_start": day, "detected_at": day, "sent_at": f"{day}T12:00:00+00:00"}


def test_bromazolam_was_uncontrolled_in_2022(classify: Classify) -> None:
    assert _strict(classify(_example("ht-11", **_dated("2022-10-06")))) is True


@pytest.mark.parametrize(("day", "code"), [("2024-12-02", "CHM.PPR"), ("2024-12-03", "CHM.PRE")])
def test_an_ester_was_a_pre_precursor_until_it_was_scheduled(day: str, code: str, classify: Classify) -> None:
    codes = {label.code.value for label in classify(_example("gt-10", **_dated(day))).categories}

    assert codes & {"CHM.PPR", "CHM.PRE"} == {code}


def test_the_update_of_a_critical_alert_keeps_its_level(classify: Classify) -> None:
    before = Assessed(level=Severity.CRITICAL, rule="C1", reason="C1.opioid")

    severity = classify(_example("ar-02"), before=before).severity

    assert (severity.level, severity.urgency, severity.before) == ("critical", "critical", "critical")


def test_the_catalogue_s_number_is_told_of_the_form_that_was_reported_and_of_no_other(
    classify: Classify,
) -> None:
    found = make_finding(
        make_substance("Carfentanil"),
        make_substance("Amphetamine", inchikey="KWTSXDURSIMDCE-QMMMGPOBSA-N"),  # of one of its mirror images
        make_substance("no such substance"),
    )
    classification = classify(make_alert(findings=[found]))
    assert [one.cas for one in classification.substances] == ["59708-52-0", None, None]
