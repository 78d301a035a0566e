"""The channels against real servers on loopback: what they hand over, and what each failure means."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from services.demo.servers import free_port
from services.notify.channels.address_guard import AddressGuard
from services.notify.channels.email_smtp import SmtpChannel, SmtpServer
from services.notify.channels.webhook import WebhookChannel
from services.storage.delivery_records import Deferred, Delivered, Outcome, Rejected
from tests.builders import NOW

KEYS = (b"k" * 32,)


class Receiver:
    """A webhook receiver that keeps what it got and behaves as the path says."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.connections: set[Any] = set()

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.headers["webhook-id"], await request.read()))
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        match request.match_info["how"]:
            case "hang":
                await asyncio.sleep(30)
            case "break":
                request.transport.close()
            case "away":
                raise web.HTTPFound("http://127.0.0.1:1/elsewhere")
        return web.Response(text="thank you")


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    behaviour = Receiver()
    application = web.Application()
    application.router.add_post("/{how}", behaviour.take)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield behaviour, f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def post(channel: WebhookChannel, url: str) -> Outcome:
    return await channel.send(url, b'{"a":1}', notification_id="n-1", keys=KEYS, now=NOW)


def open_channel(*, seconds: float = 0.3) -> WebhookChannel:
    return WebhookChannel(AddressGuard(["127.0.0.0/8"]), timeout=timedelta(seconds=seconds))


async def test_a_webhook_arrives_and_its_connection_is_used_again(receiver: tuple[Receiver, str]) -> None:
    behaviour, url = receiver
    async with open_channel(seconds=5) as channel:
        for _ in range(3):
            assert await post(channel, f"{url}/ok") == Delivered(status_code=200)
    assert behaviour.got == [("n-1", b'{"a":1}')] * 3
    assert len(behaviour.connections) == 1


async def test_a_receiver_that_hangs_may_have_it(receiver: tuple[Receiver, str]) -> None:
    async with open_channel() as channel:
        assert await post(channel, f"{receiver[1]}/hang") == Deferred(reason="timeout", maybe=True)


async def test_a_receiver_that_breaks_off_may_have_it(receiver: tuple[Receiver, str]) -> None:
    async with open_channel() as channel:
        outcome = await post(channel, f"{receiver[1]}/break")
    assert isinstance(outcome, Deferred)
    assert outcome.maybe


async def test_a_redirect_is_not_followed(receiver: tuple[Receiver, str]) -> None:
    async with open_channel() as channel:
        assert await post(channel, f"{receiver[1]}/away") == Deferred(reason="redirect", status_code=302)


async def test_a_receiver_that_is_not_there_has_not_got_it() -> None:
    async with open_channel() as channel:
        assert await post(channel, f"http://127.0.0.1:{free_port()}/ok") == Deferred(reason="unreachable")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_inner_address_is_refused_where_the_socket_is_made(host: str) -> None:
    async with WebhookChannel(AddressGuard(), timeout=timedelta(seconds=1)) as channel:
        assert await post(channel, f"https://{host}:{free_port()}/x") == Rejected(reason="address_refused")


@pytest.mark.parametrize("host", ["[::1", "hooks..example.org", f"{'a' * 70}.example.org"])
async def test_a_name_that_cannot_be_one_is_refused(host: str) -> None:
    async with open_channel() as channel:
        assert await post(channel, f"https://{host}/x") == Rejected(reason="url_malformed")


class Mailboxes:
    """A mail server with a few mailboxes that are full or not there."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_RCPT(  # noqa: N802  # the server's own name for it
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("full"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        self.mails.append(envelope.original_content)
        return "250 taken"


@pytest.fixture
async def mail() -> AsyncIterator[tuple[Mailboxes, int]]:
    mailboxes = Mailboxes()
    controller = Controller(mailboxes, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield mailboxes, controller.port
    controller.stop()


async def test_mail_is_handed_over_and_each_refusal_has_its_meaning(mail: tuple[Mailboxes, int]) -> None:
    mailboxes, port = mail
    server = SmtpServer(host="127.0.0.1", port=port, tls="none")
    message = b"Subject: x\r\n\r\nbody\r\n"
    async with SmtpChannel(server, sender="relay@example.org") as channel:
        outcomes = [
            await channel.send(address, message)
            for address in ("a@example.org", "nobody@example.org", "full@example.org", "b@example.org")
        ]
    assert outcomes == [
        Delivered(status_code=250),
        Rejected(reason="refused_by_server", status_code=550),
        Deferred(reason="deferred_by_server", status_code=452),
        Delivered(status_code=250),
    ]
    assert len(mailboxes.mails) == 2


async def test_a_mail_server_that_is_not_there_has_not_got_it() -> None:
    server = SmtpServer(host="127.0.0.1", port=free_port(), tls="none")
    async with SmtpChannel(server, sender="relay@example.org") as channel:
        assert await channel.send("a@example.org", b"x") == Deferred(reason="mail_unreachable")


def test_a_password_is_never_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="TLS"):
        SmtpChannel(SmtpServer(host="h", tls="none", username="u", password="p"), sender="relay@example.org")


async def _send(channel: SmtpChannel, address: str, **how: Any) -> Outcome:
    return await channel.send(address, b"Subject: x\r\n\r\nbody\r\n", **how)


async def test_mail_that_may_no_longer_go_out_is_not_begun_and_its_connection_stays_good(
    mail: tuple[Mailboxes, int],
) -> None:
    mailboxes, port = mail
    server = SmtpServer(host="127.0.0.1", port=port, tls="none")
    async with SmtpChannel(server, sender="relay@example.org") as channel:
        late = await _send(channel, "a@example.org", begin=lambda: False)
        assert late == Deferred(reason="took_too_long", blames_endpoint=False)
        assert mailboxes.mails == []
        assert await _send(channel, "a@example.org") == Delivered(status_code=250)


class Scripted:
    """A mail server that takes one line at a time; at the verb ``silent`` it waits to be told to go on."""

    def __init__(self, *, silent: str = "", refuses: bool = False) -> None:
        self.silent = silent
        self.refuses = refuses
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended = asyncio.Event()
        self.told: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        in_text = False
        while line := await reader.readline():
            text = line.decode().strip()
            verb = text.split(" ")[0].upper()
            if in_text:
                in_text = text != "."
                if in_text:
                    continue
            if verb == self.silent:
                self.reached.set()
                await self.go_on.wait()
            if verb == "RCPT":
                self.told.append(text)
            in_text = verb == "DATA"
            code = "354" if in_text else "550" if verb == "RCPT" and self.refuses else "250"
            writer.write(f"{code} so be it\r\n".encode())
        self.ended.set()
        writer.close()


async def test_urgent_mail_does_not_queue_behind_the_rest() -> None:
    scripted = Scripted(silent="MAIL")
    async with await asyncio.start_server(scripted.serve, "127.0.0.1", 0) as listening:
        server = SmtpServer(host="127.0.0.1", port=listening.sockets[0].getsockname()[1], tls="none")
        async with (
            SmtpChannel(server, sender="relay@example.org", connections=1) as channel,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(_send(channel, "first@example.org", urgency=3))
            await scripted.reached.wait()
            for name, urgency in (("info", 3), ("critical", 0)):
                group.create_task(_send(channel, f"{name}@example.org", urgency=urgency))
            await asyncio.sleep(0)  # both have asked now
            scripted.go_on.set()
    assert [one.partition("<")[2].partition("@")[0] for one in scripted.told] == ["first", "critical", "info"]


async def test_mail_that_waited_goes_out_only_if_it_is_still_what_shall_be_said() -> None:
    scripted, asked = Scripted(silent="MAIL"), list[str]()

    async def stands(name: str, *, answer: bool) -> bool:
        asked.append(name)
        return answer

    async with await asyncio.start_server(scripted.serve, "127.0.0.1", 0) as listening:
        server = SmtpServer(host="127.0.0.1", port=listening.sockets[0].getsockname()[1], tls="none")
        async with (
            SmtpChannel(server, sender="relay@example.org", connections=1) as channel,
            asyncio.TaskGroup() as group,
        ):
            sent = [
                group.create_task(
                    _send(channel, f"{name}@example.org", stands=partial(stands, name, answer=answer))
                )
                for name, answer in (("at-once", False), ("overtaken", False), ("standing", True))
            ]
            await scripted.reached.wait()
            scripted.go_on.set()
    assert [one.result() for one in sent] == [
        Delivered(status_code=250),
        Deferred(reason="overtaken", blames_endpoint=False),
        Delivered(status_code=250),
    ]
    assert asked == ["overtaken", "standing"]


async def test_a_connection_on_which_a_reset_was_given_up_is_closed() -> None:
    scripted = Scripted(silent="RSET", refuses=True)
    async with await asyncio.start_server(scripted.serve, "127.0.0.1", 0) as listening:
        server = SmtpServer(host="127.0.0.1", port=listening.sockets[0].getsockname()[1], tls="none")
        async with SmtpChannel(server, sender="relay@example.org") as channel:
            sending = asyncio.create_task(_send(channel, "nobody@example.org"))
            await scripted.reached.wait()
            sending.cancel()
            await asyncio.wait([sending])
            scripted.go_on.set()
            async with asyncio.timeout(20):
                await scripted.ended.wait()
