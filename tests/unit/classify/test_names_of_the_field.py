"""Names as reports have them: plants beside what they contain, trade names of chemicals, other languages."""

from collections.abc import Callable

import pytest

from services.classify.identify import identify, in_chemical_role
from services.classify.identities import NO_DRUG, Identity
from services.reference.catalogue import Catalogue

ByName = Callable[[str], Identity]


@pytest.fixture
def by_name(catalogue: Catalogue) -> ByName:
    return lambda name: identify(name=name, catalogue=catalogue, structures=None)


@pytest.mark.parametrize(
    ("name", "preferred"),
    [
        ("Cannabis sativa L.", "cannabis"),  # the plant comes before what is made of it
        ("Erythroxylum coca", "coca leaf"),
        ("Papaver somniferum", "poppy straw"),
        ("Psilocybe cubensis", "psilocybe mushrooms"),
        ("cacao sabanero (Brugmansia)", "datura"),
        ("casca de jurema-preta (Mimosa tenuiflora)", "jurema"),
        ("bazuco (cocaína base)", "coca paste"),
        ("hoja de coca (cocaína)", "coca leaf"),
        ("marihuana (THC)", "cannabis"),
        ("THC (marihuana)", "Delta-9-tetrahydrocannabinol"),  # what is named first stands
        ("scopolamine (hyoscine) / burundanga", "Scopolamine"),
        ("hoja de coca (cafeína)", None),
    ],
)
def test_a_plant_and_what_it_is_known_by_agree(by_name: ByName, name: str, preferred: str | None) -> None:
    found = by_name(name)
    assert found.preferred_name == preferred


@pytest.mark.parametrize(
    ("name", "preferred"),
    [
        ("ácido muriático (clorídrico)", "Hydrochloric acid"),
        ("soude caustique", "Sodium hydroxide"),
        ("fósforo vermelho", "Red phosphorus"),
        ("PMK glicidato de metila", "PMK methyl glycidate"),
        ("glycidate de méthyle PMK", "PMK methyl glycidate"),
        ("éster etílico del ácido P-2-P metil glicídico", "BMK ethyl glycidate"),
        ("ester isopropylique de l'acide P-2-P méthyl glycidique", "BMK isopropyl glycidate"),
        ("lachgas", "Nitrous oxide"),
        ("mariwana", "cannabis"),
        ("cloridrato de cetamina 10% (Dopalen®)", "Ketamine"),
        ("2'-Fl-2-oxo-PCM (2-FDCK)", "2-fluorodeschloroketamine"),
        ("anhidroecgonina metil éster", "Anhydroecgonine methyl ester"),
        ("Brodifacoum", "Brodifacoum"),
        ("mitragynine pseudoindoxyl", "Mitragynine pseudoindoxyl"),
    ],
)
def test_a_name_of_the_trade_or_of_another_language_resolves(
    by_name: ByName, name: str, preferred: str
) -> None:
    assert by_name(name).preferred_name == preferred


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("nitazenen", "nitazene"),
        ("oppioidi sintetici", "opioid_other"),
        ("synthetische cannabinoïden", "synthetic_cannabinoid"),
        ("designerbenzo's", "benzodiazepine"),
        ("NBOH", "phenethylamine"),
        ("spirochlorphine", "opioid_other"),  # by its ending, a hint
        ("PMK glycidate", "precursor"),  # the acid or an ester
    ],
)
def test_a_class_is_known_in_more_languages(by_name: ByName, name: str, family: str) -> None:
    found = by_name(name)
    assert (found.entry, found.family) == (None, family)


@pytest.mark.parametrize(
    "name",
    ["querosene", "cal viva (óxido de calcio)", "MSM (dimethyl sulfone)", "Sodium nitrite (SN)", "água"],
)
def test_what_is_no_drug_is_known_as_such(by_name: ByName, name: str) -> None:
    assert by_name(name).reason == NO_DRUG


def test_a_name_of_the_street_is_only_suggested(by_name: ByName) -> None:
    found = by_name("éxtasis")
    assert (found.entry, found.codes) == (None, frozenset())
    assert [(one.preferred_name, one.reason) for one in found.candidates] == [("MDMA", "street_name")]


def test_where_a_chemical_is_meant_a_name_with_other_meanings_is_the_chemical(
    by_name: ByName, catalogue: Catalogue
) -> None:
    both = by_name("4-AP")
    assert both.entry is None
    assert in_chemical_role(both, catalogue).preferred_name == "4-AP"
    two_drugs = by_name("MPPP")
    assert in_chemical_role(two_drugs, catalogue) == two_drugs
