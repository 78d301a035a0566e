"""The calls of the human queue, and who hears of an answer."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.storage.tables import audit, notifications
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

ISOTONITAZENE = "OIOQREYBGDAYGT-UHFFFAOYSA-N"
PARACETAMOL = "RZVAJINKPMORJF-UHFFFAOYSA-N"
SUBSTANCE = {"name": "polvo azul", "confirmation": "confirmed"}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    async with full_rig(tmp_path, institution("uy-ndo"), institution("co-fp")) as opened:
        yield opened


async def _secretariat(rig: FullRig) -> dict[str, str]:
    return await rig.key("oas-sec", scopes=["secretariat"])


async def _unknown(rig: FullRig, **overrides: Any) -> str:
    alert = minimal_alert_json(event_types=["first_detection"], findings=[{"substances": [SUBSTANCE]}])
    return await rig.post(alert | overrides, await rig.key())


async def _resolve(rig: FullRig, message_id: str, **given: Any) -> httpx.Response:
    body = {"finding": 0, "substance": 0, "reason": "Read again by the laboratory"} | given
    answer = await rig.client.post(
        f"/v1/reviews/{message_id}/resolution", json=body, headers=await _secretariat(rig)
    )
    await rig.work()
    return answer


async def _told(rig: FullRig) -> list[tuple[str, str]]:
    query = select(notifications.c.recipient_id, notifications.c.occasion).order_by(notifications.c.cursor)
    rows = await rig.ledger.read(lambda connection: connection.execute(query).all())
    return [(row.recipient_id, row.occasion) for row in rows]


async def test_the_queue_says_what_is_asked(rig: FullRig) -> None:
    message_id = await _unknown(rig)

    answer = await rig.client.get("/v1/reviews", headers=await _secretariat(rig))

    assert answer.status_code == 200
    (item,) = answer.json()["items"]
    assert item.pop("since").startswith("2026-11-21T12:00")
    assert item == {
        "message_id": message_id,
        "relay_id": "SATA-UY-2026-000001",
        "finding": 0,
        "substance": 0,
        "name": "polvo azul",
        "outcome": "unknown",
        "candidates": [],
        "reason": "not_in_catalogue",
        "urgency": "moderate",
    }
    assert "next" not in answer.json()


async def test_the_queue_comes_in_pages(rig: FullRig) -> None:
    first, second = await _unknown(rig), await _unknown(rig, national_ref="B")
    get = partial(rig.client.get, headers=await _secretariat(rig))

    page = (await get("/v1/reviews?limit=1")).json()
    rest = (await get(f"/v1/reviews?limit=2&since={page['next']}")).json()

    both = dict.fromkeys(one["message_id"] for one in (*page["items"], *rest["items"]))
    assert list(both) == [first, second]
    wrong = await get("/v1/reviews?limit=0&since=x")
    assert wrong.status_code == 400
    assert [one["pointer"] for one in wrong.json()["errors"]] == ["/since", "/limit"]


async def test_only_the_secretariat_reviews(rig: FullRig) -> None:
    message_id = await _unknown(rig)
    headers = await rig.key("co-fp", country="CO", scopes=["send", "read"])

    listed = await rig.client.get("/v1/reviews", headers=headers)
    resolved = await rig.client.post(f"/v1/reviews/{message_id}/resolution", json={}, headers=headers)

    assert (listed.status_code, resolved.status_code) == (403, 403)


async def test_a_rise_is_told_once_as_reassessed(rig: FullRig) -> None:
    message_id = await _unknown(rig)

    answer = await _resolve(rig, message_id, inchikey=ISOTONITAZENE)
    again = await _resolve(rig, message_id, inchikey=ISOTONITAZENE)

    assert (answer.status_code, again.status_code) == (200, 200)
    assert answer.json() == again.json()
    kept = answer.json()
    assert (kept["outcome"], kept["revision"]) == (ISOTONITAZENE, 1)
    severity = kept["classification"]["severity"]
    assert (severity["before"], severity["level"]) == ("moderate", "high")
    assert await _told(rig) == [("co-fp", "issue"), ("co-fp", "reassessed 1")]


async def test_what_does_not_rise_is_told_nobody(rig: FullRig) -> None:
    message_id = await _unknown(rig)

    answer = await _resolve(rig, message_id, inchikey=PARACETAMOL)
    await _resolve(rig, message_id, not_a_substance=True)

    assert answer.json()["classification"]["substances"][0]["preferred_name"] == "Paracetamol"
    assert await _told(rig) == [("co-fp", "issue")]


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"inchikey": "AAAAAAAAAAAAAA-AAAAAAAAAA-A"}, "/inchikey", "unknown_substance"),
        ({}, "/inchikey", "one_of"),
        ({"inchikey": PARACETAMOL, "not_a_substance": True}, "/inchikey", "one_of"),
        ({"inchikey": PARACETAMOL, "substance": 7}, "/substance", "no_such_substance"),
        ({"inchikey": PARACETAMOL, "reason": " "}, "/reason", "blank"),
        ({"inchikey": PARACETAMOL, "cause": "x"}, "/cause", "unknown_field"),
    ],
)
async def test_a_wrong_resolution_is_refused_and_changes_nothing(
    rig: FullRig, given: dict[str, Any], pointer: str, code: str
) -> None:
    message_id = await _unknown(rig)

    answer = await _resolve(rig, message_id, **given)

    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    queue = await rig.client.get("/v1/reviews", headers=await _secretariat(rig))
    assert len(queue.json()["items"]) == 1


async def test_what_is_not_there_or_no_longer_stands_is_refused(rig: FullRig) -> None:
    message_id = await _unknown(rig)
    await rig.post(minimal_alert_json(message_type="correction", version=2), await rig.key())

    assert (await _resolve(rig, message_id, not_a_substance=True)).status_code == 409
    assert (await _resolve(rig, "no-such-message", not_a_substance=True)).status_code == 404


async def test_looking_at_what_is_red_leaves_evidence(rig: FullRig) -> None:
    await _unknown(rig, tlp="TLP:RED")

    answer = await rig.client.get("/v1/reviews", headers=await _secretariat(rig))

    assert [one["reason"] for one in answer.json()["items"]] == [
        "not_in_catalogue",
        "red_without_named_recipients",
    ]
    acts = await rig.ledger.read(
        lambda connection: connection.execute(select(audit.c.act, audit.c.actor)).all()
    )
    assert ("alert.viewed", "oas-sec") in [tuple(one) for one in acts]
