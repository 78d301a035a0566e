"""Write the JSON Schema 2020-12 of every contract, and AsyncAPI of the topics: `python -m schemas.generate`.

A test compares the files with what would be written, so that a change of a contract shows in a review.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation, DryRun
from schemas.events import Acknowledged, AlertAccepted, AlertClassified, DeliveryRecorded
from schemas.merges import MergePage, MergeUndo, MergeUndone
from schemas.notifications import Acknowledgement, NotificationPage, WebhookMessage
from schemas.problems import Problem
from schemas.receipts import AlertView, Batch, BatchResults, Page, Receipt
from schemas.reviews import ResolutionRequest, ResolutionView, ReviewDone, ReviewDoneView, ReviewPage
from schemas.topics import asyncapi

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
FOLDER: Final = Path(__file__).parent / "json"
_READ: Final[Mapping[str, type[BaseModel]]] = {
    "alert": Alert,
    "batch": Batch,
    "acknowledgement": Acknowledgement,
    "merge-undo": MergeUndo,
    "resolution-request": ResolutionRequest,
    "review-done": ReviewDone,
    "event-alert-accepted": AlertAccepted,
    "event-alert-classified": AlertClassified,
    "event-delivery-recorded": DeliveryRecorded,
    "event-acknowledged": Acknowledged,
}  # what others write: defaults may be left out
_WRITTEN: Final[Mapping[str, type[BaseModel]]] = {
    "alert-view": AlertView,
    "batch-results": BatchResults,
    "classification": Classification,
    "correlation": Correlation,
    "merge-page": MergePage,
    "merge-undone": MergeUndone,
    "notification-page": NotificationPage,
    "page": Page,
    "problem": Problem,
    "receipt": Receipt,
    "dry-run": DryRun,
    "resolution": ResolutionView,
    "review-left": ReviewDoneView,
    "review-page": ReviewPage,
    "webhook": WebhookMessage,
}  # what the relay writes


def documents() -> dict[str, str]:
    """Return the text of every file by its name."""
    read = {name: model.model_json_schema(mode="validation") for name, model in _READ.items()}
    written = {name: _open(model.model_json_schema(mode="serialization")) for name, model in _WRITTEN.items()}
    schemas = {name: {"$schema": DIALECT} | schema for name, schema in (read | written).items()}
    return {f"{name}.json": _text(one) for name, one in sorted((schemas | {"asyncapi": asyncapi()}).items())}


def main() -> None:
    """Write the files, and remove those of contracts that are no more."""
    wanted = documents()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _open(schema: Any) -> Any:
    """Return a schema that takes fields it does not know: what the relay writes only gains some."""
    if isinstance(schema, dict):
        kept = {
            name: each for name, each in schema.items() if (name, each) != ("additionalProperties", False)
        }
        return {name: _open(each) for name, each in kept.items()}
    return [_open(each) for each in schema] if isinstance(schema, list) else schema


def _text(schema: Mapping[str, object]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
