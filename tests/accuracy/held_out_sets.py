"""The held-out sets: what they expect, beside what is found. How they were made stands in ``held_out/README.md``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.alerts import Alert
from schemas.classifications import Classification
from services.classify.assess import classify_alert
from services.classify.identify import identify
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.plan import load_plan_lines
from services.reference.tables import rows
from tests.accuracy.judging import HERE, Judged

FOLDER = HERE / "held_out"
NAMES, AMBIGUOUS, NEGATIVES, NEVER_LISTED = "names", "ambiguous", "negatives", "never_listed_names"
STRUCTURES, MEDICINES = "structures", "medicines"
ALERTS, BLIND_ALERTS = "alerts", ("alerts_en", "alerts_es", "alerts_pt")


def named(table: str, catalogue: Catalogue) -> Iterator[Judged]:
    """Yield the names of a table; ``expected`` is empty for what must not resolve."""
    for row in rows(FOLDER / f"{table}.csv"):
        found = identify(name=row["name"], catalogue=catalogue, structures=None)
        yield Judged(kind=table, asked=row["name"], expected=row.get("expected", ""), found=found)


def drawn(table: str, catalogue: Catalogue, structures: StructureReader) -> Iterator[Judged]:
    """Yield the structures of a table; ``expected`` is the family, empty where none may fire."""
    for row in rows(FOLDER / f"{table}.csv"):
        found = identify(name=None, smiles=row["smiles"], catalogue=catalogue, structures=structures)
        yield Judged(kind=table, asked=row["smiles"], expected=row.get("family", ""), found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAlert:
    """One alert: what it must be taken for, and what it was."""

    ref: str
    expected: dict[str, Any]  # level, categories, identities (None: no substance is named)
    found: Classification

    @property
    def identities(self) -> list[tuple[str | None, str | None]]:
        """Expected and found, for each reported substance."""
        names = [one.preferred_name for one in self.found.substances]
        return list(zip(self.expected["identities"], names, strict=True))

    @property
    def categories(self) -> list[str]:
        """The codes found, each once and sorted."""
        return sorted({label.code.value for label in self.found.categories})


def alerts(table: str, catalogue: Catalogue, structures: StructureReader) -> Iterator[JudgedAlert]:
    """Yield the alerts of a file, classified without history as a dry run does."""
    plan = load_plan_lines()
    for line in (FOLDER / f"{table}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        alert = Alert.model_validate(row["alert"])
        found = classify_alert(alert, catalogue=catalogue, structures=structures, plan=plan)
        yield JudgedAlert(ref=alert.national_ref, expected=row["expected"], found=found)
