"""The calls that show what was taken for one event, and take it back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.storage.tables import audit, notifications
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

REF = minimal_alert_json()["national_ref"]
WHY = {"reason": "Two seizures, a week apart"}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (institution("uy-ndo"), institution("uy-police"), institution("co-fp"))
    async with full_rig(tmp_path, *people) as opened:
        yield opened


async def _secretariat(rig: FullRig) -> dict[str, str]:
    return await rig.key("oas-sec", scopes=["secretariat"])


async def _merged(rig: FullRig, ref: str = "P-1") -> tuple[str, str]:
    """Post an alert, and one of another institution that says it is the same event; return their ids."""
    first = await rig.post(minimal_alert_json(), await rig.key())
    return first, await _joining(rig, ref)


async def _joining(rig: FullRig, ref: str) -> str:
    rig.clock.move(timedelta(minutes=1))
    rumour = {"name": f"polvo {ref}", "confirmation": "unverified"}
    alert = minimal_alert_json(
        national_ref=ref,
        title=f"[EJERCICIO] {ref}",
        event_types=["collected_sample"],
        references=[{"ref": REF, "relation": "same_event_as"}],
        findings=[{"substances": [rumour]}],
    )
    return await rig.post(alert, await rig.key("uy-police"))


async def _listed(rig: FullRig, query: str = "") -> dict[str, Any]:
    answer = await rig.client.get(f"/v1/merges{query}", headers=await _secretariat(rig))
    assert answer.status_code == 200
    page: dict[str, Any] = answer.json()
    return page


async def _undo(rig: FullRig, merge_id: str, given: dict[str, Any] = WHY) -> httpx.Response:
    headers = await _secretariat(rig)
    answer = await rig.client.post(f"/v1/merges/{merge_id}/undo", json=given, headers=headers)
    await rig.work()
    return answer


async def _state_at_co(rig: FullRig, message_id: str) -> tuple[str, str | None]:
    query = select(notifications.c.state, notifications.c.reason).where(
        notifications.c.message_id == message_id, notifications.c.recipient_id == "co-fp"
    )
    row = await rig.ledger.read(lambda connection: connection.execute(query).one())
    return row.state, row.reason


async def test_a_merge_says_what_joined_what_and_from_how_many_it_was_kept_back(rig: FullRig) -> None:
    first, second = await _merged(rig)

    (item,) = (await _listed(rig))["items"]

    assert item.pop("since").startswith("2026-11-21T12:01")
    assert len(item.pop("id")) == 32
    assert item.pop("incident_id")
    assert item == {
        "level": "same_event",
        "reason": "reference.same_event_as",
        "relay_id": "SATA-UY-2026-000002",
        "message_id": second,
        "severity_assessed": item["severity_assessed"],
        "other_relay_id": "SATA-UY-2026-000001",
        "other_message_id": first,
        "kept_back": 1,
    }


async def test_what_was_kept_back_goes_out_when_the_merge_is_undone(rig: FullRig) -> None:
    _, second = await _merged(rig)
    assert await _state_at_co(rig, second) == ("withheld", "already_told")
    (item,) = (await _listed(rig))["items"]

    answer = await _undo(rig, item["id"])
    again = await _undo(rig, item["id"])

    assert (answer.status_code, again.status_code) == (200, 200)
    assert answer.json() == again.json()
    undone = answer.json()
    assert (undone["relay_id"], undone["other_relay_id"]) == (item["relay_id"], item["other_relay_id"])
    assert undone["incident_id"] != item["incident_id"]
    assert await _state_at_co(rig, second) == ("pending", None)
    assert await _listed(rig) == {"items": []}
    view = await rig.client.get(f"/v1/alerts/{second}", headers=await _secretariat(rig))
    assert view.json()["correlation"]["incident_id"] == undone["incident_id"]
    assert view.json()["correlation"]["level"] == "new"
    acts = await rig.ledger.read(lambda connection: connection.execute(select(audit)).all())
    ((actor, subject, detail),) = [
        (one.actor, one.subject, one.detail) for one in acts if one.act == "merge.undone"
    ]
    assert (actor, subject) == ("oas-sec", item["id"])
    assert WHY["reason"] in detail


async def test_only_the_secretariat_sees_and_undoes(rig: FullRig) -> None:
    await _merged(rig)
    (item,) = (await _listed(rig))["items"]
    headers = await rig.key("co-fp", country="CO", scopes=["send", "read", "amend"])

    listed = await rig.client.get("/v1/merges", headers=headers)
    undone = await rig.client.post(f"/v1/merges/{item['id']}/undo", json=WHY, headers=headers)

    assert (listed.status_code, undone.status_code) == (403, 403)
    assert len((await _listed(rig))["items"]) == 1


@pytest.mark.parametrize("merge_id", ["0" * 32, "no-such-merge", "%00"])
async def test_what_is_no_merge_is_not_there(rig: FullRig, merge_id: str) -> None:
    assert (await _undo(rig, merge_id)).status_code == 404


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({}, "/reason", "missing"),
        ({"reason": " "}, "/reason", "blank"),
        (WHY | {"everywhere": True}, "/everywhere", "unknown_field"),
    ],
)
async def test_a_merge_is_not_undone_without_a_reason(
    rig: FullRig, given: dict[str, Any], pointer: str, code: str
) -> None:
    await _merged(rig)
    (item,) = (await _listed(rig))["items"]

    answer = await _undo(rig, item["id"], given)

    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert len((await _listed(rig))["items"]) == 1


async def test_merges_come_in_pages_newest_first_and_are_narrowed(rig: FullRig) -> None:
    await _merged(rig, "P-1")
    await _joining(rig, "P-2")

    page = await _listed(rig, "?limit=1")
    rest = await _listed(rig, f"?limit=2&since={page['next']}")

    both = [one["relay_id"] for one in (*page["items"], *rest["items"])]
    assert both == ["SATA-UY-2026-000003", "SATA-UY-2026-000002"]
    assert "next" not in rest
    one = await _listed(rig, "?relay_id=SATA-UY-2026-000002&kept_back=true")
    assert [item["relay_id"] for item in one["items"]] == ["SATA-UY-2026-000002"]


async def test_a_wrong_query_is_refused_with_its_faults(rig: FullRig) -> None:
    get = partial(rig.client.get, headers=await _secretariat(rig))

    wrong = await get("/v1/merges?limit=0&since=x&kept_back=perhaps")

    assert wrong.status_code == 400
    assert {one["pointer"] for one in wrong.json()["errors"]} == {"/since", "/kept_back", "/limit"}


async def test_the_calls_are_described(rig: FullRig) -> None:
    paths = (await rig.client.get("/openapi.json")).json()["paths"]

    assert {one["name"] for one in paths["/v1/merges"]["get"]["parameters"]} == {
        "since",
        "kept_back",
        "relay_id",
        "limit",
    }
    body = paths["/v1/merges/{merge_id}/undo"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/MergeUndo"}
