"""The pages in a real browser: they load, say nothing on the console, and ask nobody but the relay."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from aiohttp import ClientSession, web

from tests.e2e.stage import Stage, alert, institution, staged, until
from tests.requirements import Need, find

_WITHIN = 60.0  # seconds for one page: a browser starts for it
_CONSOLE = re.compile(r":CONSOLE[:(]")  # how the browser writes a console message to its log
_ADDRESS = "bo-1@example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A page as the browser had it in the end."""

    document: str
    console: list[str]
    asked: set[str]  # host and port of every request that the page made


@pytest.mark.needs("browser")
async def test_the_pages_load_in_a_browser_without_errors_and_ask_nobody_else(tmp_path: Path) -> None:
    async with staged(tmp_path / "relay", recipients=[institution("bo-1", email=True)]) as stage:
        assert (await stage.post(alert(1))).status_code == 202
        assert (await stage.post(alert(2, tlp="TLP:AMBER"))).status_code == 202
        letters = await until(lambda: len(stage.mails.to("bo-1")) == 2 and stage.mails.to("bo-1"))
        text = "\n".join(str(one.get_body(("plain",)).get_content()) for one in letters)
        answer = re.search(rf"{re.escape(stage.relay.url)}(/a/\S+)", text)
        notice = re.search(rf"{re.escape(stage.relay.url)}(/n/\S+)", text)
        assert answer is not None
        assert notice is not None
        cookie = await _signed_in(stage)
        async with _in_front(stage, cookie) as front:
            for path, said in (
                (answer[1], 'name="state"'),
                (notice[1], alert(2)["title"]),
                ("/sign-in", 'type="email"'),
                ("/docs", "/v1/alerts"),
            ):
                page = await _load(front + path, folder=tmp_path / "browser")
                assert said in unescape(page.document), path
                assert page.console == [], path
                assert page.asked == {urlsplit(front).netloc}, path


async def _load(url: str, *, folder: Path) -> Loaded:
    """Load one page to its end, with no way out of this machine."""
    folder.mkdir(exist_ok=True)
    trace = folder / "net.json"
    browser = find(Need.BROWSER)
    assert browser is not None
    process = await asyncio.create_subprocess_exec(
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--no-proxy-server",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={trace}",
        "--enable-logging=stderr",
        "--virtual-time-budget=5000",
        "--dump-dom",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_WITHIN):
            document, log = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    console = [line for line in log.decode(errors="replace").splitlines() if _CONSOLE.search(line)]
    return Loaded(document=document.decode(), console=console, asked=_asked(trace))


def _asked(trace: Path) -> set[str]:
    """Return whom the page asked; what the browser asks for itself has no page that initiates it."""
    events = json.loads(trace.read_text(encoding="utf-8"))["events"]
    asked = set()
    for event in events:
        parameters = event.get("params", {})
        url = str(parameters.get("url", ""))
        if url.startswith(("http:", "https:", "ws:", "wss:")) and "initiator" in parameters:
            from_page = str(parameters["initiator"]).startswith("http") or "127.0.0.1" in url
            if from_page:
                asked.add(urlsplit(url).netloc)
    return asked


@asynccontextmanager
async def _in_front(stage: Stage, cookie: str) -> AsyncIterator[str]:
    """Stand in front of the relay and add the session of a person who has signed in, as the browser would."""
    async with ClientSession() as onward:

        async def pass_on(request: web.Request) -> web.Response:
            headers = {"cookie": cookie, "sec-fetch-site": "none"}
            async with onward.get(
                stage.relay.url + request.raw_path, headers=headers, allow_redirects=False
            ) as answer:
                kept = {
                    name: value
                    for name, value in answer.headers.items()
                    if name.lower() in ("content-type", "content-security-policy", "location")
                }
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)

        application = web.Application()
        application.router.add_get("/{path:.*}", pass_on)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def _signed_in(stage: Stage) -> str:
    """Sign in as the recipient and return the cookie."""
    async with httpx.AsyncClient(base_url=stage.relay.url, trust_env=False) as person:
        before = len(stage.mails.letters)
        asked = await person.post(
            "/sign-in", data={"seal": _seal(await person.get("/sign-in")), "address": _ADDRESS}
        )
        letters = await until(lambda: [letter for _, letter in stage.mails.letters[before:]])
        code = re.search(r"(?<!\d)\d{4} ?\d{4}(?!\d)", str(letters[0].get_content()))
        assert code is not None
        entered = await person.post(
            "/sign-in", data={"seal": _seal(asked), "address": _ADDRESS, "code": code[0]}
        )
        assert entered.status_code == 303
        return "; ".join(f"{name}={value}" for name, value in person.cookies.items())


def _seal(page: httpx.Response) -> str:
    found = re.search(r'name="seal" value="([^"]+)"', page.text)
    assert found is not None
    return unescape(found[1])
