"""A name of what stands in a relation to a substance, beside marks, or in an everyday word names no substance."""

from collections.abc import Callable

import pytest

from schemas.vocabularies import Outcome
from services.classify.identify import identify
from services.classify.identities import Identity
from services.reference.catalogue import Catalogue

ByName = Callable[[str], Identity]


@pytest.fixture
def by_name(catalogue: Catalogue) -> ByName:
    return lambda name: identify(name=name, catalogue=catalogue, structures=None)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "adulterant of cocaine",
            "corte de cocaína",
            "adulterante da cocaína",
            "agent de coupage d'héroïne",
        ),
        *("cutting agent for heroin", "cut for heroin", "diluent in cocaine"),
        *("P2P precursor", "PMK precursor", "precursor to ephedrine", "precursor de P2P"),
        *("metabolite of heroin (diamorphine; diacetylmorphine)", "heroin substitute (methadone, metadona)"),
        *("P2P precursor (BMK, phenylacetone)"),
    ],
)
def test_what_stands_in_a_relation_to_a_substance_is_another(by_name: ByName, name: str) -> None:
    found = by_name(name)
    assert (found.outcome, found.entry, found.codes) == (Outcome.UNKNOWN, None, frozenset())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("main component: fentanyl", "Fentanyl"), ("levamisole (adulterant)", "Levamisole")),
        *(("cut cocaine", "Cocaine"), ("precursor P2P", "1-Phenyl-2-propanone")),
        *(
            ("norfentanyl (metabolite of fentanyl)", "Norfentanyl"),
            ("precursor of fentanyl (4-ANPP)", "4-ANPP"),
        ),
    ],
)
def test_a_role_of_the_substance_itself_changes_nothing(by_name: ByName, name: str, expected: str) -> None:
    entry = by_name(name).entry
    assert (entry.preferred_name if entry else None) == expected


@pytest.mark.parametrize(
    "name",
    [
        *(
            'fentanyl ("para-fluoro")',
            'morphine ("glucuronide")',
            'cocaine ("hydrolase")',
            'heroin ("substitute")',
        ),
        *('fentanyl ("4-F")', "morphine (“sulfatase”)"),
    ],
)
def test_a_chemical_word_in_quotes_is_no_brand(by_name: ByName, name: str) -> None:
    assert by_name(name).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "name", ['tramadol ("Tramaking")', "tramadol (Tramaking®)", "tramadol (Tramadolol®)"]
)
def test_a_brand_objects_to_nothing(by_name: ByName, name: str) -> None:
    entry = by_name(name).entry
    assert entry is not None
    assert entry.preferred_name == "Tramadol"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("7-OH + mitragynine", None),
        *(("meth + cathinone", "Methcathinone"), ("oxy + diazepam", "Temazepam")),
        ("iso/butyryl fentanyl", None),
        ("meth/amphetamine", None),
    ],
)
def test_no_mark_between_two_names_is_erased(by_name: ByName, name: str, wrong: str | None) -> None:
    found = by_name(name)
    assert found.entry is None
    assert wrong not in [one.preferred_name for one in found.candidates]


@pytest.mark.parametrize("name", ["off", "met", "prone", "spa", "doc", "dom", "Off", "off 2 mg", "(off)"])
def test_an_everyday_word_is_no_code(by_name: ByName, name: str) -> None:
    assert by_name(name).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("OFF", "ortho-fluorofentanyl"), ("DOC", "DOC"), ("DOM 2 mg", "DOM"), ("mdma", "MDMA")),
        *(("lsd", "LSD"), ("ghb", "GHB"), ("pcp", "Phencyclidine"), ("dmt", "DMT")),
    ],
)
def test_codes_stay_names(by_name: ByName, name: str, expected: str) -> None:
    entry = by_name(name).entry
    assert (entry.preferred_name if entry else None) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("Valerophenone", "Mary Jane", "Smoke-Smoke", "opium poppy", "oil poppy", "p-methoxy", "amitrol"),
        *("min i jet morphine sulphate", "benzylamphetamine", "isopropyl carbamate", "butylene glycol"),
        *("1-nitropentane", "óxido de nitrógeno", "available generically", "Percocet", "Xartemis XR"),
        *("Suboxone", "Phensedyl"),
    ],
)
def test_a_name_of_something_else_is_dropped(by_name: ByName, name: str) -> None:
    assert by_name(name).outcome is Outcome.UNKNOWN
