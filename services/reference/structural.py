"""The generic definitions by which a structure that nobody has listed gets its class, as they are tabled.

Source: HPAD-2021:CM.2.5@L192 (scheduling by class); the legal text behind each rule is in its row.
"""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from services.reference.tables import DATA, rows, table

_TABLES = ("structural_classes.csv", "structural_classes_extra.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule:
    """One row of ``structural_classes.csv`` or of our additions to it. Rows of one class are alternatives.

    ``max_weight`` is in daltons. The class with the smallest ``precedence`` names the family; a rule without
    one is a flag beside it.
    """

    rule_id: str  # class and number of its row, such as "nitazene/2"
    name: str
    smarts: str
    exclude: tuple[str, ...]
    max_weight: float
    precedence: int | None


def load_class_rules(directory: Path = DATA) -> tuple[ClassRule, ...]:
    """Read the rules in the order of the tables, ours last. Raises OSError, KeyError or ValueError on a broken one."""
    counts: dict[str, int] = {}
    rules = []
    for row in chain.from_iterable(rows(table(directory, name)) for name in _TABLES):
        counts[row["class"]] = number = counts.get(row["class"], 0) + 1
        rules.append(
            ClassRule(
                rule_id=f"{row['class']}/{number}",
                name=row["class"],
                smarts=row["smarts"],
                exclude=tuple(part for part in row["exclude_smarts"].split(" | ") if part),
                max_weight=float(row["max_mw"]) if row["max_mw"] else float("inf"),
                precedence=int(row["precedence"]) if row["precedence"] else None,
            )
        )
    return tuple(rules)
