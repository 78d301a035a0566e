"""`make fuzz`, second part: hostile alerts. Whatever is posted, the answer is an alert or its faults, never a crash.

Bodies are made from the examples by mutating bytes, values and structure; what is accepted is classified too.

    python -m benchmarks.fuzz [--count 50000] [--seed 20261121]
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.classifications import Classification
from services.classify.assess import classify_alert
from services.classify.structure import StructureReader
from services.ingest.validation import InvalidAlert, parse_alert
from services.reference.loader import load_catalogue
from services.reference.plan import load_plan_lines
from services.reference.structural import load_class_rules

EXAMPLES = Path(__file__).parent.parent / "schemas" / "examples"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 2**63, "", " ", "\x00", "\ud800", "a" * 3000, "é" * 200, "🜚" * 50, [], {}, [[]], {"": {}},
    "2026-02-30", "2026-11-14T25:00:00Z", "9999-12-31", "TLP:RED", "ES", "437-38-7", "CCO" * 100, "InChI=1S/",
    "Ω\u202e",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What the run came to."""

    bodies: int = 0
    accepted: int = 0
    refused: int = 0
    slowest_ms: float = 0.0

    def closing_line(self) -> str:
        """The last line that the run prints; a crash ends it before."""
        return (
            f"fuzz: bodies {self.bodies}, accepted {self.accepted}, refused {self.refused}, crashes 0, "
            f"slowest {self.slowest_ms:.1f} ms"
        )


def bodies(count: int, *, seed: int) -> Iterator[bytes]:
    """Yield mutated examples, the same for the same seed."""
    dice = random.Random(seed)
    examples = [path.read_bytes() for path in sorted(EXAMPLES.glob("*.json"))]
    for _ in range(count):
        example = dice.choice(examples)
        if dice.random() < 0.3:
            yield _bytes(example, dice)
        else:
            value = json.loads(example)
            for _ in range(dice.randint(1, 4)):
                _mutate(value, dice)
            yield json.dumps(value, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")


def run(count: int, *, seed: int, classify: Callable[..., Classification]) -> Tally:
    """Parse and classify `count` bodies; whatever is neither an alert nor refused is raised."""
    tally = Tally()
    for body in bodies(count, seed=seed):
        began = time.perf_counter()
        try:
            alert = parse_alert(body, now=NOW)
        except InvalidAlert as refused:
            if not refused.faults or refused.status not in (400, 413, 422):
                raise AssertionError(refused.status) from refused
            tally.refused += 1
        else:
            classify(alert)
            tally.accepted += 1
        tally.bodies += 1
        tally.slowest_ms = max(tally.slowest_ms, (time.perf_counter() - began) * 1000)
    return tally


def classifier() -> Callable[..., Classification]:
    """Return the dry run over the catalogue."""
    catalogue, plan = load_catalogue(), load_plan_lines()
    structures = StructureReader(load_class_rules())
    return lambda alert: classify_alert(alert, catalogue=catalogue, structures=structures, plan=plan)


def _bytes(example: bytes, dice: random.Random) -> bytes:
    raw = bytearray(example)
    for _ in range(dice.randint(1, 6)):
        place = dice.randrange(len(raw) or 1)
        if not raw:
            break
        match dice.randrange(4):
            case 0:
                raw[place] = dice.randrange(256)
            case 1:
                del raw[place : place + dice.randint(1, 40)]
            case 2:
                raw[place:place] = raw[place : place + dice.randint(1, 200)]
            case _:
                del raw[place + 1 :]
    return bytes(raw)


def _mutate(value: Any, dice: random.Random) -> None:
    """Change one place of a JSON value, somewhere."""
    while True:
        places = list(value.keys()) if isinstance(value, dict) else list(range(len(value)))
        if not places:
            return
        place = dice.choice(places)
        inner = value[place]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.75:
            value = inner
            continue
        match dice.randrange(4):
            case 0:
                value[place] = dice.choice(_VALUES)
            case 1:
                del value[place]
            case 2 if isinstance(value, dict):
                value[dice.choice(("x_own", "unknown", place.upper()))] = dice.choice(_VALUES)
            case _:
                value[place] = [inner] * dice.randint(0, 120)
        return


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=20261121)
    chosen = parser.parse_args()
    print(run(chosen.count, seed=chosen.seed, classify=classifier()).closing_line())
    sys.exit(0)
