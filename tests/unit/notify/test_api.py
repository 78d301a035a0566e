"""The calls of recipients."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.storage.records import RecipientKind
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (
        institution("uy-ndo"),
        institution("co-fp"),
        institution("ca-fp"),
        institution("pe-lab", RecipientKind.NETWORK, active=False),
    )
    async with full_rig(tmp_path, *people) as opened:
        yield opened


async def _reader(rig: FullRig, who: str = "co-fp") -> dict[str, str]:
    return await rig.key(who, country=who[:2].upper(), scopes=["read", "acknowledge"])


async def _feed(rig: FullRig, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    answer = await rig.client.get(f"/v1/notifications{query}", headers=headers)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_a_recipient_catches_up_from_its_cursor(rig: FullRig) -> None:
    sender, reader = await rig.key(), await _reader(rig)
    first = await rig.post(minimal_alert_json(national_ref="A"), sender)
    page = await _feed(rig, reader)
    assert [one["message_id"] for one in page["items"]] == [first]
    assert page["items"][0]["content"] == "full"
    assert page["items"][0]["alert"]["national_ref"] == "A"
    second = await rig.post(minimal_alert_json(national_ref="B", title="Otro"), sender)
    following = await _feed(rig, reader, f"?since={page['next']}")
    assert [one["message_id"] for one in following["items"]] == [second]
    empty = await _feed(rig, reader, f"?since={following['next']}")
    assert (empty["items"], empty["next"]) == ([], following["next"])


async def test_red_is_a_notice_by_api_even_for_who_is_named(rig: FullRig) -> None:
    alert = minimal_alert_json(tlp="TLP:RED", named_recipients=["co-fp"])
    await rig.post(alert, await rig.key())
    page = await _feed(rig, await _reader(rig))
    assert [one["content"] for one in page["items"]] == ["notice"]
    assert page["items"][0]["page"].startswith("http://relay.example.org/n/N-")
    text = str(page)
    for secret in ("etilpentilona", "SATA-UY", "SAT-UY", "Observatorio"):
        assert secret not in text
    assert (await _feed(rig, await _reader(rig, "ca-fp")))["items"] == []


async def test_an_answer_by_api_is_kept_and_shown(rig: FullRig) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    headers = await _reader(rig)
    told = (await _feed(rig, headers))["items"][0]
    address = f"/v1/notifications/{told['id']}/acknowledgement"
    answer = await rig.client.post(
        address, json={"state": "acting", "note": "Avisado", "action_on": "2026-11-21"}, headers=headers
    )
    assert (answer.status_code, answer.json()["state"]) == (200, "acting")
    assert await rig.answers() == [("co-fp", "acting", "api")]
    again = (await _feed(rig, headers))["items"][0]
    assert (again["acknowledged"], again["state"]) == ("acting", "withheld")


async def test_nobody_answers_for_another_institution(rig: FullRig) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    told = (await _feed(rig, await _reader(rig)))["items"][0]
    address = f"/v1/notifications/{told['id']}/acknowledgement"
    other = await rig.client.post(address, json={"state": "seen"}, headers=await _reader(rig, "ca-fp"))
    sender = await rig.client.post(address, json={"state": "seen"}, headers=await rig.key())
    assert (other.status_code, sender.status_code) == (404, 403)
    assert await rig.answers() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"state": "done"}', 422),
        (b'{"state": "seen", "note": "a\\u0000b"}', 422),
        (b'{"state": "seen", "note": "\\ud800"}', 400),
        (b'{"state": "seen", "action_on": "soon"}', 422),
        (b'{"state": "action_taken", "action_on": "2026-11-23"}', 422),
        (b'{"state": "action_taken", "action_on": "2026-11-21T13:00:00-03:00"}', 422),
        (b'{"state": "seen", "who": "me"}', 422),
        (b'{"state": "seen", "note": "' + b"x" * 20_000 + b'"}', 413),
    ],
)
async def test_a_wrong_answer_is_refused_and_changes_nothing(rig: FullRig, body: bytes, status: int) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    headers = await _reader(rig) | {"Content-Type": "application/json"}
    told = (await _feed(rig, headers))["items"][0]
    answer = await rig.client.post(
        f"/v1/notifications/{told['id']}/acknowledgement", content=body, headers=headers
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert await rig.answers() == []


@pytest.mark.parametrize("query", ["since=x", "since=-1", "limit=0", "limit=999"])
async def test_a_wrong_parameter_of_the_feed_is_named(rig: FullRig, query: str) -> None:
    answer = await rig.client.get(f"/v1/notifications?{query}", headers=await _reader(rig))
    assert (answer.status_code, answer.json()["type"]) == (400, "/docs/problems#bad-query")


async def test_the_list_of_recipients_has_institutions_and_no_addresses(rig: FullRig) -> None:
    answer = await rig.client.get("/v1/recipients", headers=await rig.key())
    items = answer.json()["items"]
    assert [one["id"] for one in items] == ["ca-fp", "co-fp", "uy-ndo"]
    assert items[0].keys() == {"id", "country", "organisation", "kind"}
    assert "@" not in answer.text


async def test_an_action_is_dated_as_exactly_as_it_is_known(rig: FullRig) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    headers = await _reader(rig)
    told = (await _feed(rig, headers))["items"][0]
    address = f"/v1/notifications/{told['id']}/acknowledgement"
    for when in ("2026", "2026-11", "2026-11-21", "2026-11-21T08:30:00.123456-03:00"):
        body = {"state": "action_taken", "action_on": when}
        assert (await rig.client.post(address, json=body, headers=headers)).status_code == 200
