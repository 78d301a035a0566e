"""Bad requests over the real server: each gets its problem, nothing is stored, the relay goes on (P6)."""

import asyncio
import gzip
import json
import time
from pathlib import Path

import pytest

from tests.e2e.stage import Stage, alert, institution, staged

_QUOTA = 40  # requests a minute
_BODY_TIME = 15.0  # seconds that a body may take


async def test_hostile_requests_are_refused_and_change_nothing(tmp_path: Path) -> None:
    quota = {"RELAY_HTTP__REQUESTS_PER_MINUTE": str(_QUOTA)}
    async with staged(tmp_path, recipients=[institution("bo-1")], settings=quota) as stage:
        slow = asyncio.create_task(_slow_body(stage))
        whole = json.dumps(alert(1)).encode()
        bomb = gzip.compress(b"[" * 10_000_000)
        for content, headers, status in (
            (b" " * (1 << 20) + whole, {}, 413),
            (gzip.compress(whole), {"content-encoding": "gzip"}, 415),
            (bomb, {"content-encoding": "gzip"}, 415),
            (whole, {"content-type": "text/plain"}, 415),
            (b'{"a":' * 5_000, {}, 400),
            (b"\xff\xfe" + whole, {}, 400),
            (whole[:-1], {}, 400),
            (b"{}", {}, 422),
        ):
            await _refused(stage, content, headers, status=status)
        chunked = await stage.client.post("/v1/alerts", content=_endless(), headers=_JSON)
        assert chunked.status_code == 413
        nobody = await stage.client.post("/v1/alerts", content=whole, headers=_JSON | {"authorization": "x"})
        assert nobody.status_code == 401
        assert await slow == 408
        assert await stage.metric("relay_alerts_accepted_total") == 0
        assert (await stage.post(whole)).status_code == 202
        await _until_the_quota_is_spent(stage)
        assert (await stage.client.get("/healthz")).status_code == 200
        await stage.at_rest()
        assert [one.national_ref for one in stage.webhooks.taken()] == ["E2E-000001"]


_JSON = {"content-type": "application/json"}


async def _refused(stage: Stage, content: bytes, headers: dict[str, str], *, status: int) -> None:
    answer = await stage.client.post("/v1/alerts", content=content, headers=_JSON | headers)
    assert answer.status_code == status, (content[:40], answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


async def _until_the_quota_is_spent(stage: Stage) -> None:
    for _ in range(_QUOTA + 5):
        answer = await stage.client.get("/v1/alerts")
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["status"] == 429
            return
    pytest.fail("the quota is never spent")


async def _endless() -> object:
    for _ in range(40):
        yield b" " * 65_536


async def _slow_body(stage: Stage) -> int:
    """Send half a body and wait; return the status of the answer, which comes before we hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.relay.port)
    began = time.monotonic()
    key = stage.client.headers["authorization"]
    head = f"POST /v1/alerts HTTP/1.1\r\nhost: relay\r\nauthorization: {key}\r\n"
    writer.write(f"{head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{".encode())
    async with asyncio.timeout(_BODY_TIME + 15):
        line = await reader.readline()
    assert time.monotonic() - began > _BODY_TIME / 2
    writer.close()
    return int(line.split()[1])
