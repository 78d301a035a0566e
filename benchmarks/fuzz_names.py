"""Feed the identification hostile names and structures: no crash, and no answer slower than 100 ms.

    python -m benchmarks.fuzz_names [--count 100000] [--seed 20261120]

Half are mutilated names and structures of the catalogue, half are made of what has broken readers of names
before: bidirectional marks, combining marks, surrogates, endless brackets, primes and joiners; and of readers
of structures: dense rings, stars, huge isotopes, formulae that ask for memory, endless branches.
"""

import argparse
import json
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.classify.lines import identify_raw
from services.classify.structure import StructureReader
from services.reference.loader import load_catalogue
from services.reference.structural import load_class_rules
from services.reference.tables import DATA, items, rows

MOST_MILLISECONDS = 100.0
TODAY = date(2026, 11, 20)

Record = dict[str, Any]

_LETTERS = (
    "abcdefghijklmnopqrstuvwxyz ABCDEFNOP0123456789-,'()[]+/.;:·’′αβΔßñçéãИ中"
    "\u0301\u0327\u202e\u200b\u00a0\x00\t\n\ud800"
)
_JOINERS = ("+", " y ", " et ", "/", ", ", " con ", ";", " de ", "-", "'", "(", ")", "[", "]", " x ", ".")
_WORDS = (
    "fentanyl", "clorhidrato", "de", "nitazeno", "análogo", "N-methyl-", "N,N-", "4-", "para-", "5-MeO-", "HCl",
    "sulfate", "d'", "alpha-", "(±)-", "racemic", "synthetic", "sin", "especificar", "metil", "4,4'-", "2C-", "base",
)  # fmt: skip
_ATOMS = (
    "C", "c", "N", "n", "O", "S", "F", "Cl", "Br", "[2H]", "[13CH3]", "[N+]", "[O-]", "[nH]", "[C@@H]", "[Fe]",
    "[U+6]", "[999C]", "*", "[H]", "(", ")", "[", "]", "=", "#", "$", ":", "/", "\\", ".", "%10", "%99", "1", "2",
    "3", "~", "-", "@", ">>", "\x00", " ", "é",
)  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What came of a run. Times are in milliseconds of the process."""

    count: int = 0
    crashes: int = 0
    slow: int = 0
    slowest: float = 0.0
    slowest_record: Record = field(default_factory=dict)


def records(*, seed: int, count: int) -> Iterator[Record]:
    """Yield ``count`` hostile records, the same ones for the same ``seed``."""
    draw = random.Random(seed)
    table = list(rows(DATA / "substances.csv"))
    names = [name for row in table for name in (row["preferred_name"], *items(row["synonyms"]))]
    smiles = [row["smiles"] for row in table]
    kinds: tuple[Callable[[], Record], ...] = (
        lambda: {"name": _mutilated(draw, draw.choice(names), _LETTERS)},
        lambda: {"smiles": _mutilated(draw, draw.choice(smiles), "".join(_ATOMS))},
        lambda: {"inchi": "InChI=1S/" + _mutilated(draw, _formula(draw), "CHNO0123456789./-(),;+*")},
        lambda: {"name": _of(draw, (*_WORDS, *_JOINERS), 60)},
        lambda: {"name": "".join(draw.choices(_LETTERS, k=draw.randrange(300)))},
        lambda: {"smiles": _of(draw, _ATOMS, 200)},
        lambda: {"smiles": draw.choice(_DENSE)(draw)},
        lambda: {
            "name": draw.choice(names) + draw.choice(_JOINERS) + draw.choice(names),
            "smiles": draw.choice(smiles),
        },
        lambda: {"name": (draw.choice(_WORDS) + draw.choice(_JOINERS)) * draw.randrange(1, 60)},
        lambda: {"cas": _of(draw, "0123456789-", 14), "inchikey": _of(draw, "ABCDEFGHIJ-", 30)},
    )
    for number in range(count):
        record = draw.choice(kinds)()
        yield {"ref": number, **record}


def run(*, seed: int, count: int) -> Outcome:
    """Identify ``count`` hostile records; a crash is counted and its traceback written to standard error."""
    catalogue, structures = load_catalogue(), StructureReader(load_class_rules())
    structures.read(smiles="C")  # the library is loaded with the first structure
    outcome = Outcome()
    for record in records(seed=seed, count=count):
        raw = json.dumps(record).encode()
        began = time.process_time()
        try:
            identify_raw(raw, catalogue=catalogue, structures=structures, today=TODAY)
        except Exception:  # noqa: BLE001 - whatever escapes is what this looks for
            outcome.crashes += 1
            traceback.print_exc()
            print(f"  by {raw!r}", file=sys.stderr)
        took = (time.process_time() - began) * 1000
        outcome.count += 1
        outcome.slow += took > MOST_MILLISECONDS
        if took > outcome.slowest:
            outcome.slowest, outcome.slowest_record = took, record
    return outcome


def _mutilated(draw: random.Random, text: str, alphabet: str) -> str:
    letters = list(text)
    for _ in range(draw.randrange(1, 8)):
        place = draw.randrange(len(letters) + 1)
        match draw.randrange(4):
            case 0:
                letters[place:place] = draw.choice(alphabet)
            case 1:
                del letters[place : place + draw.randrange(1, 4)]
            case 2:
                letters[place : place + 1] = draw.choice(alphabet)
            case _:
                letters[place:place] = letters[max(0, place - 5) : place] * draw.randrange(1, 30)
    return "".join(letters)


def _of(draw: random.Random, parts: tuple[str, ...] | str, most: int) -> str:
    return "".join(draw.choices(parts, k=draw.randrange(1, most)))


def _formula(draw: random.Random) -> str:
    carbons = draw.choice((3, 9, 22, 99, 1000, 999999))
    return f"C{carbons}H{2 * carbons}NO/c1-" + "-".join(str(n) for n in range(2, min(carbons, 40)))


_DENSE: tuple[Callable[[random.Random], str], ...] = (
    lambda draw: "C1CC" * draw.randrange(1, 120) + "C1",
    lambda draw: "C" + "(C)" * draw.randrange(1, 150),
    lambda draw: "C(" * draw.randrange(1, 240) + "C" + ")" * draw.randrange(1, 240),
    lambda draw: (
        "".join(f"C%{n}" for n in range(10, 99))
        + "".join(f"C%{n}" for n in range(10, draw.randrange(11, 99)))
    ),
    lambda draw: "c1ccc2ccccc2c1" * draw.randrange(1, 30),
    lambda draw: "[Fe]" + "(Cl)" * draw.randrange(1, 90),
    lambda draw: "C.[Na+]." * draw.randrange(1, 60) + "C",
    lambda draw: "C12C3C4C1C5C2C3C45." * draw.randrange(1, 12) + "C",
    lambda draw: "[C@](F)(Cl)(Br)" * draw.randrange(1, 30) + "I",
    lambda draw: "F/C=C/" * draw.randrange(1, 70) + "F",
    lambda draw: "N(=O)=O" * draw.randrange(1, 40),
    lambda draw: "C1=CC=CC=C1" * draw.randrange(1, 9) + "P(F)(F)(F)(F)F",
    lambda draw: "c1cccc1" * draw.randrange(1, 20) + "[nH]" * draw.randrange(1, 30),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20261120)
    wanted = parser.parse_args()
    began = time.monotonic()
    outcome = run(seed=wanted.seed, count=wanted.count)
    print(
        f"names and structures: {outcome.count} in {time.monotonic() - began:.0f} s, seed {wanted.seed}: "
        f"{outcome.crashes} crashes, {outcome.slow} slower than {MOST_MILLISECONDS:.0f} ms, "
        f"slowest {outcome.slowest:.1f} ms"
    )
    if outcome.slow:
        print(f"  slowest: {outcome.slowest_record!r}")
    return 1 if outcome.crashes or outcome.slow else 0


if __name__ == "__main__":
    sys.exit(main())
