"""The directory, dry runs and checks from the command line."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from services.errors import Invalid
from services.notify.channels.signing import secret_bytes
from services.notify.occasions import endpoint_id
from services.storage import dead_letters, endpoints
from services.storage.delivery_records import Health
from services.storage.records import Channel, ChannelKind, Record
from services.storage.sqlite_file import open_engine
from services.storage.tables import audit, notifications
from tests.builders import NOW, minimal_alert_json
from tests.command import DIRECTORY, Relay, accept, notification, run


def test_the_directory_is_imported_listed_and_shown(installed: Relay, directory: Path) -> None:
    assert installed("recipients", "import", str(directory), "--check").status == 0
    assert installed("recipients", "list", "--json").json == []
    assert installed("recipients", "import", str(directory)).status == 0
    listed = installed("recipients", "list")
    assert "br-focal" in listed.out
    assert "@" not in listed.out + installed("recipients", "list", "--json").out
    shown = installed("recipients", "show", "br-focal").json
    assert [channel["kind"] for channel in shown["channels"]] == ["webhook", "email"]
    assert [row["id"] for row in installed("recipients", "list", "--country", "UY", "--json").json] == [
        "uy-focal"
    ]


def test_a_directory_with_a_fault_changes_nothing(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    broken = DIRECTORY | {"institutions": [DIRECTORY["institutions"][0] | {"language": "de"}]}
    directory.write_text(json.dumps(broken))
    ended = installed("recipients", "import", str(directory))
    assert (ended.status, ended.out) == (1, "")
    assert "/institutions/0/language" in ended.err
    assert len(installed("recipients", "list", "--json").json) == 2


def test_who_is_no_longer_in_the_file_becomes_inactive(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    directory.write_text(json.dumps({"institutions": DIRECTORY["institutions"][:1]}))
    assert "1 end: uy-focal" in installed("recipients", "import", str(directory)).err
    assert [row["id"] for row in installed("recipients", "list", "--json").json] == ["br-focal"]
    every = {row["id"]: row["active"] for row in installed("recipients", "list", "--all", "--json").json}
    assert every == {"br-focal": True, "uy-focal": False}


def test_the_participation_of_a_state_can_be_changed(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    assert installed("recipients", "set-participation", "BR", "withdrawn").status == 0
    rows = {row["id"]: row for row in installed("recipients", "list", "--json").json}
    assert rows["br-focal"]["participation"] == "withdrawn"
    assert rows["uy-focal"]["active"]


def test_a_state_that_left_is_not_brought_back_by_an_import(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    installed("recipients", "set-participation", "BR", "withdrawn")
    again = installed("recipients", "import", str(directory))
    rows = {row["id"]: row["participation"] for row in installed("recipients", "list", "--json").json}
    assert rows == {"br-focal": "withdrawn", "uy-focal": "active"}
    assert "was withdrawn" not in again.err
    directory.write_text(json.dumps(DIRECTORY | {"participations": {"BR": "active"}}))
    stated = installed("recipients", "import", str(directory))
    assert "BR is active, was withdrawn" in stated.err


@pytest.mark.parametrize("code", ["XX", "br", "BRA"])
def test_only_a_state_that_the_relay_knows_takes_part(installed: Relay, code: str) -> None:
    ended = installed("recipients", "set-participation", code, "withdrawn")
    assert ended.status == 2
    assert "no state that the relay knows" in ended.err


def test_a_webhook_secret_is_for_who_has_a_webhook(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    made = installed("recipients", "webhook-secret", "br-focal")
    assert len(secret_bytes(made.out.strip())) == 32
    refused = installed("recipients", "webhook-secret", "uy-focal")
    assert (refused.status, refused.out) == (1, "")


@pytest.mark.parametrize("check", [True, False])
def test_an_import_says_who_will_be_told_nothing_and_who_ends(
    installed: Relay, directory: Path, *, check: bool
) -> None:
    installed("recipients", "import", str(directory))
    br, uy = DIRECTORY["institutions"]
    people = [
        br,
        uy | {"id": "uy-mute", "channels": []},
        uy | {"id": "ve-focal", "country": "VE"},
    ]
    directory.write_text(json.dumps({"institutions": people, "participations": {"BR": "withdrawn"}}))
    said = installed("recipients", "import", str(directory), *(["--check"] if check else [])).err
    for sentence in (
        "1 end: uy-focal",
        "nobody in the directory is told anything",
        "no channel, so told nothing: uy-mute",
        "VE is disputed, so told nothing: ve-focal",
        "BR is withdrawn, so told nothing: br-focal",
        "BR is withdrawn; the table of states has it as active",
        "webhooks wait for `relay recipients webhook-secret`: br-focal",
    ):
        assert sentence in said
    assert len(installed("recipients", "list", "--json").json) == (2 if check else 3)


def test_a_file_is_checked_before_there_is_a_ledger(relay: Relay) -> None:
    path = relay.folder / "directory.json"
    path.write_text(json.dumps(DIRECTORY))
    assert relay("recipients", "import", str(path), "--check").status == 0


@pytest.mark.parametrize("address", ["http://10.9.9.9/x", "http://hooks.example.org/x", "https://10.9.9.9/x"])
def test_a_webhook_to_which_nothing_would_be_sent_is_refused(
    installed: Relay, directory: Path, address: str
) -> None:
    one = DIRECTORY["institutions"][0] | {"channels": [{"kind": "webhook", "address": address}]}
    directory.write_text(json.dumps({"institutions": [one]}))
    ended = installed("recipients", "import", str(directory), "--check")
    assert ended.status == 1
    assert "/institutions/0/channels/0/address" in ended.err
    assert "10.9.9.9" not in ended.err
    installed.set(NOTIFY__ALLOW_NETWORKS="10.9.0.0/16")
    allowed = installed("recipients", "import", str(directory), "--check")
    assert allowed.status == (1 if "example" in address else 0)


def test_an_endpoint_that_was_disabled_is_listed_and_can_be_used_again(
    installed: Relay, directory: Path
) -> None:
    installed("recipients", "import", str(directory))
    address = Channel(kind=ChannelKind.WEBHOOK, address="https://hooks.example.org/relay")
    endpoint = endpoint_id("br-focal", address)
    gone = Health(id=endpoint, failures=1, failing_since=NOW, next_probe_at=None, disabled_reason="http_410")
    engine = open_engine(installed.ledger)
    with engine.begin() as connection:
        endpoints.keep_healths(connection, [gone], now=NOW)
    (row,) = installed("recipients", "endpoints", "--json").json
    assert (row["recipient_id"], row["state"], row["reason"]) == (
        "br-focal",
        "disabled",
        "http_410",
    )
    listed = installed("recipients", "endpoints").out
    assert endpoint in listed
    assert "hooks.example.org" not in listed
    assert installed("recipients", "enable-endpoint", endpoint).status == 0
    assert installed("recipients", "endpoints", "--json").json == []
    for unknown in (endpoint, "webhook:nobody"):
        refused = installed("recipients", "enable-endpoint", unknown)
        assert (refused.status, refused.out) == (2, "")
        assert unknown in refused.err.replace("\n", "")
    with engine.connect() as connection:
        acts = connection.execute(
            select(audit.c.actor, audit.c.subject).where(audit.c.act == "endpoint.enabled")
        )
        assert [tuple(one) for one in acts] == [("operator", endpoint)]
    engine.dispose()


def test_alerts_are_classified_in_their_order_and_faults_stand_in_their_place(relay: Relay) -> None:
    file = relay.folder / "alerts.jsonl"
    lines = [json.dumps(minimal_alert_json()), "{}", "", json.dumps(minimal_alert_json(title="Otra"))]
    file.write_text("\n".join(lines))
    ended = relay("classify", str(file))
    assert ended.status == 1
    told = ["classification", "explanation"]
    assert [list(line) for line in ended.lines] == [told, ["problem"], told]
    assert ended.lines[0]["classification"]["severity"]["level"] in ("critical", "high", "moderate", "info")
    assert ended.lines[1]["problem"]["status"] == 422
    file.write_text(lines[0])
    assert relay("classify", str(file)).status == 0
    assert relay("classify", str(relay.folder / "missing")).status == 1


def test_the_doctor_finds_what_is_wrong(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    installed("recipients", "webhook-secret", "br-focal")
    installed.set(EMAIL__PORT="1", EMAIL__TLS="none", **OUR_MAIL)
    ended = installed("doctor", "--json")
    passed = {row["check"]: row["passed"] for row in ended.json}
    assert ended.status == 1
    assert passed == {name: name != "mail server" for name in passed}


OUR_MAIL = {"EMAIL__SENDER": "relay@relay.int", "EMAIL__REPLY_TO": "sat@relay.int"}


def failing_checks(relay: Relay) -> dict[str, str]:
    return {row["check"]: row["detail"] for row in relay("doctor", "--json").json if not row["passed"]}


def test_the_doctor_says_who_is_told_nothing(installed: Relay, directory: Path) -> None:
    assert failing_checks(installed)["recipients"] == "nobody in the directory is told anything"
    installed("recipients", "import", str(directory))
    found = failing_checks(installed)
    assert "recipients" not in found
    assert "br-focal" in found["webhook secrets"]
    installed("recipients", "set-participation", "BR", "withdrawn")
    assert failing_checks(installed)["recipients"] == "BR is withdrawn, so told nothing: br-focal"


def test_the_doctor_says_what_could_not_be_delivered_or_handled(installed: Relay, directory: Path) -> None:
    installed("recipients", "import", str(directory))
    run(installed, accept(1))
    endpoint = endpoint_id("uy-focal", Channel(kind=ChannelKind.EMAIL, address="alertas.uy@example.org"))
    row = notification("n", state="failed", recipient_id="uy-focal", endpoint_id=endpoint, reason="smtp_550")
    run(installed, lambda connection: connection.execute(insert(notifications), row))
    record = Record(topic="alerts.v1", event_id="e", key="k", payload="{}", position=1)
    run(
        installed,
        lambda connection: dead_letters.keep(
            connection, record, Invalid("undecodable"), group="classify", now=NOW
        ),
    )
    found = failing_checks(installed)
    assert "uy-focal email refusing: smtp_550" in found["addresses"]
    assert found["dead letters"].startswith("1 ")
    (shown,) = installed("recipients", "endpoints", "--json").json
    assert (shown["recipient_id"], shown["state"], shown["reason"]) == ("uy-focal", "refusing", "smtp_550")
    later = notification("later", state="delivered", recipient_id="uy-focal", endpoint_id=endpoint) | {
        "settled_at": NOW + timedelta(hours=1)
    }
    run(installed, lambda connection: connection.execute(insert(notifications), later))
    assert installed("recipients", "endpoints", "--json").json == []


def test_the_doctor_says_so_where_there_is_no_ledger(relay: Relay) -> None:
    rows = {row["check"]: row["passed"] for row in relay("doctor", "--json").json}
    assert not rows["ledger"]
    assert not relay.ledger.exists()
    assert not list(relay.folder.iterdir())


def test_a_relay_that_does_not_answer_is_not_healthy(relay: Relay) -> None:
    relay.set(HTTP__PORT="1")
    ended = relay("healthcheck")
    assert ended.status == 1
    assert "http://127.0.0.1:1/readyz does not answer" in ended.err
    relay.set(HTTP__PORT="0")
    assert "RELAY_HTTP__PORT" in relay("healthcheck").err
