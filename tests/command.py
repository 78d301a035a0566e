"""The `relay` command as a test calls it: arguments in; exit status, data and messages out."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from schemas.alerts import canonical_json
from services import cli
from services.runtime.settings import PREFIX
from services.storage import receipts
from services.storage.receipt_records import TOPIC, Submission, event_payload
from services.storage.records import Event, Message
from services.storage.sqlite import SqliteLedger
from services.storage.tables import notifications
from tests.builders import NOW, make_alert

DIRECTORY: dict[str, Any] = {
    "institutions": [
        {
            "id": "br-focal",
            "country": "BR",
            "organisation": "Punto focal de ejemplo",
            "kind": "focal_point",
            "language": "pt",
            "timezone": "America/Sao_Paulo",
            "audiences": ["health"],
            "channels": [
                {"kind": "webhook", "address": "https://hooks.example.org/relay"},
                {"kind": "email", "address": "alertas@example.org"},
            ],
        },
        {
            "id": "uy-focal",
            "country": "UY",
            "organisation": "Punto focal de ejemplo",
            "kind": "focal_point",
            "language": "es",
            "timezone": "America/Montevideo",
            "audiences": ["health"],
            "channels": [{"kind": "email", "address": "alertas.uy@example.org"}],
        },
    ]
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the JSON document on standard output."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return the JSON documents on standard output, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Relay:
    """An installation in an empty folder, with no settings but its ledger's path."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.ledger = folder / "relay.sqlite3"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in list(os.environ):
            if name.startswith(PREFIX):
                monkeypatch.delenv(name)
        self.set(LEDGER__PATH=str(self.ledger))
        monkeypatch.setenv("COLUMNS", "200")

    def set(self, **settings: str) -> None:
        """Change settings; the prefix is left out."""
        for name, value in settings.items():
            self._monkeypatch.setenv(PREFIX + name, value)

    def __call__(self, *arguments: str) -> Ended:
        """Run one command."""
        self._capsys.readouterr()
        status = cli.run(arguments)
        shown = self._capsys.readouterr()
        return Ended(status=status, out=shown.out, err=shown.err)


def run(relay: Relay, unit: Callable[[Connection], Any]) -> Any:
    """Run one unit of work on the relay's ledger."""

    async def work() -> Any:
        ledger = SqliteLedger(relay.ledger, exclusive=False)
        try:
            return await ledger.write(unit)
        finally:
            await ledger.close()

    return asyncio.run(work())


def accept(number: int, *, country: str = "UY", at: datetime = NOW) -> Callable[[Connection], Any]:
    """Return the unit of work that keeps one alert of `country`."""
    alert = make_alert(national_ref=f"SAT-{number}", title="Un título que no se lista")
    message = Message(
        id=f"message-{number}",
        sender_id="observatory",
        sender_country=country,
        can_amend=False,
        reference_key="0" * 64,
        received_at=at,
        content_sha256="0" * 64,
        alert=alert,
    )
    body = canonical_json(alert).decode()
    event = Event(topic=TOPIC, event_id=message.id, key="k", payload=event_payload(message, body=body))
    submission = Submission(message=message, body=body, event=event)
    return lambda connection: receipts.accept(connection, submission)


def notification(
    name: str,
    *,
    state: str,
    version: int = 1,
    recipient_id: str = "br-focal",
    endpoint_id: str = "e",
    reason: str | None = None,
) -> dict[str, Any]:
    """Return the row of a notification about the alert of `accept(1)`."""
    row = {
        "id": name,
        "message_id": "message-1",
        "occasion": "issue",
        "revision": 0,
        "thread_id": "thread",
        "thread_version": version,
        "recipient_id": recipient_id,
        "channel": "webhook",
        "endpoint_id": endpoint_id,
        "message_type": "alert",
        "urgency": 1,
        "content": "full",
        "why": "[]",
        "state": state,
        "reason": reason,
        "supersedes": False,
        "needs_original": False,
        "attempts": 4,
        "created_at": NOW,
        "received": False,
        "awaits_answer": False,
        "cursor": version,
        "settled_at": NOW,
    }
    return {key: value for key, value in row.items() if key in notifications.c}
