"""How far an answer of the human queue reaches: the thread's next versions, all of one name, the alert as a whole."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.storage.tables import audit, notifications
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

ISOTONITAZENE = "OIOQREYBGDAYGT-UHFFFAOYSA-N"
PROTONITAZENE_CAS = "95958-84-2"
NAMED = {"name": "polvo azul", "confirmation": "confirmed"}
CAFFEINE = {"name": "cafeína", "role": "by_product", "confirmation": "confirmed"}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    async with full_rig(tmp_path, institution("uy-ndo"), institution("co-fp")) as opened:
        yield opened


async def _send(rig: FullRig, *substances: dict[str, Any], **overrides: Any) -> str:
    alert = minimal_alert_json(event_types=["first_detection"], findings=[{"substances": list(substances)}])
    return await rig.post(alert | overrides, await rig.key())


async def _say(rig: FullRig, message_id: str, call: str, **given: Any) -> httpx.Response:
    headers = await rig.key("oas-sec", scopes=["secretariat"])
    body = {"reason": "Read again by the laboratory"} | given
    answer = await rig.client.post(f"/v1/reviews/{message_id}/{call}", json=body, headers=headers)
    await rig.work()
    return answer


async def _resolve(rig: FullRig, message_id: str, **given: Any) -> httpx.Response:
    place = {"finding": 0, "substance": 0, "inchikey": ISOTONITAZENE}
    return await _say(rig, message_id, "resolution", **place | given)


async def _queue(rig: FullRig) -> list[dict[str, Any]]:
    headers = await rig.key("oas-sec", scopes=["secretariat"])
    items: list[dict[str, Any]] = (await rig.client.get("/v1/reviews", headers=headers)).json()["items"]
    return items


async def _names(rig: FullRig, message_id: str) -> list[str | None]:
    answer = await rig.client.get(f"/v1/alerts/{message_id}", headers=await rig.key())
    return [one.get("preferred_name") for one in answer.json()["classification"]["substances"]]


async def _told(rig: FullRig) -> list[str]:
    query = select(notifications.c.occasion).order_by(notifications.c.cursor)
    return list(await rig.ledger.read(lambda connection: connection.execute(query).scalars().all()))


async def test_the_next_version_keeps_what_was_said_wherever_the_name_stands_in_it(rig: FullRig) -> None:
    first = await _send(rig, NAMED)
    await _resolve(rig, first)
    other = {"name": "cocaína", "confirmation": "confirmed"}

    second = await _send(
        rig,
        other,
        NAMED | {"name": " Polvo  AZUL"},
        version=2,
        message_type="update",
        update_reason="new_findings",
    )

    assert await _names(rig, second) == ["Cocaine", "isotonitazene"]
    assert await _queue(rig) == []


async def test_a_version_by_another_reference_keeps_it_too(rig: FullRig) -> None:
    first = await _send(rig, NAMED)
    await _resolve(rig, first)

    second = await _send(
        rig,
        NAMED,
        national_ref="B",
        message_type="correction",
        references=[{"ref": minimal_alert_json()["national_ref"], "relation": "corrects"}],
    )

    assert await _names(rig, second) == ["isotonitazene"]


async def test_an_identifier_that_the_person_did_not_see_asks_again(rig: FullRig) -> None:
    await _resolve(rig, await _send(rig, NAMED))

    second = await _send(rig, NAMED | {"cas": PROTONITAZENE_CAS}, version=2, message_type="correction")

    assert await _names(rig, second) == ["protonitazene"]


async def test_the_last_word_holds_and_can_be_taken_back_in_a_later_version(rig: FullRig) -> None:
    await _resolve(rig, await _send(rig, NAMED))
    second = await _send(rig, NAMED, version=2, message_type="correction")

    await _resolve(rig, second, inchikey=None, not_a_substance=True)
    third = await _send(rig, NAMED, version=3, message_type="correction")

    assert await _names(rig, third) == [None]
    assert await _queue(rig) == []


async def test_another_thread_is_asked_of_again_unless_it_is_said_everywhere(rig: FullRig) -> None:
    first = await _send(rig, NAMED)
    second = await _send(rig, NAMED, national_ref="B")
    third = await _send(rig, NAMED | {"cas": PROTONITAZENE_CAS}, national_ref="C")
    await _resolve(rig, first)
    assert [one["message_id"] for one in await _queue(rig) if "name" in one] == [second]

    answer = await _resolve(rig, first, everywhere=True)

    assert answer.json()["also"] == [second]
    assert await _names(rig, second) == ["isotonitazene"]
    assert await _names(rig, third) == ["protonitazene"]
    assert [one for one in await _queue(rig) if "name" in one] == []


async def test_what_concerns_the_whole_alert_is_ticked_off_with_a_reason(rig: FullRig) -> None:
    message_id = await _send(rig, CAFFEINE, tlp="TLP:RED")
    (item,) = [one for one in await _queue(rig) if one["reason"] == "red_without_named_recipients"]
    assert "finding" not in item
    told = await _told(rig)

    answer = await _say(rig, message_id, "done", review="red_without_named_recipients")
    again = await _say(rig, message_id, "done", review="red_without_named_recipients")

    assert (answer.status_code, again.status_code) == (200, 200)
    assert answer.json() == again.json()
    assert "red_without_named_recipients" not in answer.json()["classification"]["review"]
    assert [one for one in await _queue(rig) if one["reason"] == item["reason"]] == []
    assert await _told(rig) == told
    query = select(audit.c.actor, audit.c.act, audit.c.detail).where(audit.c.act == "review.dealt_with")
    ((actor, _, detail),) = await rig.ledger.read(lambda connection: connection.execute(query).all())
    assert actor == "oas-sec"
    assert "Read again by the laboratory" in detail


async def test_it_stays_ticked_off_when_a_substance_is_named_later(rig: FullRig) -> None:
    message_id = await _send(rig, NAMED, tlp="TLP:RED")
    await _say(rig, message_id, "done", review="red_without_named_recipients")

    await _resolve(rig, message_id)

    assert await _queue(rig) == []


@pytest.mark.parametrize(
    ("review", "code"), [("unidentified", "of_a_substance"), ("mixture", "no_such_review")]
)
async def test_what_is_asked_of_a_substance_or_not_at_all_is_not_ticked_off(
    rig: FullRig, review: str, code: str
) -> None:
    message_id = await _send(rig, NAMED)

    answer = await _say(rig, message_id, "done", review=review)

    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("/review", code)]
    assert len(await _queue(rig)) == 1
