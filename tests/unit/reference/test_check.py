"""The tables that are shipped are sound, and the check sees what is not."""

import shutil
from pathlib import Path

from rdkit import Chem, RDLogger

from services.reference.check import problems
from services.reference.tables import DATA


def _key_of(smiles: str) -> str | None:
    RDLogger.DisableLog("rdApp.*")
    mol = Chem.MolFromSmiles(smiles)
    return Chem.MolToInchiKey(mol) if mol is not None else None


def test_every_structure_key_number_and_name_of_the_tables_is_sound() -> None:
    assert problems(_key_of) == []


def test_a_wrong_structure_and_a_name_of_two_substances_are_seen(tmp_path: Path) -> None:
    broken = tmp_path / "data"
    shutil.copytree(DATA, broken)
    table = broken / "substances.csv"
    row = "PJMPHNIQZUBGLI-UHFFFAOYSA-X,X,,437-38-8,CCO,fentanyl,SYN,1961-I,carfentanil,,unverified,C2H6O,"
    table.write_text(table.read_text("utf-8") + row + "\n", "utf-8")

    found = problems(_key_of, broken)

    assert any("does not have the key" in line for line in found)
    assert any("check digit" in line for line in found)
    assert any("un_control" in line for line in found)
    assert any(line.startswith("carfentanil: a name of") for line in found)
