"""Who may change an alert is told when the change is posted, as far as the alert is known and visible by then."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

REF = minimal_alert_json()["national_ref"]
AMENDING = ("send", "amend", "read")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (institution("uy-ndo"), institution("uy-police"), institution("ar-ndo"))
    async with full_rig(tmp_path, *people) as opened:
        yield opened


def amendment(kind: str = "retraction", *, of: str = REF, **overrides: Any) -> dict[str, Any]:
    relation = {
        "update": "update_of",
        "correction": "corrects",
        "retraction": "retracts",
        "closure": "closes",
        "dispute": "disputes",
    }[kind]
    stated = {"message_type": kind, "national_ref": "P-1", "references": [{"ref": of, "relation": relation}]}
    if kind == "update":
        stated["update_reason"] = "new_findings"
    return minimal_alert_json(**stated | overrides)


async def _posted(rig: FullRig, alert: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    return await rig.client.post("/v1/alerts", json=alert, headers=headers)


async def _of_police(rig: FullRig, *scopes: str) -> dict[str, str]:
    return await rig.key("uy-police", scopes=scopes or ("send", "read"))


async def _of_argentina(rig: FullRig) -> dict[str, str]:
    return await rig.key("ar-ndo", country="AR", scopes=AMENDING)


@pytest.mark.parametrize("kind", ["update", "correction", "retraction", "closure"])
async def test_changing_anothers_alert_needs_the_scope(rig: FullRig, kind: str) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    before = await rig.stored()

    refused = await _posted(rig, amendment(kind), await _of_police(rig))

    assert (refused.status_code, refused.json()["type"]) == (403, "/docs/problems#scope")
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/references/0/ref", "not_allowed")
    assert await rig.stored() == before
    allowed = await _posted(rig, amendment(kind), await _of_police(rig, *AMENDING))
    assert allowed.status_code == 202


async def test_another_state_never_may_but_for_a_dispute(rig: FullRig) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    there = {"location": {"country": "AR"}}

    refused = await _posted(rig, amendment(of=f"UY:{REF}", **there), await _of_argentina(rig))
    disputed = await _posted(rig, amendment("dispute", of=f"UY:{REF}", **there), await _of_argentina(rig))

    assert (refused.status_code, refused.json()["type"]) == (403, "/docs/problems#country")
    assert disputed.status_code == 202


async def test_a_later_version_of_a_dispute_gets_no_hold_of_the_thread_either(rig: FullRig) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    headers = await _of_argentina(rig)
    there = {"location": {"country": "AR"}}
    await rig.post(amendment("dispute", of=f"UY:{REF}", **there), headers)

    later = minimal_alert_json(national_ref="P-1", version=2, message_type="correction", **there)
    refused = await _posted(rig, later, headers)

    assert refused.status_code == 403
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/national_ref"]


async def test_what_the_sender_may_not_see_counts_as_unknown(rig: FullRig) -> None:
    await rig.post(minimal_alert_json(releasable_to=[]), await rig.key())

    answer = await _posted(rig, amendment(), await _of_police(rig))

    assert answer.status_code == 202


async def test_what_becomes_known_later_is_dead_and_keeps_its_receipt(rig: FullRig) -> None:
    headers = await _of_police(rig)
    first = await _posted(rig, amendment(), headers)
    await rig.work()
    assert first.status_code == 202
    await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=await rig.key())
    await rig.work()

    again = await _posted(rig, amendment(), headers)
    shown = await rig.client.get(f"/v1/alerts/{first.json()['id']}", headers=headers)

    assert (again.status_code, again.json()) == (200, first.json())
    assert shown.json()["state"] == "dead"


async def test_each_alert_of_a_batch_is_answered_by_itself(rig: FullRig) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    batch = {"alerts": [amendment(), minimal_alert_json(national_ref="P-2")]}

    answer = await rig.client.post("/v1/alerts:batch", json=batch, headers=await _of_police(rig))

    assert [one["status"] for one in answer.json()["results"]] == [403, 202]
