"""What became of alerts, as the command line shows it, and sending again."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from services.errors import Invalid
from services.storage import dead_letters
from services.storage.receipt_records import TOPIC
from services.storage.records import Record
from services.storage.tables import acknowledgements, audit, notifications, outbox
from tests.command import Relay, accept, notification, run

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def notify(
    name: str, *, state: str, version: int = 1, recipient: str = "br-focal"
) -> Callable[[Connection], Any]:
    row = notification(name, state=state, version=version, recipient_id=recipient)
    return lambda connection: connection.execute(insert(notifications), row)


@pytest.fixture
def busy(installed: Relay) -> Relay:
    """Return an installation with two alerts and some notifications."""
    run(installed, accept(1))
    run(installed, accept(2, country="BR", at=NOW.replace(hour=13)))
    run(installed, notify("failed", state="failed"))
    run(installed, notify("pending", state="pending", recipient="cl-focal"))
    return installed


def test_alerts_are_listed_newest_first_without_their_titles(busy: Relay) -> None:
    rows = busy("alerts", "list", "--json").json
    assert [row["national_ref"] for row in rows] == ["SAT-2", "SAT-1"]
    assert rows[0]["received_at"] == "2026-11-21T13:00:00Z"
    assert "título" not in busy("alerts", "list").out
    assert "SAT-2" in busy("alerts", "list").out


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--country", "BR"), ["SAT-2"]),
        (("--state", "pending"), ["SAT-2", "SAT-1"]),
        (("--state", "dead"), []),
        (("--status", "exercise"), ["SAT-2", "SAT-1"]),
        (("--status", "actual"), []),
        (("--since", "2026-11-21T12:30:00"), ["SAT-2"]),
        (("--limit", "1"), ["SAT-2"]),
    ],
)
def test_alerts_can_be_narrowed(busy: Relay, options: tuple[str, ...], found: list[str]) -> None:
    rows = busy("alerts", "list", "--json", *options).json
    assert [row["national_ref"] for row in rows] == found


def test_an_alert_is_shown_whole_with_who_was_told(busy: Relay) -> None:
    shown = busy("alerts", "show", "message-1").json
    assert shown["receipt"]["state"] == "pending"
    assert shown["alert"]["title"] == "Un título que no se lista"
    assert shown["classification"] is None
    assert {row["id"] for row in shown["notifications"]} == {"failed", "pending"}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), {"failed", "pending"}),
        (("--state", "failed"), {"failed"}),
        (("--recipient", "cl-focal"), {"pending"}),
        (("--channel", "email"), set()),
        (("--alert", "message-1"), {"failed", "pending"}),
        (("--alert", "message-2"), set()),
    ],
)
def test_notifications_can_be_narrowed(busy: Relay, options: tuple[str, ...], found: set[str]) -> None:
    assert {row["id"] for row in busy("deliveries", "list", "--json", *options).json} == found


def test_a_failed_notification_is_sent_again_and_that_is_on_record(busy: Relay) -> None:
    assert busy("deliveries", "replay", "failed").status == 0
    rows = {row["id"]: row for row in busy("deliveries", "list", "--json").json}
    assert rows["failed"]["state"] == "pending"
    assert rows["failed"]["next_at"] is not None
    acts = run(busy, lambda connection: connection.execute(select(audit.c.act)).scalars().all())
    assert "notification.replayed" in acts


def test_what_is_still_on_its_way_is_not_sent_again(busy: Relay) -> None:
    ended = busy("deliveries", "replay", "pending", "failed")
    assert ended.status == 1
    assert "1 will be sent again" in ended.err
    assert "pending" in ended.err.splitlines()[-1]


def test_an_older_version_never_follows_a_newer_one(busy: Relay) -> None:
    run(busy, notify("newer", state="delivered", version=2))
    assert busy("deliveries", "replay", "failed").status == 1
    assert busy("deliveries", "replay", "newer").status == 0


def test_a_dead_letter_is_listed_and_replayed(installed: Relay) -> None:
    record = Record(topic=TOPIC, event_id="e", key="k", payload="{", position=1)
    fault = Invalid("unreadable", "alerts.v1")
    run(installed, lambda connection: dead_letters.keep(connection, record, fault, group="metrics", now=NOW))
    (letter,) = installed("dead-letters", "list", "--json").json
    assert (letter["group"], letter["reason"], letter["died_at"]) == (
        "metrics",
        "unreadable",
        "2026-11-21T12:00:00Z",
    )
    ended = installed("dead-letters", "replay", letter["id"], "unknown")
    assert (ended.status, "1 replayed" in ended.err) == (1, True)
    assert installed("dead-letters", "list", "--json").json[0]["replayed_at"] is not None
    assert run(
        installed, lambda connection: connection.execute(select(outbox.c.payload)).scalars().all()
    ) == ["{"]


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        ('{"message_id": "message-1"}', ("message-1", "observatory", "SAT-1", 1)),
        ('{"message_id": "message-9"}', ("message-9", None, None, None)),
        ('{"message_id": 7}', (None, None, None, None)),
        ("[" * 100_000, (None, None, None, None)),
        ("7", (None, None, None, None)),
    ],
)
def test_a_dead_letter_names_the_alert_that_it_is_about(
    installed: Relay, payload: str, told: tuple[object, ...]
) -> None:
    run(installed, accept(1))
    record = Record(topic=TOPIC, event_id="e", key="k", payload=payload, position=1)
    fault = Invalid("internal_error")
    run(installed, lambda connection: dead_letters.keep(connection, record, fault, group="notify", now=NOW))
    (letter,) = installed("dead-letters", "list", "--json").json
    assert (letter["message_id"], letter["sender_id"], letter["national_ref"], letter["version"]) == told
    assert str(told[2] or "-") in installed("dead-letters", "list").out


def test_an_urgency_is_told_in_its_word(busy: Relay) -> None:
    rows = busy_rows(busy)
    assert {row["urgency"] for row in rows} == {"high"}
    shown = busy("alerts", "show", "message-1").out
    assert '"urgency": 1' not in shown


@pytest.mark.parametrize("what", ["recipients", "alerts"])
def test_a_list_of_a_country_that_is_none_is_no_empty_list(installed: Relay, what: str) -> None:
    assert installed(what, "list", "--country", "uy").status == 2
    assert installed(what, "list", "--country", "UY").status == 0


def test_whoever_has_not_answered_is_listed_the_longest_due_first(installed: Relay) -> None:
    run(installed, accept(1))
    for name, recipient, hour in (
        ("late", "br-focal", 13),
        ("later", "cl-focal", 12),
        ("done", "pe-focal", 11),
    ):
        run(installed, notify(name, state="delivered", recipient=recipient))
        due = {"due_at": NOW.replace(hour=hour), "awaits_answer": name != "done"}
        run(installed, lambda at, name=name, due=due: at.execute(_of(name).values(**due)))
    run(installed, notify("unsent", state="pending", recipient="uy-focal"))
    run(installed, lambda at: at.execute(_of("unsent").values(awaits_answer=True)))
    for state, hour in (("acting", 1), ("seen", 2)):
        run(installed, answer("pe-focal", state, NOW.replace(hour=hour)))
    run(installed, answer("cl-focal", "seen", NOW))

    rows = busy_rows(installed, "--unacknowledged")
    assert [(row["id"], row["answer"]) for row in rows] == [("later", "seen"), ("late", None)]
    assert [row["id"] for row in busy_rows(installed, "--unacknowledged", "--limit", "1")] == ["later"]
    assert {row["id"]: row["answer"] for row in busy_rows(installed)}["done"] == "acting"
    shown = installed("alerts", "show", "message-1").json
    assert [(one["recipient_id"], one["state"]) for one in shown["answers"]] == [
        ("pe-focal", "acting"),
        ("pe-focal", "seen"),
        ("cl-focal", "seen"),
    ]


def busy_rows(relay: Relay, *options: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = relay("deliveries", "list", "--json", *options).json
    return rows


def answer(recipient: str, state: str, at: datetime) -> Callable[[Connection], Any]:
    row = {
        "id": f"{recipient}-{state}",
        "message_id": "message-1",
        "recipient_id": recipient,
        "state": state,
        "via": "link",
        "answered_at": at,
    }
    return lambda connection: connection.execute(insert(acknowledgements), row)


def _of(name: str) -> Any:
    return update(notifications).where(notifications.c.id == name)
