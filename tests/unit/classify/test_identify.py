"""What a report means, by examples: names in four languages, classes, identifiers together, refusals."""

from collections.abc import Callable

import pytest

from schemas.vocabularies import Outcome
from services.classify.identify import identify, valid_cas
from services.classify.identities import Identity
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue

ByName = Callable[[str], Identity]

_FENTANYL = "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1"
_NEVER_LISTED = "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccc(Br)cc2)CC1"  # a bromine that no table has


@pytest.fixture(scope="module")
def by_name(catalogue: Catalogue) -> ByName:
    return lambda name: identify(name=name, catalogue=catalogue, structures=None)


@pytest.mark.parametrize(
    ("name", "preferred", "step"),
    [
        ("carfentanilo", "Carfentanil", "name"),
        ("N-etilpentilona", "N-ethylpentylone", "name"),
        ("clorhidrato de fentanilo", "Fentanyl", "salt"),
        ("citrato de fentanila", "Fentanyl", "salt"),
        ("chlorhydrate d'éphédrine", "Ephedrine", "salt"),
        ("cloridrato de cetamina", "Ketamine", "salt"),
        ("ketamine hydrochloride", "Ketamine", "salt"),
        ("ketamine·HCl", "Ketamine", "salt"),
        ("3-MMC HCl", "3-MMC", "salt"),
        ("fosfato de codeína hemihidrato", "Codeine", "salt"),
        ("base libre de cocaína", "Cocaine", "salt"),
        ("4-fluoromethamphetamine", "4-FMA", "name"),
        ("xylacine", "Xylazine", "fold"),
        ("hoja de coca", "coca leaf", "name"),
        ("opium", "opium", "name"),
        ("ADBICA", "ADBICA", "name"),
        ("adb-ica", "ADB-ICA", "name"),
        ("3-MMC (metaphedrone)", "3-MMC", "name"),
        ("P-2-P methyl glycidic acid, methyl ester", "BMK methyl glycidate", "name"),
    ],
)
def test_a_name_resolves(by_name: ByName, name: str, preferred: str, step: str) -> None:
    found: Identity = by_name(name)
    assert (found.outcome, found.preferred_name, found.step) == (Outcome.RESOLVED, preferred, step)
    assert found.entry is not None
    assert found.codes == found.entry.codes


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("fluorofentanyl", "fentanyl"),
        ("fluorofentanilo", "fentanyl"),
        ("3-fluorofentanyl", "fentanyl"),
        ("MMC", "cathinone"),
        ("CMC", "cathinone"),
        ("fluoroanfetamina", "amphetamine"),
        ("THC acetate", "phytocannabinoid"),
        ("TMA", "phenethylamine"),
        ("DMA", "phenethylamine"),
        ("ADB ICA", "synthetic_cannabinoid"),
        ("MPPP", None),
        ("4-AP", None),
    ],
)
def test_a_name_without_an_answer_keeps_its_candidates(
    by_name: ByName, name: str, family: str | None
) -> None:
    found: Identity = by_name(name)
    assert (found.outcome, found.family, found.entry) == (Outcome.AMBIGUOUS, family, None)
    assert len(found.candidates) >= 2


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("nitazenos", "nitazene"),
        ("Nitazene", "nitazene"),
        ("nitazènes", "nitazene"),
        ("análogo de fentanilo", "fentanyl"),
        ("analogue du fentanyl", "fentanyl"),
        ("fentanyl-related substance", "fentanyl"),
        ("sustancia relacionada con el fentanilo", "fentanyl"),
        ("catinona sintética", "cathinone"),
        ("catinonas", "cathinone"),
        ("opioide sintético", "opioid_other"),
        ("opioide sintético de tipo nitazeno", "nitazene"),
        ("synthetic cannabinoids", "synthetic_cannabinoid"),
        ("cannabinoïdes de synthèse", "synthetic_cannabinoid"),
        ("canabinoide sintético", "synthetic_cannabinoid"),
        ("benzodiacepinas", "benzodiazepine"),
        ("benzodiazepínicos", "benzodiazepine"),
        ("precursor de fentanilo", "fentanyl_precursor"),
    ],
)
def test_a_class_word_gives_the_family_and_what_its_members_share(
    by_name: ByName, catalogue: Catalogue, name: str, family: str
) -> None:
    found: Identity = by_name(name)
    assert (found.outcome, found.family, found.step) == (Outcome.CLASS_ONLY, family, "class_word")
    assert found.codes == catalogue.families[family].codes_shared
    assert found.codes


@pytest.mark.parametrize(
    ("name", "effect_group"),
    [
        ("opioid", "opioid"),
        ("opioid, unspecified", "opioid"),
        ("opioide no identificado", "opioid"),
        ("sedative", "sedative_hypnotic"),
        ("estimulante", "stimulant"),
    ],
)
def test_an_effect_word_is_unknown_with_a_hint(by_name: ByName, name: str, effect_group: str) -> None:
    found: Identity = by_name(name)
    assert (found.outcome, found.effect_group, found.codes) == (Outcome.UNKNOWN, effect_group, frozenset())


@pytest.mark.parametrize(
    ("name", "family"),
    [("foonitazene", "nitazene"), ("xyzfentanilo", "fentanyl"), ("XYZ-FUBINACA", "synthetic_cannabinoid")],
)
def test_an_ending_hints_at_the_family_and_gives_no_code(by_name: ByName, name: str, family: str) -> None:
    found: Identity = by_name(name)
    assert (found.outcome, found.family, found.codes) == (Outcome.UNKNOWN, family, frozenset())


@pytest.mark.parametrize(
    "name", ["tusi", "spice", "K2", "M30", "flakka", "éxtasis", "psilocin phosphate", ""]
)
def test_slang_and_esters_are_no_identity(by_name: ByName, name: str) -> None:
    assert by_name(name).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("name", ["fentanyl + xylazine", "fentanilo y xilacina", "heroína/fentanilo"])
def test_a_mixture_is_not_resolved_to_one_of_its_parts(by_name: ByName, name: str) -> None:
    found: Identity = by_name(name)
    assert (found.outcome, found.reason, len(found.candidates)) == (Outcome.AMBIGUOUS, "mixture", 2)


def test_a_near_spelling_is_suggested_and_never_resolved(by_name: ByName) -> None:
    found: Identity = by_name("isotonitazine")
    assert found.outcome is Outcome.UNKNOWN
    assert found.candidates[0].preferred_name == "isotonitazene"
    assert len(found.candidates) <= 3


def test_either_or_keeps_only_what_the_candidates_share(catalogue: Catalogue) -> None:
    found = identify(
        name=None, one_of=["isotonitazeno", "protonitazeno"], catalogue=catalogue, structures=None
    )
    assert (found.outcome, found.family, found.reason) == (Outcome.AMBIGUOUS, "nitazene", "either_or")
    assert found.codes == {"NPS", "SYN", "SYN.NSO"}
    apart = identify(name=None, one_of=["fentanyl", "xylazine"], catalogue=catalogue, structures=None)
    assert (apart.family, apart.codes) == (None, frozenset())


def test_a_name_with_the_number_of_another_substance_resolves_nothing(catalogue: Catalogue) -> None:
    found = identify(name="fentanyl", cas="59708-52-0", catalogue=catalogue, structures=None)
    assert (found.outcome, found.reason, found.entry) == (Outcome.AMBIGUOUS, "identifiers_disagree", None)
    assert {each.preferred_name for each in found.candidates} == {"Fentanyl", "Carfentanil"}


def test_a_name_and_an_unlisted_structure_disagree(catalogue: Catalogue, structures: StructureReader) -> None:
    found = identify(name="fentanyl", smiles=_NEVER_LISTED, catalogue=catalogue, structures=structures)
    assert (found.outcome, found.reason) == (Outcome.AMBIGUOUS, "identifiers_disagree")


def test_a_class_word_of_another_kind_disagrees_with_the_structure(
    catalogue: Catalogue, structures: StructureReader
) -> None:
    found = identify(name="benzodiacepina", smiles=_FENTANYL, catalogue=catalogue, structures=structures)
    assert found.reason == "identifiers_disagree"
    same = identify(name="opioide sintético", smiles=_FENTANYL, catalogue=catalogue, structures=structures)
    assert same.preferred_name == "Fentanyl"


def test_an_identifier_decides_among_the_meanings_of_a_name(
    catalogue: Catalogue, structures: StructureReader
) -> None:
    by_number = identify(name="4-AP", cas="23056-29-3", catalogue=catalogue, structures=structures)
    by_drawing = identify(
        name="MMC", smiles="CNC(C)C(=O)c1cccc(C)c1", catalogue=catalogue, structures=structures
    )
    medicine = identify(
        name="4-AP", inchikey="NUKYPUAOHBNCPY-UHFFFAOYSA-N", catalogue=catalogue, structures=structures
    )
    assert (by_number.preferred_name, by_drawing.preferred_name) == ("4-AP", "3-MMC")
    assert (medicine.outcome, medicine.codes) == (Outcome.UNKNOWN, frozenset())


def test_a_structure_that_nobody_listed_gets_its_class(
    catalogue: Catalogue, structures: StructureReader
) -> None:
    found = identify(name="XR-77", smiles=_NEVER_LISTED, catalogue=catalogue, structures=structures)
    assert (found.outcome, found.family, found.step) == (Outcome.CLASS_ONLY, "fentanyl", "structure_class")
    assert found.codes == {"NPS", "SYN", "SYN.NSO", "SYN.FRS"}
    assert found.inchikey is not None


def test_a_structure_without_stereochemistry_fits_two_substances_until_a_name_decides(
    catalogue: Catalogue, structures: StructureReader
) -> None:
    drawn = "CNC(C)C(O)c1ccccc1"
    alone = identify(name=None, smiles=drawn, catalogue=catalogue, structures=structures)
    named = identify(name="pseudoefedrina", smiles=drawn, catalogue=catalogue, structures=structures)
    assert {each.preferred_name for each in alone.candidates} == {"Ephedrine", "Pseudoephedrine"}
    assert named.preferred_name == "Pseudoephedrine"


def test_another_stereo_form_resolves_and_is_reported(
    catalogue: Catalogue, structures: StructureReader
) -> None:
    found = identify(name=None, smiles="C[C@H](N)Cc1ccccc1", catalogue=catalogue, structures=structures)
    assert (found.preferred_name, found.stereo_differs) == ("Amphetamine", True)


def test_a_salt_an_inorganic_and_an_isotope_are_read_through(
    catalogue: Catalogue, structures: StructureReader
) -> None:
    drawn = {
        f"{_FENTANYL}.Cl": "Fentanyl",
        "[K+].[O-][Mn](=O)(=O)=O": "Potassium permanganate",
        "[2H]C([2H])([2H])NC(C)C(=O)c1cccc(C)c1": "3-MMC",
    }
    for smiles, preferred in drawn.items():
        found = identify(name=None, smiles=smiles, catalogue=catalogue, structures=structures)
        assert found.preferred_name == preferred


def test_the_key_of_a_salt_does_not_contradict_the_name_of_that_salt(catalogue: Catalogue) -> None:
    salt = "LHCBOXPPRUIAQT-UHFFFAOYSA-N"  # fentanyl hydrochloride; a key cannot be stripped
    named = identify(name="fentanyl hydrochloride", inchikey=salt, catalogue=catalogue, structures=None)
    other = identify(name="fentanyl", inchikey=salt, catalogue=catalogue, structures=None)
    assert named.preferred_name == "Fentanyl"
    assert other.reason == "identifiers_disagree"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("cas", "437-38-8", "cas_invalid"),
        ("cas", "x", "cas_invalid"),
        ("inchikey", "ABC", "inchikey_invalid"),
        ("smiles", "C1CC", "structure_not_smiles"),
        ("smiles", "C" * 501, "structure_too_long"),
        ("smiles", "C" * 120, "structure_too_large"),
        ("inchi", "InChI=1S/C9999H2", "structure_too_large"),
        ("inchi", "fentanyl", "structure_not_inchi"),
    ],
)
def test_an_identifier_of_the_wrong_form_is_invalid_and_never_mended(
    catalogue: Catalogue, structures: StructureReader, field: str, value: str, reason: str
) -> None:
    sent = {field: value}
    found = identify(
        name="fentanyl",
        cas=sent.get("cas"),
        inchikey=sent.get("inchikey"),
        smiles=sent.get("smiles"),
        inchi=sent.get("inchi"),
        catalogue=catalogue,
        structures=structures,
    )
    assert (found.outcome, found.reason, found.entry) == (Outcome.INVALID, reason, None)
    assert [each.preferred_name for each in found.candidates] == ["Fentanyl"]


@pytest.mark.parametrize(
    ("cas", "valid"), [("437-38-7", True), ("76-42-6", True), ("76-42-5", False), ("7-4-2", False)]
)
def test_a_number_is_valid_by_its_check_digit(cas: str, valid: bool) -> None:
    assert valid_cas(cas) is valid
