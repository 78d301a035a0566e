"""The member states, observers and territories: who takes part, and in which languages they are told.

Participation is data because sources differ and it changes; routing goes to ``active`` states and to
observers only. A territory is no member: it counts as its sovereign state, and keeps its own code in a
location.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from services.reference.tables import DATA, items, rows

# A territory keeps its own code and its own firsts; where states are counted, it is its sovereign's.
SOVEREIGN: Mapping[str, str] = {
    "AI": "GB", "AW": "NL", "BL": "FR", "BM": "GB", "BQ": "NL", "CW": "NL", "FK": "GB", "GF": "FR", "GL": "DK",
    "GP": "FR", "KY": "GB", "MF": "FR", "MQ": "FR", "MS": "GB", "PM": "FR", "PR": "US", "SX": "NL", "TC": "GB",
    "UM": "US", "VG": "GB", "VI": "US",
}  # fmt: skip


class Participation(StrEnum):
    """How a state stands to the organisation."""

    ACTIVE = "active"
    OBSERVER = "observer"  # read-only, TLP:CLEAR, opted in
    DISPUTED = "disputed"
    NOT_PARTICIPATING = "not_participating"
    WITHDRAWN = "withdrawn"
    TERRITORY = "territory"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state or territory by its ISO 3166-1 codes. Languages are ISO 639 codes, the first preferred."""

    code: str
    alpha3: str
    sovereign: str | None  # of a territory
    official_languages: tuple[str, ...]
    notify_in: tuple[str, ...]
    participation: Participation


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """Every state that the relay knows, by its alpha-2 code."""

    by_code: Mapping[str, State]

    def get(self, code: str) -> State | None:
        """Return one state or territory, or None."""
        return self.by_code.get(code)

    def sovereign(self, code: str) -> str:
        """Return the code under which ``code`` is counted: of the state for its territory, else itself."""
        state = self.by_code.get(code)
        return state.sovereign if state and state.sovereign else code

    def participation(self, code: str) -> Participation:
        """Return how ``code`` takes part; a territory as its state does, a code not listed is unknown."""
        state = self.by_code.get(self.sovereign(code))
        return state.participation if state else Participation.UNKNOWN

    def active(self) -> tuple[str, ...]:
        """Return the codes of the active member states in the order of the table."""
        return tuple(s.code for s in self if s.participation is Participation.ACTIVE)

    def __iter__(self) -> Iterator[State]:
        """Yield every state in the order of the table."""
        return iter(self.by_code.values())


def load_states(directory: Path = DATA) -> States:
    """Read ``states.csv``. Raises OSError, KeyError or ValueError on a broken table."""
    found = {}
    for row in rows(directory / "states.csv"):
        found[row["alpha2"]] = State(
            code=row["alpha2"],
            alpha3=row["alpha3"],
            sovereign=row["sovereign"] or None,
            official_languages=tuple(items(row["official_languages"])),
            notify_in=tuple(items(row["notify_in"])),
            participation=Participation(row["participation"]),
        )
    return States(by_code=MappingProxyType(found))
