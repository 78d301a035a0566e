"""Measure the identification: the load of the catalogue, its memory, and the CPU of one answer.

    taskset -c 1 python -m benchmarks.identify

Listed substances are asked by name, CAS number and key; structures are those of substances never listed.
"""

import csv
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.classify.identify import identify
from services.classify.structure import StructureReader
from services.reference.loader import load_catalogue
from services.reference.structural import load_class_rules
from services.reference.tables import DATA, rows

_NEVER_LISTED = Path(__file__).parents[1] / "tests/accuracy/never_listed.csv"
_ROUNDS = 5
_MOST = {
    "load ms": 500.0,
    "name ms": 0.2,
    "cas ms": 0.2,
    "key ms": 0.2,
    "unlisted structure ms": 1.0,
    "memory MB": 100.0,
}


def main() -> int:
    before = _memory()
    began = time.process_time()
    catalogue = load_catalogue()
    measured = {"load ms": (time.process_time() - began) * 1000}
    without_chemistry = "rdkit" not in sys.modules
    reader = StructureReader(load_class_rules())
    table = list(rows(DATA / "substances.csv"))
    with _NEVER_LISTED.open(encoding="utf-8", newline="") as file:
        structures = [row["smiles"] for row in csv.DictReader(file)] * 10
    measured["catalogue MB"] = _memory() - before
    reader.read(smiles="C")

    def ask(field: str) -> Callable[[str], object]:
        def one(value: str) -> object:
            given: dict[str, str | None] = {"name": None, field: value}
            return identify(**given, catalogue=catalogue, structures=reader)  # type: ignore[arg-type]

        return one

    measured["name ms"] = _each(ask("name"), [row["preferred_name"] for row in table])
    measured["cas ms"] = _each(ask("cas"), [row["cas"] for row in table if row["cas"]])
    measured["key ms"] = _each(ask("inchikey"), [row["inchikey"] for row in table])
    measured["unlisted structure ms"] = _each(ask("smiles"), structures)
    measured["salt of a structure ms"] = _each(ask("smiles"), [f"{smiles}.Cl" for smiles in structures])
    measured["name unknown ms"] = _each(ask("name"), [f"{row['preferred_name']} xq" for row in table])
    measured["memory MB"] = _memory() - before
    for what, value in measured.items():
        print(f"{what:24} {value:8.3f}" + (f"   bar {_MOST[what]:g}" if what in _MOST else ""))
    print(f"chemistry loaded with the catalogue: {'no' if without_chemistry else 'yes'}")
    return int(any(measured[what] > most for what, most in _MOST.items()) or not without_chemistry)


def _each(ask: Callable[[str], object], values: Sequence[str]) -> float:
    """Return the milliseconds of CPU of one answer, of the best of some rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        for value in values:
            ask(value)
        best = min(best, time.process_time() - began)
    return best / len(values) * 1000


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
