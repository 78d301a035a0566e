"""A structure is refused where it is no molecule, and nowhere else; the library is loaded where one is given."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classify.structure import StructureReader, Unreadable
from services.reference.catalogue import Catalogue
from services.reference.drawn import is_inchi, is_smiles
from tests.builders import minimal_alert_json

_PIECES = [
    "C",
    "c1ccccc1",
    "N",
    "(",
    ")",
    "[N+]",
    "[O-]",
    "=",
    "1",
    ".",
    "Cl",
    "[2H]",
    "/",
    "*",
    "F",
    "O",
    "[",
    "#",
]


def test_every_structure_of_the_catalogue_is_one(catalogue: Catalogue) -> None:
    assert [text for text in catalogue.by_smiles if not is_smiles(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "CN1C2CCC1C(C(=O)OC)C(OC(=O)c1ccccc1)C2.Cl",
        "[2H]C([2H])([2H])N",
        "C[N+](C)(C)C.[Cl-]",
        "CN(=O)=O",
        "C/C=C/C",
        "C[C@H](N)Cc1ccccc1",
        "C%11CCCCC%11",
        "[Na+].[Cl-]",
        "C" * 101,
        "C" * 499,
        "C12C3C4C5C1C1C2C3C4C51",
    ],
)
def test_what_is_written_as_senders_write_it_is_taken(text: str) -> None:
    assert is_smiles(text)


@pytest.mark.parametrize(
    "text",
    [
        "InChI=1S/CH4/h1H4",
        "InChI=1/CH4/h1H4",
        "InChI=1S/C9H13N/c1-8(10)7-9-5-3-2-4-6-9/h2-6,8H,7,10H2,1H3/t8-/m0/s1",
        "InChI=1S/ClH.Na/h1H;/q;+1/p-1",
        "InChI=1S/C900H1802/x",
    ],
)
def test_an_inchi_is_taken(text: str) -> None:
    assert is_inchi(text)


@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=12).map("".join))
def test_what_classification_could_not_read_is_refused(text: str) -> None:
    read = StructureReader(()).read(smiles=text)
    unread = isinstance(read, Unreadable) and read.reason == "not_smiles"
    assert is_smiles(text) is not unread


@pytest.mark.parametrize(("identifier", "loaded"), [({}, False), ({"smiles": "CCO"}, True)])
def test_an_alert_without_a_structure_does_not_pay_for_one(
    identifier: dict[str, str], *, loaded: bool
) -> None:
    substance = {"name": "MDMA", "confirmation": "confirmed"} | identifier
    body = json.dumps(minimal_alert_json(findings=[{"substances": [substance]}]))
    code = (
        "import sys; from datetime import datetime, UTC; from services.ingest.service import parse;"
        "parse(sys.stdin.buffer.read(), now=datetime(2026, 11, 21, tzinfo=UTC)); print('rdkit' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], input=body.encode(), capture_output=True, check=True)
    assert ended.stdout.decode().strip() == str(loaded)
