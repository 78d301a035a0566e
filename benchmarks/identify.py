"""Measure the identification: what it adds to the start and to memory, and the CPU of one answer.

    taskset -c 1 python -m benchmarks.identify

CPU time, never the clock on the wall. Each round begins with no answer kept, so nothing is answered from
memory; the best of some rounds counts, for what else runs on the core only adds. Structures are redrawn with
their atoms in another order, so that none is known by its text. What is added is the difference between two
processes: one that does what any part of the relay does, and one that also loads the tables and, for memory,
the chemistry.
"""

import csv
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rdkit import Chem

from services.classify.by_name import identify_name
from services.classify.identify import identify
from services.classify.structure import StructureReader
from services.reference.loader import load_catalogue
from services.reference.structural import load_class_rules
from services.reference.tables import DATA, rows

_ACCURACY = Path(__file__).parents[1] / "tests/accuracy"
_ROUNDS = 5
_BARE = "import schemas.alerts, services.commands.identify"
_LOADED = f"{_BARE}; from services.runtime import tables; used = tables.load(None)"
_WITH_CHEMISTRY = f"{_LOADED}; used.structures.read(smiles='c1ccccc1CC(C)NC')"
_MOST = {
    "start s": 0.5,
    "memory MB": 100.0,
    "name ms": 0.2,
    "cas ms": 0.2,
    "key ms": 0.2,
    "listed structure ms": 0.2,
    "unlisted structure ms": 1.0,
    "salt of an unlisted structure ms": 1.0,
}


def main() -> int:
    catalogue = load_catalogue()
    reader = StructureReader(load_class_rules(), known=catalogue.by_smiles)
    reader.read(smiles="C")
    table = list(rows(DATA / "substances.csv"))
    unlisted = [smiles.split(".")[0] for smiles in _drawn(_ACCURACY / "never_listed.csv")]
    unlisted += [smiles.split(".")[0] for smiles in _drawn(_ACCURACY / "held_out/structures.csv")]

    def ask(field: str) -> Callable[[str], object]:
        def one(value: str) -> object:
            given: dict[str, str | None] = {"name": None, field: value}
            return identify(**given, catalogue=catalogue, structures=reader)  # type: ignore[arg-type]

        return one

    bare, loaded, whole = (_process(code) for code in (_BARE, _LOADED, _WITH_CHEMISTRY))
    measured = {
        "start s": loaded[0] - bare[0],
        "memory MB": loaded[1] - bare[1],
        "memory with chemistry MB": whole[1] - bare[1],
        "name ms": _each(ask("name"), [row["preferred_name"] for row in table]),
        "synonym as a salt ms": _each(
            ask("name"), [f"clorhidrato de {row['synonyms'].split(';')[0]}" for row in table]
        ),
        "name not found ms": _each(ask("name"), [f"{row['preferred_name']} xq" for row in table]),
        "cas ms": _each(ask("cas"), [row["cas"] for row in table if row["cas"]]),
        "key ms": _each(ask("inchikey"), [row["inchikey"] for row in table]),
        "listed structure as tabled ms": _each(ask("smiles"), [row["smiles"] for row in table]),
        "listed structure ms": _each(ask("smiles"), list(_redrawn(row["smiles"] for row in table))),
        "unlisted structure ms": _each(ask("smiles"), list(_redrawn(unlisted))),
        "salt of an unlisted structure ms": _each(
            ask("smiles"), [f"{smiles}.OC(=O)C=CC(O)=O" for smiles in _redrawn(unlisted)]
        ),
    }
    for what, value in measured.items():
        print(f"{what:34} {value:8.3f}" + (f"   bar {_MOST[what]:g}" if what in _MOST else ""))
    return int(any(measured[what] > most for what, most in _MOST.items()))


def _each(ask: Callable[[str], object], values: Sequence[str]) -> float:
    """Return the milliseconds of CPU of one answer."""
    spent = []
    for _ in range(_ROUNDS):
        identify_name.cache_clear()
        began = time.process_time()
        for value in values:
            ask(value)
        spent.append(time.process_time() - began)
    return min(spent) / len(values) * 1000


def _drawn(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["smiles"] for row in csv.DictReader(file)]


def _redrawn(structures: Iterable[str]) -> Iterable[str]:
    """Yield each structure with its atoms in another order."""
    draws = random.Random(7)
    for smiles in structures:
        mol = Chem.MolFromSmiles(smiles)
        order = list(range(mol.GetNumAtoms()))
        draws.shuffle(order)
        yield Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)


def _process(code: str) -> tuple[float, float]:
    """Return the seconds of CPU and the megabytes of a process that runs ``code``, the least of some runs."""
    tell = "import resource as r; u = r.getrusage(r.RUSAGE_SELF); print(u.ru_utime + u.ru_stime, u.ru_maxrss)"
    runs = [
        subprocess.run([sys.executable, "-c", f"{code}; {tell}"], capture_output=True, text=True, check=True)
        for _ in range(_ROUNDS)
    ]
    figures = [run.stdout.split() for run in runs]
    return min(float(cpu) for cpu, _ in figures), min(int(size) for _, size in figures) / 1024


if __name__ == "__main__":
    sys.exit(main())
