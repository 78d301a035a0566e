"""Structures: what is read through, which classes fire, and what is refused."""

import random

import pytest

from services.classify.structure import Structure, StructureReader, Unreadable
from services.reference.structural import load_class_rules
from services.reference.tables import DATA, rows

_FENTANYL = "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1"


@pytest.fixture(scope="module")
def reader() -> StructureReader:
    return StructureReader(load_class_rules())


def test_salts_charges_and_isotopes_are_taken_off(reader: StructureReader) -> None:
    plain = reader.read(smiles=_FENTANYL)
    assert isinstance(plain, Structure)
    for other in (
        f"{_FENTANYL}.Cl",
        "CCC(=O)N(c1ccccc1)C1CC[NH+](CCc2ccccc2)CC1.[Cl-]",
        "[2H]C([2H])([2H])CC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1",
        "[13CH3]CC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1",
    ):
        read = reader.read(smiles=other)
        assert isinstance(read, Structure)
        assert read.inchikey == plain.inchikey
        assert read.raw_inchikey != plain.raw_inchikey


def test_inchi_and_smiles_of_one_structure_agree(reader: StructureReader) -> None:
    inchi = (
        "InChI=1S/C22H28N2O/c1-2-22(25)24(20-11-7-4-8-12-20)21-14-17-23(18-15-21)"
        "16-13-19-9-5-3-6-10-19/h3-12,21H,2,13-18H2,1H3"
    )
    assert reader.read(inchi=inchi) == reader.read(smiles=_FENTANYL)


def test_the_family_comes_first_and_the_legal_flag_stands_beside_it(reader: StructureReader) -> None:
    read = reader.read(smiles=_FENTANYL)
    assert isinstance(read, Structure)
    assert read.families[0] == "fentanyl"
    assert read.flags == ("fentanyl_us_strict",)
    assert "fentanyl/1" in read.rules


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("", "not_smiles"),
        ("C1CC", "not_smiles"),
        ("C(C)(C)(C)(C)(C)C", "not_smiles"),
        ("*", "not_smiles"),
        ("C" * 101, "too_large"),
        ("C" * 501, "too_long"),
        ("CC |$x$|", "not_smiles"),
        ("CC name", "not_smiles"),
        ("C>>C", "not_smiles"),
        ("fentanyl", "not_smiles"),
        ("\u202eCC", "not_smiles"),
    ],
)
def test_what_is_no_small_molecule_is_refused(reader: StructureReader, smiles: str, reason: str) -> None:
    assert reader.read(smiles=smiles) == Unreadable(reason=reason)


def test_mutilated_structures_are_answered(reader: StructureReader) -> None:
    draw = random.Random(7)
    seeds = [row["smiles"] for row in rows(DATA / "substances.csv")]
    alphabet = "CNOSPFIcnos123456789%()[]=#@+-.*/\\HBrl \x00"
    for _ in range(2000):
        text = list(draw.choice(seeds))
        for _ in range(draw.randrange(1, 6)):
            text[draw.randrange(len(text))] = draw.choice(alphabet)
        assert isinstance(reader.read(smiles="".join(text)), Structure | Unreadable)
        assert isinstance(reader.read(inchi="InChI=1S/" + "".join(text)), Structure | Unreadable)


def test_the_classes_agree_with_the_families_of_the_table(reader: StructureReader) -> None:
    """A row whose class differs from its family is a fault of one of the two, but for three known kinds."""
    differing = {
        (row["family"], read.families[0])
        for row in rows(DATA / "substances.csv")
        if isinstance(read := reader.read(smiles=row["smiles"]), Structure)
        and read.families
        and read.families[0] != row["family"]
    }
    assert differing == {
        ("antidote", "opioid_classic"),  # naloxone, naltrexone
        ("dissociative_other", "opioid_classic"),  # dextromethorphan
        ("medicine_other", "amphetamine"),  # selegiline
    }


def test_nothing_to_take_off_and_a_parent_made_alike_have_one_key(reader: StructureReader) -> None:
    """A plain structure is its own parent; written with a salt it is stripped. Both ways meet."""
    for row in list(rows(DATA / "substances.csv"))[::20]:
        if "." in row["smiles"]:
            continue
        plain, salt = reader.read(smiles=row["smiles"]), reader.read(smiles=row["smiles"] + ".Cl")
        assert isinstance(plain, Structure)
        assert isinstance(salt, Structure)
        assert (plain.families, plain.rules) == (salt.families, salt.rules) or row["family"] == "precursor"


def test_the_key_as_sent_is_left_out_only_where_the_catalogue_cannot_hold_it(reader: StructureReader) -> None:
    """Each row leads to itself whether or not the key as sent is asked for."""
    for row in rows(DATA / "substances.csv"):
        read = reader.read(smiles=row["smiles"], as_sent=False)
        assert isinstance(read, Structure)
        assert row["inchikey"] in {read.raw_inchikey, read.inchikey}
