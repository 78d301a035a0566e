"""The bars of the identification, on the sets that `make accuracy` reports in full."""

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from services.classify.structure import Structure, StructureReader
from services.reference.catalogue import Catalogue
from services.reference.tables import rows
from tests.accuracy import judging
from tests.accuracy.report import LEAST_FAMILIES, LEAST_RESOLVED, LEAST_SUGGESTED


def test_other_spellings_of_listed_substances_resolve_and_none_wrongly(catalogue: Catalogue) -> None:
    judged = list(judging.variants(catalogue))
    assert len(judged) >= 300
    assert [one.asked for one in judged if one.got not in {"", one.expected}] == []
    without_slips = [bool(one.got) for one in judged if one.kind != "typo"]
    assert judging.share(without_slips) >= LEAST_RESOLVED
    assert judging.share([one.suggested for one in judged]) >= LEAST_SUGGESTED


def test_every_positional_isomer_is_itself_or_nothing(catalogue: Catalogue) -> None:
    isomers = [one for one in judging.variants(catalogue) if one.kind == "isomer"]
    assert len(isomers) >= 100
    assert [one.asked for one in isomers if one.got not in {"", one.expected}] == []


def test_nothing_that_is_no_substance_resolves(catalogue: Catalogue) -> None:
    judged = list(judging.negatives(catalogue))
    assert len(judged) >= 60
    assert [one.asked for one in judged if one.got] == []
    assert [one.asked for one in judged if one.expected and one.found.family != one.expected] == []


def test_a_substance_never_listed_does_not_become_another(catalogue: Catalogue) -> None:
    judged = list(judging.never_listed_names(catalogue))
    assert len(judged) >= 500
    assert [(one.asked, one.got) for one in judged if one.got] == []


def test_a_structure_never_listed_shows_its_family(catalogue: Catalogue, structures: StructureReader) -> None:
    judged = list(judging.never_listed_structures(catalogue, structures))
    assert len(judged) >= 60
    assert judging.share([one.found.family == one.expected for one in judged]) >= LEAST_FAMILIES


def test_the_set_of_structures_is_sound(catalogue: Catalogue, structures: StructureReader) -> None:
    for row in rows(judging.HERE / "never_listed.csv"):
        mol = Chem.MolFromSmiles(row["smiles"])
        assert rdMolDescriptors.CalcMolFormula(mol) == row["formula"]
        read = structures.read(smiles=row["smiles"])
        assert isinstance(read, Structure)
        assert catalogue.with_block(read.inchikey) == ()
