"""The pages for senders and receivers say what is so: their examples are posted, their code is run."""

import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from schemas.alerts import Alert
from schemas.vocabularies import AckState
from services.notify.channels.address_guard import AddressGuard
from services.notify.channels.signing import secret_text
from services.notify.channels.webhook import WebhookChannel
from services.notify.webhook_body import render_webhook
from tests.http_rig import FullRig, full_rig, institution
from tests.letters import PLACES, example, make_letter, terms

ROOT = Path(__file__).resolve().parents[2]
SECRETS = (b"n" * 32, b"o" * 32)


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    async with full_rig(
        tmp_path, institution("uy-ndo"), institution("br-ndo"), institution("co-fp")
    ) as opened:
        yield opened


async def test_the_examples_for_senders_do_what_they_are_for(rig: FullRig) -> None:
    keys = {"UY": await rig.key(), "BR": await rig.key("br-ndo", country="BR")}
    posted = []
    for block in _blocks("senders.md", "json"):
        alert = json.loads(block)
        posted.append(await rig.post(alert, keys[alert["location"]["country"]]))
        view = (await rig.client.get(f"/v1/alerts/{posted[0]}", headers=keys["UY"])).json()
        kind = alert.get("message_type", "alert")
        assert view["thread_state"] == {
            "closure": "closed",
            "retraction": "retracted",
            "dispute": "closed",
        }.get(kind, "open"), kind
        assert view["disputed"] is (kind == "dispute"), kind  # its sender's next message replies
    last = (await rig.client.get(f"/v1/alerts/{posted[-1]}", headers=keys["UY"])).json()
    kinds = [one["message_type"] for one in last["history"]]
    assert kinds == ["alert", "update", "correction", "closure", "dispute", "retraction"]


async def test_the_code_for_receivers_takes_what_the_relay_posts_and_nothing_else() -> None:
    requests: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(204)

    body = render_webhook(make_letter(example("uy-07")), terms=terms(), places=PLACES)
    guard = AddressGuard()
    async with WebhookChannel(guard, transport=httpx.MockTransport(take)) as channel:
        await channel.send(
            "https://receiver.example.org/alerts",
            body,
            notification_id="0f6c2f0e-6a55-5a0e-9c55-1d6f3f1b7a10",
            keys=SECRETS,
            now=datetime.now(UTC),
        )
    (request,) = requests
    (code,) = _blocks("receivers.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102  # the page's own code
    verify = names["is_from_the_relay"]
    headers = dict(request.headers)
    for key in SECRETS:  # while one is rotated, both are right
        assert verify(headers, request.content, secret_text(key))
    assert not verify(headers, request.content, secret_text(b"x" * 32))
    assert not verify(headers, request.content + b" ", secret_text(SECRETS[0]))
    assert not verify(headers | {"webhook-id": "other"}, request.content, secret_text(SECRETS[0]))
    assert not verify(headers, request.content, secret_text(SECRETS[0]), now=time.time() + 301)
    assert not verify(headers | {"webhook-timestamp": "x"}, request.content, secret_text(SECRETS[0]))


async def test_the_answer_for_receivers_is_taken(rig: FullRig) -> None:
    sender = await rig.key()
    alert = json.loads(_blocks("senders.md", "json")[0])
    message_id = await rig.post(alert, sender)
    reader = await rig.key("co-fp", country="CO", scopes=["read", "acknowledge"])
    page = (await rig.client.get("/v1/notifications", headers=reader)).json()
    (answer,) = _blocks("receivers.md", "json")
    address = f"/v1/notifications/{page['items'][0]['id']}/acknowledgement"
    taken = await rig.client.post(
        address, content=answer.encode(), headers=reader | {"Content-Type": "application/json"}
    )
    assert taken.status_code == 200
    view = (await rig.client.get(f"/v1/alerts/{message_id}", headers=sender)).json()
    assert [one["note"] for one in view["answers"]] == [json.loads(answer)["note"]]
    text = (ROOT / "docs" / "receivers.md").read_text(encoding="utf-8")
    assert all(f"`{state.value}`" in text for state in AckState)


async def test_the_documentation_describes_the_webhook_and_every_field_of_an_alert(rig: FullRig) -> None:
    document = (await rig.client.get("/openapi.json")).json()
    validate(document)
    operation = document["webhooks"]["notification"]["post"]
    assert {one["name"] for one in operation["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert {"2XX", "410", "413", "default"} == operation["responses"].keys()
    schemas = document["components"]["schemas"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert body.removeprefix("#/components/schemas/") in schemas
    told = (
        "Alert",
        "Finding",
        "Substance",
        "Harm",
        "Shipment",
        "Location",
        "Sender",
        "AlertView",
        "WebhookData",
    )
    bare = [
        f"{name}.{field}"
        for name in told
        for field, schema in schemas[name]["properties"].items()
        if not schema.get("description")
    ]
    assert bare == []


@pytest.mark.parametrize("name", ["webhook", "alert-view", "notification-page", "receipt"])
def test_what_the_relay_writes_may_gain_fields(name: str) -> None:
    schema = json.loads((ROOT / "schemas" / "json" / f"{name}.json").read_text(encoding="utf-8"))
    assert '"additionalProperties": false' not in json.dumps(schema)
    if name == "webhook":
        body = json.loads(render_webhook(make_letter(example("uy-07")), terms=terms(), places=PLACES))
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(body)
        body["data"]["of_a_later_release"] = body["of_a_later_release"] = 1
        Draft202012Validator(schema).validate(body)


def test_an_alert_of_the_pages_is_one_of_the_contract() -> None:
    assert all(Alert.model_validate_json(block) for block in _blocks("senders.md", "json"))
