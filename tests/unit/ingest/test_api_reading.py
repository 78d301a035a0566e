"""Reading alerts by API: who sees what, states, lists."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from sqlalchemy import select

from schemas.vocabularies import Audience
from services.storage.records import Participation, RecipientKind
from services.storage.tables import audit
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

_HARM = {"attribution": "confirmed", "cases": 7, "age_bands": [{"from": 18, "to": 24, "cases": 3}]}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (
        institution("uy-ndo"),
        institution("co-fp"),
        institution("ca-lab", RecipientKind.NETWORK),
        institution("uy-police", RecipientKind.NETWORK, audiences=[Audience.LAW_ENFORCEMENT]),
        institution("es-obs", RecipientKind.OBSERVER, participation=Participation.OBSERVER),
        institution("ve-fp", participation=Participation.WITHDRAWN),
        institution("us-firm", RecipientKind.PRIVATE_SECTOR, audiences=[Audience.PRIVATE_SECTOR]),
        institution("us-sec", RecipientKind.SECRETARIAT),
    )
    async with full_rig(tmp_path, *people) as opened:
        yield opened


async def _reader(rig: FullRig, who: str) -> dict[str, str]:
    scopes = ["read", "secretariat"] if who == "us-sec" else ["read"]
    return await rig.key(who, country=who[:2].upper(), scopes=scopes)


async def test_the_sender_sees_the_fate_of_its_alert(rig: FullRig) -> None:
    headers = await rig.key()
    message_id = await rig.post(minimal_alert_json(harms=[_HARM]), headers)
    view = (await rig.client.get(f"/v1/alerts/{message_id}", headers=headers)).json()
    assert (view["state"], view["thread_state"], view["relay_id"]) == (
        "classified",
        "open",
        "SATA-UY-2026-000001",
    )
    assert view["classification"]["severity"]["level"]
    assert view["reach"]["recipients"] >= 1
    assert [one["id"] for one in view["history"]] == [message_id]
    assert view["alert"]["harms"][0]["age_bands"][0]["cases"] == 3


async def test_before_it_is_classified_only_its_sender_sees_it(rig: FullRig) -> None:
    headers = await rig.key()
    answer = await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    address = f"/v1/alerts/{answer.json()['id']}"
    own = await rig.client.get(address, headers=headers)
    other = await rig.client.get(address, headers=await _reader(rig, "co-fp"))
    assert (own.status_code, own.json()["state"]) == (200, "pending")
    assert other.status_code == 404


async def test_a_draft_is_its_senders_alone(rig: FullRig) -> None:
    headers = await rig.key()
    message_id = await rig.post(minimal_alert_json(status="draft"), headers)
    own = (await rig.client.get(f"/v1/alerts/{message_id}", headers=headers)).json()
    assert (own["state"], own["state_reason"]) == ("pending", "draft")
    for who in ("us-sec", "co-fp"):
        answer = await rig.client.get(f"/v1/alerts/{message_id}", headers=await _reader(rig, who))
        assert answer.status_code == 404
        page = await rig.client.get("/v1/alerts?state=pending", headers=await _reader(rig, who))
        assert page.json()["items"] == []


@pytest.mark.parametrize(
    ("tlp", "who", "sees"),
    [
        ("TLP:CLEAR", "es-obs", True),
        ("TLP:CLEAR", "ve-fp", False),
        ("TLP:GREEN", "es-obs", False),
        ("TLP:GREEN", "co-fp", True),
        ("TLP:GREEN", "ca-lab", True),
        ("TLP:GREEN", "uy-police", False),
        ("TLP:GREEN", "stranger", False),
        ("TLP:AMBER", "ca-lab", True),
        ("TLP:AMBER+STRICT", "ca-lab", False),
        ("TLP:AMBER+STRICT", "co-fp", True),
        ("TLP:RED", "co-fp", False),
        ("TLP:RED", "us-sec", True),
    ],
)
async def test_a_reader_sees_what_the_table_allows_alone_and_in_lists(
    rig: FullRig, tlp: str, who: str, sees: bool
) -> None:
    alert = minimal_alert_json(tlp=tlp, releasable_to=["health"])
    message_id = await rig.post(alert, await rig.key())
    headers = await _reader(rig, who)
    single = await rig.client.get(f"/v1/alerts/{message_id}", headers=headers)
    listed = (await rig.client.get("/v1/alerts", headers=headers)).json()["items"]
    assert single.status_code == (200 if sees else 404)
    assert [one["id"] for one in listed] == ([message_id] if sees else [])
    if sees and who != "us-sec":
        assert "reach" not in single.json()


async def test_small_cells_are_shown_to_nobody_else(rig: FullRig) -> None:
    message_id = await rig.post(minimal_alert_json(harms=[_HARM]), await rig.key())
    view = (await rig.client.get(f"/v1/alerts/{message_id}", headers=await _reader(rig, "co-fp"))).json()
    assert view["alert"]["harms"][0]["cases"] == 7
    assert view["alert"]["harms"][0]["age_bands"] == []


async def test_a_private_partner_sees_findings_and_no_counts_of_people(rig: FullRig) -> None:
    alert = minimal_alert_json(releasable_to=["private_sector", "health"], harms=[_HARM | {"deaths": 6}])
    message_id = await rig.post(alert, await rig.key())
    answer = await rig.client.get(f"/v1/alerts/{message_id}", headers=await _reader(rig, "us-firm"))
    view = answer.json()
    assert view["alert"]["findings"][0]["substances"][0]["name"] == "N-etilpentilona"
    assert view["alert"]["harms"] == []
    assert view["alert"]["summary"] == ""
    assert view["classification"]["severity"]["facts"] == {}


async def test_each_view_of_red_by_the_secretariat_is_audited(rig: FullRig) -> None:
    message_id = await rig.post(minimal_alert_json(tlp="TLP:RED"), await rig.key())
    await rig.client.get(f"/v1/alerts/{message_id}", headers=await _reader(rig, "us-sec"))
    query = select(audit.c.actor, audit.c.subject).where(audit.c.act == "alert.viewed")
    rows = await rig.ledger.read(lambda connection: connection.execute(query).all())
    assert [tuple(row) for row in rows] == [("us-sec", message_id)]


async def test_the_secretariat_needs_its_scope(rig: FullRig) -> None:
    message_id = await rig.post(minimal_alert_json(tlp="TLP:RED"), await rig.key())
    headers = await rig.key("us-sec", country="US", scopes=["read"])
    assert (await rig.client.get(f"/v1/alerts/{message_id}", headers=headers)).status_code == 404


async def test_a_key_that_only_sends_sees_its_own_alone(rig: FullRig) -> None:
    own = await rig.key(scopes=["send"])
    other = await rig.key("co-fp", country="CO", scopes=["send"])
    message_id = await rig.post(minimal_alert_json(), own)
    assert (await rig.client.get(f"/v1/alerts/{message_id}", headers=own)).status_code == 200
    assert (await rig.client.get(f"/v1/alerts/{message_id}", headers=other)).status_code == 404
    assert (await rig.client.get("/v1/alerts", headers=other)).json()["items"] == []


async def test_history_shows_a_reader_only_the_versions_that_it_may_see(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(minimal_alert_json(tlp="TLP:AMBER+STRICT"), headers)
    rig.clock.move(timedelta(hours=1))
    second = await rig.post(minimal_alert_json(version=2, message_type="correction"), headers)
    lab = await _reader(rig, "ca-lab")
    view = (await rig.client.get(f"/v1/alerts/{second}", headers=lab)).json()
    assert [one["id"] for one in view["history"]] == [second]
    assert (await rig.client.get(f"/v1/alerts/{first}", headers=lab)).status_code == 404
    full = (await rig.client.get(f"/v1/alerts/{second}", headers=await _reader(rig, "co-fp"))).json()
    assert [one["id"] for one in full["history"]] == [first, second]


async def test_related_alerts_that_a_reader_may_not_see_are_not_counted_either(rig: FullRig) -> None:
    hidden = minimal_alert_json(national_ref="A", tlp="TLP:AMBER+STRICT")
    await rig.post(hidden, await rig.key())
    rig.clock.move(timedelta(hours=1))
    cites = minimal_alert_json(
        national_ref="B", title="Otro", references=[{"ref": "A", "relation": "same_event_as"}]
    )
    message_id = await rig.post(cites, await rig.key())
    own = (await rig.client.get(f"/v1/alerts/{message_id}", headers=await _reader(rig, "co-fp"))).json()
    lab = (await rig.client.get(f"/v1/alerts/{message_id}", headers=await _reader(rig, "ca-lab"))).json()
    assert len(own["correlation"]["related"]) == 1
    assert lab["correlation"]["related"] == []
    assert (lab["correlation"]["level"], "incident_id" in lab["correlation"]) == ("new", False)


async def test_lists_are_read_page_by_page_and_narrowed(rig: FullRig) -> None:
    headers = await rig.key(countries=["UY", "AR"])
    for number in range(5):
        country = "AR" if number == 4 else "UY"
        alert = minimal_alert_json(
            national_ref=f"R-{number}", title=f"T {number}", location={"country": country}
        )
        await rig.post(alert, headers)
    seen: list[str] = []
    address = "/v1/alerts?limit=2"
    for _ in range(4):
        page = (await rig.client.get(address, headers=headers)).json()
        seen += [one["national_ref"] for one in page["items"]]
        if "next" not in page:
            break
        address = f"/v1/alerts?limit=2&since={page['next']}"
    assert seen == [f"R-{number}" for number in range(5)]
    only = (await rig.client.get("/v1/alerts?country=AR", headers=headers)).json()["items"]
    assert [one["national_ref"] for one in only] == ["R-4"]
    assert (await rig.client.get("/v1/alerts?category=OPI", headers=headers)).status_code in (200, 400)
    assert (await rig.client.get("/v1/alerts?severity=critical", headers=headers)).json()["items"] == []


async def test_what_is_pending_is_listed_for_its_sender_page_by_page(rig: FullRig) -> None:
    headers = await rig.key()
    for number in range(3):
        rig.clock.move(timedelta(seconds=1))
        await rig.client.post(
            "/v1/alerts", json=minimal_alert_json(national_ref=f"R-{number}"), headers=headers
        )
    first = (await rig.client.get("/v1/alerts?state=pending&limit=2", headers=headers)).json()
    address = f"/v1/alerts?state=pending&limit=2&since={first['next']}"
    second = (await rig.client.get(address, headers=headers)).json()
    refs = [one["national_ref"] for one in (*first["items"], *second["items"])]
    assert refs == ["R-0", "R-1", "R-2"]
    other = await rig.client.get("/v1/alerts?state=pending", headers=await _reader(rig, "co-fp"))
    assert other.json()["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "since=abc",
        "state=new",
        "country=uy",
        "severity=bad",
        "category=zz",
        "what=1",
        "state=pending&since=12",
        "state=held&since=MjAyNg==",
    ],
)
async def test_a_wrong_parameter_is_named(rig: FullRig, query: str) -> None:
    answer = await rig.client.get(f"/v1/alerts?{query}", headers=await rig.key())
    assert (answer.status_code, answer.json()["type"]) == (400, "/docs/problems#bad-query")
    assert re.fullmatch(r"/\w+", answer.json()["errors"][0]["pointer"])


@pytest.mark.parametrize("message_id", ["x", "0" * 36, "%00" * 12, "..%2f" * 12])
async def test_an_unknown_id_is_not_found(rig: FullRig, message_id: str) -> None:
    answer = await rig.client.get(f"/v1/alerts/{message_id}", headers=await rig.key())
    assert answer.status_code == 404


async def test_a_dry_run_classifies_and_keeps_nothing(rig: FullRig) -> None:
    answer = await rig.client.post("/v1/classify", json=minimal_alert_json(), headers=await rig.key())
    assert answer.status_code == 200
    assert {one["code"] for one in answer.json()["categories"]} >= {"NPS"}
    assert await rig.stored() == (0, 0)
    refused = await rig.client.post("/v1/classify", json={}, headers=await rig.key())
    assert refused.status_code == 422


async def test_the_openapi_document_of_every_call_is_valid(rig: FullRig) -> None:
    document = (await rig.client.get("/openapi.json")).json()
    validate(document)
    assert {"/v1/alerts", "/v1/alerts:batch", "/v1/notifications", "/v1/classify"} <= document["paths"].keys()
    assert {"Alert", "Batch", "Acknowledgement", "AlertView"} <= document["components"]["schemas"].keys()


async def _answer(rig: FullRig, who: str, **body: str) -> None:
    headers = await rig.key(who, country=who[:2].upper(), scopes=["read", "acknowledge"])
    told = (await rig.client.get("/v1/notifications", headers=headers)).json()["items"][0]
    address = f"/v1/notifications/{told['id']}/acknowledgement"
    assert (await rig.client.post(address, json=body, headers=headers)).status_code == 200


async def test_only_the_sender_and_the_secretariat_read_who_answered_what(rig: FullRig) -> None:
    sender = await rig.key()
    message_id = await rig.post(minimal_alert_json(), sender)
    await _answer(rig, "co-fp", state="acknowledged")
    rig.clock.move(timedelta(minutes=1))
    await _answer(rig, "co-fp", state="action_taken", note="Aviso a hospitales.", action_on="2026-11-21")
    rig.clock.move(timedelta(minutes=1))
    await _answer(rig, "ca-lab", state="not_relevant")
    for headers in (sender, await _reader(rig, "us-sec")):
        view = (await rig.client.get(f"/v1/alerts/{message_id}", headers=headers)).json()
        first, second = view["answers"]
        assert first["organisation"] == "Institution co-fp"
        assert (first["recipient_id"], first["country"], first["state"]) == ("co-fp", "CO", "action_taken")
        assert (first["note"], first["action_on"], first["via"]) == (
            "Aviso a hospitales.",
            "2026-11-21",
            "api",
        )
        assert (second["recipient_id"], second["state"]) == ("ca-lab", "not_relevant")
        assert view["reach"]["acknowledged"] == 2
    for who in ("co-fp", "ca-lab"):
        view = (await rig.client.get(f"/v1/alerts/{message_id}", headers=await _reader(rig, who))).json()
        assert "answers" not in view
        assert "Aviso a hospitales" not in str(view)
