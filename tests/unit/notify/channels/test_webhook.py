"""What a webhook's reply means, and what leaves with it."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from services.notify.channels.address_guard import AddressGuard
from services.notify.channels.signing import secret_bytes, secret_text, sign
from services.notify.channels.webhook import WebhookChannel
from services.storage.delivery_records import Deferred, Delivered, Outcome, Rejected
from tests.builders import NOW

URL = "https://hooks.example.org/alerts"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def post(
    reply: httpx.Response | Exception, *, url: str = URL, keys: tuple[bytes, ...] = (b"k" * 32,)
) -> Outcome:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(reply, Exception):
            raise reply
        return reply

    async with WebhookChannel(AddressGuard(), transport=httpx.MockTransport(answer)) as channel:
        return await channel.send(url, b"{}", notification_id="n-1", keys=keys, now=NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_2xx_is_delivered(status: int) -> None:
    assert await post(httpx.Response(status)) == Delivered(status_code=status)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, "redirect"),
        (400, "client_error"),
        (401, "client_error"),
        (500, "server_error"),
        (503, "throttled"),
    ],
)
async def test_everything_else_is_tried_again(status: int, reason: str) -> None:
    outcome = await post(httpx.Response(status, headers={"location": "https://other.example.org"}))
    assert outcome == Deferred(reason=reason, status_code=status)


async def test_gone_disables_and_too_large_is_final() -> None:
    assert await post(httpx.Response(410)) == Rejected(reason="gone", status_code=410, disables=True)
    assert await post(httpx.Response(413)) == Rejected(reason="too_large", status_code=413)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        ("Sat, 21 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("9" * 400, timedelta(seconds=10**8)),
        ("-1", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2029 00:00:00 +99999999999999999999", None),
    ],
)
async def test_retry_after_is_seconds_or_a_date(header: str, wait: timedelta | None) -> None:
    outcome = await post(httpx.Response(429, headers={"retry-after": header}))
    assert isinstance(outcome, Deferred)
    assert outcome.retry_after == wait


async def test_what_failed_before_the_request_certainly_did_not_arrive() -> None:
    assert await post(httpx.ConnectError("refused")) == Deferred(reason="unreachable")


@pytest.mark.parametrize(
    "fault", [httpx.ReadTimeout(""), httpx.ReadError(""), aiohttp.ClientPayloadError(), TimeoutError()]
)
async def test_what_failed_after_the_request_may_have_arrived(fault: Exception) -> None:
    outcome = await post(fault)
    assert isinstance(outcome, Deferred)
    assert outcome.maybe


async def test_nothing_is_sent_unsigned_or_in_the_clear() -> None:
    assert await post(httpx.Response(200), keys=()) == Deferred(reason="no_webhook_secret")
    assert await post(httpx.Response(200), url="http://hooks.example.org") == Rejected(reason="https_only")


async def test_an_endless_reply_is_read_to_a_cap() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1024
            yield b"x" * 1024

    assert await post(httpx.Response(200, content=endless())) == Delivered(status_code=200)
    assert read <= 8192


def test_the_published_vector_is_reproduced() -> None:
    headers = sign(
        notification_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
        keys=[secret_bytes(SECRET)],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_with_either_secret_verifies_during_rotation() -> None:
    body, key = b'{"type":"endpoint.test"}', b"n" * 32

    headers = sign(
        notification_id="n-1", timestamp=int(time.time()), body=body, keys=[key, secret_bytes(SECRET)]
    )
    for secret in (SECRET, secret_text(key)):
        assert Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_!!", "whsec_QUJD", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        secret_bytes(secret)
