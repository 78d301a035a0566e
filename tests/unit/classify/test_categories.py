"""Which categories a substance gives, by its role, its market and the day."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classify.categories import PARENTS
from services.reference.plan import load_plan_lines
from tests.unit.classify.conftest import Classify


def _one(name: str, confirmation: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {"name": name, "confirmation": confirmation, **more}


def _codes(
    classify: Classify, *substances: dict[str, Any], alert: dict[str, Any] | None = None, **more: Any
) -> str:
    verdict = classify(findings=[{"substances": list(substances), **more}], **(alert or {}))
    return " ".join(sorted({label.code.value for label in verdict.categories}))


DIVERSION = {"event_types": ["diversion"], "shipment": {"kind": "diverted"}}
COUNTERFEIT = {"event_types": ["counterfeit_pharmaceutical"]}


def test_a_fentanyl_implies_its_parents(classify: Classify) -> None:
    assert _codes(classify, _one("fentanyl")) == "SYN SYN.FRS SYN.NSO"


@pytest.mark.parametrize("role", ["precursor", "reagent", "intermediate"])
def test_a_precursor_counts_in_the_role_of_a_chemical(classify: Classify, role: str) -> None:
    assert _codes(classify, _one("4-ANPP", role=role)) == "CHM CHM.PRE"


@pytest.mark.parametrize("role", ["principal", "by_product", "metabolite", "adulterant"])
def test_a_residue_of_the_synthesis_is_no_precursor(classify: Classify, role: str) -> None:
    assert _codes(classify, _one("4-ANPP", role=role)) == ""


def test_what_is_traded_as_a_chemical_is_one_without_its_role(classify: Classify) -> None:
    assert _codes(classify, _one("4-piperidone"), market="chemical_trade") == "CHM CHM.PRE"


def test_a_known_substance_without_a_code_in_its_role_goes_to_a_person(classify: Classify) -> None:
    verdict = classify(findings=[{"substances": [_one("4-ANPP")]}])

    assert verdict.review == ("uncategorised",)


@pytest.mark.parametrize(
    ("day", "code"), [("2022-11-22", "CHM.PPR"), ("2022-11-23", "CHM.PRE"), ("2024-12-03", "CHM.PRE")]
)
def test_a_pre_precursor_becomes_a_precursor_when_it_is_scheduled(
    classify: Classify, day: str, code: str
) -> None:
    dated = {"event_start": day, "detected_at": day, "sent_at": f"{day}T12:00:00+00:00"}

    assert _codes(classify, _one("norfentanyl", role="precursor"), alert=dated) == f"CHM {code}"


def test_a_diverted_ampoule_is_a_medicine_and_a_fentanyl(classify: Classify) -> None:
    codes = _codes(classify, _one("fentanyl"), market="diverted_medicine")

    assert codes == "PHA PHA.NAR SYN SYN.FRS SYN.NSO"


def test_a_stolen_product_of_unstated_market_is_a_medicine(classify: Classify) -> None:
    assert _codes(classify, _one("oxycodone"), alert=DIVERSION) == "PHA PHA.NAR"


def test_an_illicit_product_is_no_medicine(classify: Classify) -> None:
    assert _codes(classify, _one("fentanyl"), alert=DIVERSION, market="illicit") == "SYN SYN.FRS SYN.NSO"


def test_a_counterfeit_is_no_medicine(classify: Classify) -> None:
    codes = _codes(classify, _one("alprazolam"), alert=COUNTERFEIT, market="diverted_medicine")

    assert codes == "SYN SYN.OTH"


def test_a_medicine_with_a_precursor_is_a_precursor_too(classify: Classify) -> None:
    codes = _codes(classify, _one("pseudoephedrine"), market="diverted_medicine")

    assert codes == "CHM CHM.PRE PHA PHA.PRE"


def test_an_adulterant_of_concern_is_one_in_every_role_but_cutting_agent(classify: Classify) -> None:
    assert _codes(classify, _one("xylazine", role="co_detected")) == "X.ADU"
    assert _codes(classify, _one("caffeine", role="cutting_agent")) == ""


def test_an_opioid_as_adulterant_keeps_its_own_codes(classify: Classify) -> None:
    assert _codes(classify, _one("fentanyl", role="adulterant")) == "SYN SYN.FRS SYN.NSO"


def test_an_ending_that_shows_a_family_is_a_hint_and_no_code(classify: Classify) -> None:
    verdict = classify(findings=[{"substances": [_one("propylfluoronitazene")]}])

    assert [(one.code, one.reason) for one in verdict.categories] == [("X.UNK", "perhaps_nitazene")]
    assert verdict.severity.facts["opioid"] is True


def test_a_sweetener_named_by_a_laboratory_gives_no_code_and_goes_to_a_person(classify: Classify) -> None:
    verdict = classify(findings=[{"substances": [_one("sucralosa", role="cutting_agent")]}])

    assert (verdict.categories, verdict.review) == ((), ("not_in_catalogue",))


def test_what_the_body_makes_of_a_drug_is_no_new_one(classify: Classify) -> None:
    verdict = classify(findings=[{"substances": [_one("3-OH-medetomidine", role="metabolite")]}])

    assert (verdict.categories, verdict.review) == ((), ("not_in_catalogue",))


@pytest.mark.parametrize("confirmation", ["confirmed", "presumptive_field", "clinical_suspected"])
def test_what_is_known_to_be_no_drug_gives_no_code_whoever_names_it(
    classify: Classify, confirmation: str
) -> None:
    assert _codes(classify, _one("querosene", confirmation, role="adulterant")) == ""


def test_a_name_of_a_chemical_and_of_a_medicine_is_the_chemical_in_its_role(classify: Classify) -> None:
    assert _codes(classify, _one("4-AP", role="precursor")) == "CHM CHM.PRE"
    assert _codes(classify, _one("4-AP")) == "X.UNK"


def test_a_class_gives_what_its_members_share(classify: Classify) -> None:
    assert _codes(classify, _one("nitazenos")) == "NPS SYN SYN.NSO"
    assert _codes(classify, _one("opioide sintético")) == "SYN SYN.NSO"


def test_an_effect_word_is_unidentified(classify: Classify) -> None:
    assert _codes(classify, _one("sedative, unspecified")) == "X.UNK"


def test_either_or_gives_what_both_share(classify: Classify) -> None:
    either = {"one_of": ["isotonitazene", "protonitazene"], "confirmation": "presumptive_field"}
    verdict = classify(findings=[{"substances": [either]}])

    assert {label.code for label in verdict.categories} == {"NPS", "SYN", "SYN.NSO"}
    assert len(verdict.substances[0].candidates) == 2
    assert verdict.review == ("ambiguous",)


def test_either_or_without_anything_in_common_is_unidentified(classify: Classify) -> None:
    either = {"one_of": ["cocaine", "isotonitazene"], "confirmation": "presumptive_field"}

    assert _codes(classify, either) == "X.UNK"


def test_a_mixture_in_one_name_has_the_codes_of_all_and_goes_to_a_person(classify: Classify) -> None:
    verdict = classify(findings=[{"substances": [_one("cocaína + fentanilo")]}])

    assert {label.code for label in verdict.categories} == {"PLT", "SYN", "SYN.NSO", "SYN.FRS"}
    assert verdict.review == ("mixture",)
    assert verdict.severity.facts["opioid"] is True


def test_identifiers_that_disagree_are_shown_and_resolve_nothing(classify: Classify) -> None:
    verdict = classify(findings=[{"substances": [_one("cocaine", cas="437-38-7")]}])

    assert {label.code for label in verdict.categories} == {"X.UNK"}
    assert verdict.review == ("identifiers_disagree",)


def test_what_is_ruled_out_gives_no_code(classify: Classify) -> None:
    assert _codes(classify, _one("fentanyl", "ruled_out")) == ""


@pytest.mark.parametrize("presence", ["not_detected_here", "mentioned"])
def test_what_is_not_here_gives_its_codes_marked_so(classify: Classify, presence: str) -> None:
    verdict = classify(findings=[{"presence": presence, "substances": [_one("fentanyl")]}])

    assert {label.present for label in verdict.categories} == {False}
    assert verdict.severity.facts["opioid"] is (presence == "not_detected_here")


def test_equipment_is_a_category_without_a_finding(classify: Classify) -> None:
    (label,) = classify(findings=[], event_types=["equipment"]).categories

    assert (label.code, label.finding, label.substance) == ("EQP", None, None)


def test_a_finding_without_substances_is_unidentified(classify: Classify) -> None:
    verdict = classify(findings=[{"substances": [], "matrices": ["post_mortem"]}])

    assert [(one.code, one.finding, one.substance) for one in verdict.categories] == [("X.UNK", 0, None)]
    assert verdict.review == ("unidentified",)


def test_red_without_named_recipients_goes_to_a_person(classify: Classify) -> None:
    assert classify(tlp="TLP:RED").review == ("red_without_named_recipients",)


def test_every_label_cites_the_plan_by_its_code(classify: Classify) -> None:
    plan = load_plan_lines()

    for label in classify(findings=[{"substances": [_one("isotonitazene"), _one("xylazine")]}]).categories:
        assert label.plan_ref == plan[label.code.value].reference


def test_control_is_that_of_the_day_of_the_event(classify: Classify) -> None:
    finding = {"substances": [_one("bromazolam")]}
    old = {"event_start": "2022-10-06", "detected_at": "2022-10-06", "sent_at": "2022-10-07T00:00:00+00:00"}

    (now,) = classify(findings=[finding]).substances
    (then,) = classify(findings=[finding], **old).substances

    assert ([one.schedule for one in now.control], now.nps_strict) == (["IV"], False)
    assert (then.control, then.nps_strict) == ((), True)


def test_what_is_no_nps_is_not_strictly_one(classify: Classify) -> None:
    (xylazine,) = classify(findings=[{"substances": [_one("xylazine")]}]).substances

    assert xylazine.nps_strict is False


@given(name=st.text(st.characters(categories=["Lu", "Ll", "Nd", "Zs"]), min_size=4, max_size=30))
def test_what_is_unidentified_is_never_silent(classify: Classify, name: str) -> None:
    verdict = classify(findings=[{"substances": [_one(f"x{name}x", "unverified")]}])

    if verdict.substances[0].outcome != "resolved":
        assert verdict.categories
        assert verdict.review or verdict.substances[0].outcome == "class_only"


@given(roles=st.sampled_from(["principal", "adulterant", "precursor", "by_product", "cutting_agent"]))
def test_parents_are_always_there(classify: Classify, roles: str) -> None:
    names = ("fentanyl", "4-ANPP", "xylazine", "pseudoephedrine", "MDMA")
    verdict = classify(findings=[{"substances": [_one(name, role=roles) for name in names]}])
    codes = {(label.substance, label.code.value) for label in verdict.categories}

    assert all((substance, PARENTS[code]) in codes for substance, code in codes if code in PARENTS)
