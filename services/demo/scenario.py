"""What the demonstration sends, in order: the twelve examples, then what must be recognised for what it is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.demo.parties import Holder

_EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
_ALERTS = Path(__file__).parent / "alerts"
_ORDER = (
    "AR-01",
    "AR-02",
    "CA-03",
    "CA-04",
    "BR-05",
    "CO-06",
    "UY-07",
    "US-08",
    "MX-09",
    "GT-10",
    "HT-11",
    "CL-12",
)
_OTHER_SENDERS = {"CA-04": "ca-qc-health"}  # all others are sent by the state's observatory
_AFTERWARDS = (
    ("AR-01 again", _EXAMPLES / "ar-01.json", 200),
    ("US-13", _ALERTS / "us-13.json", 202),
    ("UY-07 correction", _ALERTS / "uy-07-correction.json", 202),
    ("UY-07 retraction", _ALERTS / "uy-07-retraction.json", 202),
    ("invalid", _ALERTS / "invalid.json", 422),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One POST: whose key, which body, which answer."""

    name: str
    sender: str
    body: bytes
    status: int


def steps() -> Iterator[Step]:
    """Yield the steps in order."""
    for name in _ORDER:
        yield _step(name, _EXAMPLES / f"{name.lower()}.json", 202)
    for name, path, status in _AFTERWARDS:
        yield _step(name, path, status)


def holders() -> list[Holder]:
    """Return who sends: the institution of each example, as the example itself states it."""
    senders = {step.sender: json.loads(step.body)["sender"] for step in steps()}
    return [
        Holder(
            institution_id=institution_id,
            country=sender["country"],
            organisation=sender["organisation"],
            role=sender["role"],
            contact=sender["contact"],
            countries=frozenset({sender["country"]}),
            scopes=frozenset({"send", "amend", "read", "acknowledge"}),
        )
        for institution_id, sender in senders.items()
    ]


def _step(name: str, path: Path, status: int) -> Step:
    body = path.read_bytes()
    country = json.loads(body)["location"]["country"].lower()
    sender = _OTHER_SENDERS.get(name, f"{country}-ndo")
    return Step(name=name, sender=sender, body=body, status=status)
