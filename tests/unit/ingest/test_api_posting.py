"""Every answer that posting an alert can get, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.errors import Transient
from services.storage.records import Channel, ChannelKind, Recipient, RecipientKind
from tests.builders import minimal_alert_json
from tests.http_rig import Rig, posting_rig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with posting_rig(tmp_path) as opened:
        yield opened


def _codes(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    return [(one["pointer"], one["code"]) for one in body["errors"]]


async def test_a_new_alert_is_kept_and_answered_with_its_receipt(rig: Rig) -> None:
    answer = await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=await rig.key())
    receipt = answer.json()
    assert answer.status_code == 202
    assert receipt.keys() == {"id", "national_ref", "version", "received_at", "content_sha256", "status_url"}
    assert receipt["status_url"] == f"http://relay.example.org/v1/alerts/{receipt['id']}"
    assert answer.headers["location"] == f"/v1/alerts/{receipt['id']}"
    assert await rig.stored() == (1, 1)


async def test_an_exact_copy_gets_the_first_receipt_again(rig: Rig) -> None:
    headers = await rig.key()
    first = await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    rig.clock.move(timedelta(minutes=3))
    spelt_out = minimal_alert_json(version=1, message_type="alert", presence=None)
    del spelt_out["presence"]
    again = await rig.client.post("/v1/alerts", json=spelt_out, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    assert await rig.stored() == (1, 1)


async def test_another_content_under_the_same_reference_and_version_is_a_conflict(rig: Rig) -> None:
    headers = await rig.key()
    await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    answer = await rig.client.post("/v1/alerts", json=minimal_alert_json(title="Otro"), headers=headers)
    assert answer.status_code == 409
    assert _codes(answer) == [("/version", "reference_taken")]
    assert await rig.stored() == (1, 1)


async def test_a_draft_is_replaced_and_never_published(rig: Rig) -> None:
    headers = await rig.key()
    draft = minimal_alert_json(status="draft")
    first = await rig.client.post("/v1/alerts", json=draft, headers=headers)
    second = await rig.client.post("/v1/alerts", json=draft | {"title": "Otro"}, headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert await rig.stored() == (1, 0)


@pytest.mark.parametrize(
    "header",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}],
)
async def test_without_a_valid_key_nothing_is_read(rig: Rig, header: dict[str, str]) -> None:
    answer = await rig.client.post("/v1/alerts", content=b"{", headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_without_the_scope_is_refused(rig: Rig) -> None:
    headers = await rig.key(scopes=["read"])
    answer = await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/docs/problems#scope")


async def test_a_country_that_the_key_may_not_report_for_is_refused(rig: Rig) -> None:
    alert = minimal_alert_json(location={"country": "AR"})
    answer = await rig.client.post("/v1/alerts", json=alert, headers=await rig.key())
    assert answer.status_code == 403
    assert _codes(answer) == [("/location/country", "country_not_allowed")]


async def test_a_sender_that_is_not_the_keys_is_refused(rig: Rig) -> None:
    alert = minimal_alert_json(sender={"country": "UY", "organisation": "Otra"})
    answer = await rig.client.post("/v1/alerts", json=alert, headers=await rig.key())
    assert answer.status_code == 422
    assert _codes(answer) == [("/sender/organisation", "sender_mismatch")]


async def test_every_fault_has_its_pointer(rig: Rig) -> None:
    alert = minimal_alert_json(tlp="TLP:WHITE", language="xx")
    answer = await rig.client.post("/v1/alerts", json=alert, headers=await rig.key())
    assert answer.status_code == 422
    assert {pointer for pointer, _ in _codes(answer)} == {"/tlp", "/language"}
    assert "WHITE" not in answer.text


async def test_a_body_that_is_not_json_is_a_bad_request(rig: Rig) -> None:
    headers = await rig.key() | {"Content-Type": "application/json"}
    answer = await rig.client.post("/v1/alerts", content=b"{", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/docs/problems#not-json")


async def test_a_body_that_is_too_deep_is_not_said_to_be_no_json(rig: Rig) -> None:
    headers = await rig.key() | {"Content-Type": "application/json"}
    deep = b'{"x_a": ' + b"[" * 40 + b"]" * 40 + b"}"
    answer = await rig.client.post("/v1/alerts", content=deep, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/docs/problems#too-deep")
    assert "not JSON" not in answer.text


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_another_media_type_is_refused(rig: Rig, kind: str) -> None:
    headers = await rig.key() | {"Content-Type": kind}
    answer = await rig.client.post("/v1/alerts", content=b"{}", headers=headers)
    assert answer.status_code == 415


async def test_a_compressed_body_is_refused_unread(rig: Rig) -> None:
    headers = await rig.key() | {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await rig.client.post("/v1/alerts", content=b"\x1f\x8b", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/docs/problems#content-encoding")


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_the_limit_is_refused_and_not_read_for_ever(rig: Rig, declared: bool) -> None:
    headers = await rig.key() | {"Content-Type": "application/json"}
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(4096):
            read += 1
            yield b" " * 65536

    content: Any = b" " * (4 << 20) if declared else chunks()
    answer = await rig.client.post("/v1/alerts", content=content, headers=headers)
    assert answer.status_code == 413
    assert read <= 16 + 512 + 2  # the limit, and 32 MiB read away so that the sender gets to see the answer


async def test_the_same_idempotency_key_repeats_the_receipt_and_refuses_another_body(rig: Rig) -> None:
    headers = await rig.key()
    first = await rig.client.post(
        "/v1/alerts", json=minimal_alert_json(), headers=headers | {"Idempotency-Key": '"a-1"'}
    )
    again = await rig.client.post(
        "/v1/alerts", json=minimal_alert_json(), headers=headers | {"Idempotency-Key": "a-1"}
    )
    other = await rig.client.post(
        "/v1/alerts", json=minimal_alert_json(version=2), headers=headers | {"Idempotency-Key": "a-1"}
    )
    assert (first.status_code, again.status_code, again.json()) == (202, 200, first.json())
    assert (other.status_code, other.json()["type"]) == (422, "/docs/problems#idempotency-key-reused")


async def test_an_idempotency_key_of_another_form_is_a_bad_request(rig: Rig) -> None:
    headers = await rig.key() | {"Idempotency-Key": '"a'}
    answer = await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/docs/problems#bad-idempotency-key")


async def test_past_its_quota_a_key_is_told_when_to_come_again(tmp_path: Path) -> None:
    async with posting_rig(tmp_path, requests_per_minute=2) as rig:
        headers = await rig.key()
        answers = [
            await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers) for _ in range(3)
        ]
        assert [answer.status_code for answer in answers] == [202, 200, 429]
        assert answers[2].headers["retry-after"] == "30"
        assert answers[2].headers["ratelimit"] == '"default";r=0;t=60'
        assert answers[2].json()["type"] == "/docs/problems#quota-exceeded"
        other = await rig.client.post(
            "/v1/alerts", json=minimal_alert_json(), headers=await rig.key("uy-lab")
        )
        assert other.status_code == 202


async def test_a_revoked_key_ends_within_five_seconds(rig: Rig) -> None:
    headers = await rig.key()
    await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    await rig.keys.revoke("key-0", at=rig.clock.now, actor="test")
    rig.clock.move(timedelta(seconds=5))
    answer = await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    assert answer.status_code == 401


async def test_an_unknown_named_recipient_is_refused(rig: Rig) -> None:
    rig.recipients["uy-min"] = Recipient(
        id="uy-min",
        country="UY",
        organisation="Ministerio",
        kind=RecipientKind.NETWORK,
        language="es",
        timezone="America/Montevideo",
        audiences=frozenset(),
        channels=(Channel(kind=ChannelKind.EMAIL, address="a@example.org"),),
    )
    alert = minimal_alert_json(tlp="TLP:RED", named_recipients=["uy-min", "uy-xyz"])
    answer = await rig.client.post("/v1/alerts", json=alert, headers=await rig.key())
    assert _codes(answer) == [("/named_recipients/1", "unknown_recipient")]


async def test_a_reference_that_fits_several_alerts_is_refused(rig: Rig) -> None:
    for institution in ("uy-lab", "uy-police"):
        await rig.client.post(
            "/v1/alerts", json=minimal_alert_json(national_ref="R-1"), headers=await rig.key(institution)
        )
    alert = minimal_alert_json(references=[{"ref": "R-1", "relation": "same_event_as"}])
    answer = await rig.client.post("/v1/alerts", json=alert, headers=await rig.key())
    assert answer.status_code == 422
    assert _codes(answer) == [("/references/0/ref", "reference_ambiguous")]


async def test_a_reference_to_itself_is_refused_however_it_is_written(rig: Rig) -> None:
    headers = await rig.key()
    await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
    alert = minimal_alert_json(
        version=2, references=[{"ref": "UY:SAT-UY-2026-014", "relation": "same_event_as"}]
    )
    answer = await rig.client.post("/v1/alerts", json=alert, headers=headers)
    assert _codes(answer) == [("/references/0/ref", "reference_to_itself")]


async def test_copies_posted_at_the_same_time_are_kept_once(rig: Rig) -> None:
    headers = await rig.key()
    answers = await asyncio.gather(
        *(rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.text for answer in answers}) == 1
    assert await rig.stored() == (1, 1)


async def test_a_batch_is_answered_in_its_order_each_by_itself(rig: Rig) -> None:
    headers = await rig.key()
    alerts = [
        minimal_alert_json(national_ref="A"),
        minimal_alert_json(national_ref="B", tlp="none"),
        minimal_alert_json(national_ref="A"),
        minimal_alert_json(national_ref="A", title="Otro"),
        17,
    ]
    answer = await rig.client.post("/v1/alerts:batch", json={"alerts": alerts}, headers=headers)
    results = answer.json()["results"]
    assert answer.status_code == 207
    assert [one["status"] for one in results] == [202, 422, 200, 409, 422]
    assert results[0]["receipt"]["national_ref"] == "A"
    assert results[1]["problem"]["errors"][0]["pointer"] == "/tlp"
    assert await rig.stored() == (1, 1)


async def test_a_batch_of_the_greatest_size_is_kept(rig: Rig) -> None:
    alerts = [minimal_alert_json(national_ref=f"R-{number}") for number in range(500)]
    answer = await rig.client.post("/v1/alerts:batch", json={"alerts": alerts}, headers=await rig.key())
    assert {one["status"] for one in answer.json()["results"]} == {202}
    assert await rig.stored() == (500, 500)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 422),
        (b'{"alerts": []}', 422),
        (b'{"alerts": [{}], "more": 1}', 422),
        (b'{"alerts": [{},]}', 400),
        (b'{"alerts": [{} {}]}', 400),
        (b'{"alerts": [', 400),
        (b"\xff", 400),
        (b'{"alerts": [' + b"[" * 200_000, 400),
        (b'{"alerts": [' + b"0," * 500 + b"0]}", 422),
    ],
)
async def test_what_is_no_batch_is_refused_whole(rig: Rig, body: bytes, status: int) -> None:
    headers = await rig.key() | {"Content-Type": "application/json"}
    answer = await rig.client.post("/v1/alerts:batch", content=body, headers=headers)
    assert answer.status_code == status
    assert await rig.stored() == (0, 0)


async def test_each_alert_of_a_batch_keeps_its_own_duplicate_keys(rig: Rig) -> None:
    text = json.dumps(minimal_alert_json())
    body = f'{{"alerts": [{text[:-1]}, "tlp": "TLP:CLEAR"}}]}}'.encode()
    headers = await rig.key() | {"Content-Type": "application/json"}
    answer = await rig.client.post("/v1/alerts:batch", content=body, headers=headers)
    assert answer.json()["results"][0]["problem"]["errors"][0]["code"] == "duplicate_key"


class _OutOfReach:
    """A ledger that cannot commit."""

    async def accept(self, _submission: object) -> object:
        raise Transient("disk full")


async def test_only_a_ledger_out_of_reach_is_unavailable(tmp_path: Path) -> None:
    async with posting_rig(tmp_path, receipts_port=_OutOfReach()) as rig:  # type: ignore[arg-type]  # accept only
        headers = await rig.key()
        one = await rig.client.post("/v1/alerts", json=minimal_alert_json(), headers=headers)
        batch = await rig.client.post(
            "/v1/alerts:batch", json={"alerts": [minimal_alert_json()]}, headers=headers
        )
        assert (one.status_code, one.headers["retry-after"]) == (503, "2")
        assert one.json()["type"] == "/docs/problems#unavailable"
        assert batch.json()["results"][0]["status"] == 503
