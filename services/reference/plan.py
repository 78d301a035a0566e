"""Where the Plan names each category. The Plan is data here: a later one is another table.

A reference reads ``HPAD-2021:CM.2.4@L191``: document, pillar, objective, action, line of the source. The
documents that the Plan builds on have no such numbering: ``CND-2023@L572``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from services.reference.tables import DATA, items, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBasis:
    """The lines behind one category, the plainest first. ``extension``: the Plan only names new threats."""

    references: tuple[str, ...]
    extension: bool

    @property
    def reference(self) -> str:
        """The line to cite."""
        return self.references[0]


def load_plan_lines(directory: Path = DATA) -> Mapping[str, PlanBasis]:
    """Read the basis of every category by its code. Raises OSError or KeyError."""
    return MappingProxyType(
        {
            row["code"]: PlanBasis(
                references=tuple(items(row["references"])), extension=row["extension"] == "yes"
            )
            for row in rows(directory / "plan_lines.csv")
        }
    )
