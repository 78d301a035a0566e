"""The screen before the patterns: it may let too much through, never too little."""

import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from services.classify.patterns import Pattern, Screen, compiled, counts_of
from services.reference.structural import load_class_rules
from services.reference.tables import DATA, rows

_ALIPHATIC_RING = Chem.MolFromSmarts("[A;R]")


def _counts(mol: Chem.Mol) -> tuple[int, ...]:
    return counts_of(
        formula=rdMolDescriptors.CalcMolFormula(mol),
        aliphatic_ring=len(mol.GetSubstructMatches(_ALIPHATIC_RING)),
        aromatic=len(mol.GetAromaticAtoms()),
        rings=mol.GetRingInfo().NumRings(),
    )


@pytest.fixture(scope="module")
def patterns() -> list[Pattern]:
    return [compiled(Chem, rule.smarts) for rule in load_class_rules()]


def test_no_pattern_that_matches_is_screened_out(patterns: list[Pattern]) -> None:
    screen = Screen(patterns)
    for row in rows(DATA / "substances.csv"):
        mol = Chem.MolFromSmiles(row["smiles"])
        possible = set(screen.possible(_counts(mol)))
        held = {place for place, pattern in enumerate(patterns) if pattern.is_in(mol)}
        assert held <= possible, row["preferred_name"]


def test_most_patterns_need_not_be_tried(patterns: list[Pattern]) -> None:
    screen = Screen(patterns)
    methamphetamine = Chem.MolFromSmiles("CNC(C)Cc1ccccc1")
    assert len(list(screen.possible(_counts(methamphetamine)))) < len(patterns) / 8


@pytest.mark.parametrize(
    ("smarts", "molecule", "possible"),
    [
        ("[NX3;H1,$(N-[CX4;!R])]-c", "CC", False),
        ("[NX3;H1,$(N-[CX4;!R])]-c", "Nc1ccccc1", True),
        ("[#6,#7]-[Cl,Br]", "CF", True),  # a choice demands nothing of its own
        ("[!C]", "N", True),
        ("[CX4;R]1[CX4;R][CX4;R]1", "c1ccccc1", False),
        ("[CX4;R]1[CX4;R][CX4;R]1", "C1CC1", True),
        ("c1ccccc1.c1ccccc1", "c1ccccc1", False),
        ("[#1,C]", "[H][H]", True),
        ("[C,$(C-N)]", "O", True),
    ],
)
def test_what_a_pattern_demands_is_read_from_it(smarts: str, molecule: str, possible: bool) -> None:
    screen = Screen([compiled(Chem, smarts)])
    assert bool(list(screen.possible(_counts(Chem.MolFromSmiles(molecule))))) is possible


def test_what_is_no_pattern_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a pattern"):
        compiled(Chem, "[C")
