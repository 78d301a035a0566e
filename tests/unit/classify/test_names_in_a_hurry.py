"""Names as busy people write them: shortened, with brands, packs, labels, CAS numbers, or half of it unreadable."""

from collections.abc import Callable

import pytest

from schemas.alerts import Substance
from schemas.vocabularies import Confirmation, Outcome, Role
from services.classify.found import Found
from services.classify.identify import identify
from services.classify.identities import NO_DRUG, Identity
from services.reference.catalogue import Catalogue

ByName = Callable[[str], Identity]


@pytest.fixture
def by_name(catalogue: Catalogue) -> ByName:
    return lambda name: identify(name=name, catalogue=catalogue, structures=None)


def _found(name: str, identity: Identity) -> Found:
    reported = Substance(name=name, role=Role.PRINCIPAL, confirmation=Confirmation.PRESUMPTIVE_LAB)
    return Found(finding=0, substance=0, reported=reported, identity=identity)


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("fentanilo, qwerty", "synthetic_opioid"),
        ("fentanilo liq./qwerty", "synthetic_opioid"),
        ("heroína nº 4", "opioid"),
        ("cocaína (conf. GC-MS)", "stimulant"),
        ("MDMA mayoritario", "stimulant"),
        ("THC (delta 9) gomitas", "cannabinoid"),
    ],
)
def test_a_name_within_what_is_not_understood_is_a_hint_and_known(
    by_name: ByName, name: str, effect: str
) -> None:
    found = by_name(name)
    assert (found.outcome, found.codes, found.effect_group) == (Outcome.UNKNOWN, frozenset(), effect)
    assert _found(name, found).known


@pytest.mark.parametrize("name", ["isotonitazeno o isómero", "MDMB-4en-PINACA isomer", "fentanyl homologue"])
def test_an_isomer_of_a_name_is_of_its_kind_and_not_known(by_name: ByName, name: str) -> None:
    found = by_name(name)
    assert found.outcome is Outcome.UNKNOWN
    assert found.family is not None
    assert not _found(name, found).known


@pytest.mark.parametrize(
    "name",
    [
        *(
            "vendido como heroína",
            "sold as fentanyl",
            "metabolite of cocaine X",
            "fentanyl 0%",
            "fentanilo 0/20",
        ),
        *("fentanyl-free", "unknown powder heroin lookalike", "met off spa"),
    ],
)
def test_what_is_said_to_be_another_thing_is_neither(by_name: ByName, name: str) -> None:
    found = by_name(name)
    assert (found.outcome, found.effect_group) == (Outcome.UNKNOWN, None)
    assert not _found(name, found).known


@pytest.mark.parametrize(
    "name", ["metanol 28% v/v", "ALCOHOL METILICO 28%v/v", "metanol 40 % vol", "metanol en sangre 120 mg/dL"]
)
def test_a_poison_with_its_unit_is_no_drug(by_name: ByName, name: str) -> None:
    assert by_name(name).reason == NO_DRUG


@pytest.mark.parametrize(
    ("name", "preferred"),
    [
        ("ác. fenilacético", "Phenylacetic acid"),
        ("ac. phénylacétique", "Phenylacetic acid"),
        ("anh. acético", "Acetic anhydride"),
        ("permanganato de K", "Potassium permanganate"),
        ("efedrina clorh.", "Ephedrine"),
        ("chlorh. de cocaïne", "Cocaine"),
        ("H2SO4", "Sulfuric acid"),
        ("acetona P.A.", "Acetone"),
        ("1-boc-4-piperidona (CAS 79099-07-3)", "1-boc-4-piperidone"),
        ("N-fenetil-4-piperidona CAS: 39742-60-4", "NPP"),
        ("TRAMADOL HCl 225mg (Tramaking®)", "Tramadol"),
        ('Tramadol ("Tramaking")', "Tramadol"),
        ("Tramal® 50mg cáps.", "Tramadol"),
        ("remifentanilo 2mg fco-amp", "Remifentanil"),
        ("fentanila frasco-ampola", "Fentanyl"),
        ("Ketamina 500mg/10ml fco-amp", "Ketamine"),
        ("MDMA 270mg/pill", "MDMA"),
        ("MDMA x30", "MDMA"),
        ("Bromazolam ~3mg/co", "bromazolam"),
        ("ESCOPOLAMINA (burundanga) - sospecha clínica", "Scopolamine"),
        ("sustancia: ketamina", "Ketamine"),
        ("principio activo: ketamina", "Ketamine"),
        ("ketamina (S)", "Ketamine"),
        ("S-ketamina", "Ketamine"),
        ("amfetamine-sulfaat", "Amphetamine"),
    ],
)
def test_what_is_written_beside_a_name_does_not_hide_it(by_name: ByName, name: str, preferred: str) -> None:
    assert by_name(name).preferred_name == preferred


def test_a_cas_number_in_the_name_must_be_one_and_agree(catalogue: Catalogue, by_name: ByName) -> None:
    assert by_name("xilacina (CAS 7361-61-8)").outcome is Outcome.INVALID
    both = identify(name="xilacina (CAS 7361-61-7)", cas="437-38-7", catalogue=catalogue, structures=None)
    assert (both.outcome, both.reason) == (Outcome.AMBIGUOUS, "identifiers_disagree")
    other = by_name("ketamina (CAS 7361-61-7)")
    assert other.reason == "identifiers_disagree"


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("3-/4-MMC", {"3-MMC", "Mephedrone"}),
        ("3(4)-MMC", {"3-MMC", "Mephedrone"}),
        ("3- ou 4-CMC", {"3-CMC", "4-CMC"}),
        ("(meth)amphetamine", {"Methamphetamine", "Amphetamine"}),
        ("(pseudo)efedrina", {"Pseudoephedrine", "Ephedrine"}),
        ("4/5/6-MAPB", {"4-MAPB", "5-MAPB", "6-MAPB"}),
        ("o/m/p-fluorofentanyl", {f"{place}-fluorofentanyl" for place in ("ortho", "meta", "para")}),
    ],
)
def test_a_name_that_leaves_a_choice_is_one_of_them(by_name: ByName, name: str, members: set[str]) -> None:
    found = by_name(name)
    assert (found.outcome, found.reason) == (Outcome.AMBIGUOUS, "either_or")
    assert {one.preferred_name for one in found.candidates} == members


@pytest.mark.parametrize("name", ["3,4-MMC", "3/9-MMC", "2/3-fentanyl"])
def test_where_one_locant_makes_no_substance_there_is_no_choice(by_name: ByName, name: str) -> None:
    assert by_name(name).reason != "either_or"


@pytest.mark.parametrize(
    "name", ["heroína c/fentanilo", "fentanilo,cocaína", "fentanilo|xilacina", "MDMA,MDA"]
)
def test_more_marks_part_names_that_are_known(by_name: ByName, name: str) -> None:
    assert by_name(name).reason == "mixture"


@pytest.mark.parametrize("name", ["opioides varios", "múltiples opioides", "opioids, various"])
def test_a_number_of_an_effect_is_the_effect(by_name: ByName, name: str) -> None:
    assert by_name(name).effect_group == "opioid"


@pytest.mark.parametrize(
    "name",
    ["S-methylmorphine", "ketamine (análogo®)", 'ketamine ("isomer")', "fentanyl («sin»)", "S-ethylbutylone"],
)
def test_what_makes_another_substance_is_no_brand_and_no_stereo_form(by_name: ByName, name: str) -> None:
    assert by_name(name).outcome is not Outcome.RESOLVED


@pytest.mark.parametrize(
    "name", ["nitazenes (protonitazene, ketamine)", "ketamine (protonitazene, metonitazene)"]
)
def test_members_of_another_class_disagree_with_it(by_name: ByName, name: str) -> None:
    assert by_name(name).reason == "identifiers_disagree"
