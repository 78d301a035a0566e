"""What the tests of classification share: the catalogue and alerts with a fixed clock."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.classifications import Classification
from services.classify.assess import classify_alert
from services.classify.firsts import NO_HISTORY, FirstsHistory
from services.classify.severity import Assessed
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from tests.databases import SqlitePlace
from tests.ledger import relay as relay

BARE: Mapping[str, Any] = {
    "national_ref": "EWS-2026-001",
    "status": "exercise",
    "language": "en",
    "tlp": "TLP:GREEN",
    "title": "[EXERCISE] An alert",
    "summary": "All facts are invented.",
    "event_types": ["other"],
    "event_start": "2026-11-10",
    "detected_at": "2026-11-12",
    "sent_at": "2026-11-14T12:00:00+00:00",
    "location": {"country": "UY"},
    "source_types": ["forensic_lab"],
    "findings": [{"substances": [{"name": "cocaine", "confirmation": "confirmed", "methods": ["gc_ms"]}]}],
}


def alert_with(**fields: Any) -> Alert:
    """Return a bare alert of one cocaine finding, with ``fields`` instead of its own."""
    return Alert.model_validate({**BARE, **fields})


@pytest.fixture
def place(tmp_path: Path) -> SqlitePlace:
    """Where `relay` keeps its ledger."""
    return SqlitePlace(tmp_path / "ledger.db")


Classify = Callable[..., Classification]


@pytest.fixture(scope="session")
def classify(catalogue: Catalogue, plan: Mapping[str, PlanBasis], structures: StructureReader) -> Classify:
    """Classify a bare alert with the fields given, or an alert."""

    def run(
        alert: Alert | None = None,
        *,
        history: FirstsHistory = NO_HISTORY,
        before: Assessed | None = None,
        **fields: Any,
    ) -> Classification:
        return classify_alert(
            alert if alert is not None else alert_with(**fields),
            catalogue=catalogue,
            structures=structures,
            plan=plan,
            history=history,
            before=before,
        )

    return run
