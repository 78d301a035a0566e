"""A person answers: by the link in the email, and by signing in with a mailed code."""

import re
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.e2e.stage import Stage, alert, institution, staged, until

_SEAL = re.compile(r'name="seal" value="([^"]+)"')
_CODE = re.compile(r"(?<!\d)\d{4} ?\d{4}(?!\d)")


async def test_the_link_of_the_email_shows_and_the_form_answers(tmp_path: Path) -> None:
    people = [institution("bo-1", email=True), institution("bo-2", email=True)]
    async with staged(tmp_path, recipients=people) as stage:
        stage.webhooks.down.add("bo-1")
        assert (await stage.post(alert(1))).status_code == 202
        letter = (await until(lambda: stage.mails.to("bo-1")))[0]
        link = _link(letter, stage, "/a/")
        await until(lambda: [one for one in stage.webhooks.all if one.recipient == "bo-1"])
        async with _browser(stage) as browser:
            for _ in range(2):
                shown = await browser.get(link)
                assert shown.status_code == 200
            assert (await stage.view("E2E-000001"))["reach"]["acknowledged"] == 0
            unsealed = await browser.post(link, data={"state": "acting"})
            assert unsealed.status_code == 403
            assert (await stage.view("E2E-000001"))["reach"]["acknowledged"] == 0
            form = {"seal": _seal(shown), "state": "acting", "note": "Laboratories told."}
            assert (await browser.post(link, data=form)).status_code == 200
        reach = (await stage.view("E2E-000001"))["reach"]
        assert reach["acknowledged"] == 1
        assert reach["recipients"] == 2
        stage.webhooks.down.clear()
        await stage.at_rest()  # the webhook that still waited was given up, not sent
        assert stage.webhooks.taken("bo-1") == []
        assert len(stage.webhooks.taken("bo-2")) == 1


async def test_an_amber_alert_is_read_after_signing_in(tmp_path: Path) -> None:
    summary = "Seven people were treated; the laboratory names the substance."
    async with staged(tmp_path, recipients=[institution("bo-1", email=True)]) as stage:
        posted = alert(2, tlp="TLP:AMBER", summary=summary)
        assert (await stage.post(posted)).status_code == 202
        letter = (await until(lambda: stage.mails.to("bo-1")))[0]
        assert summary not in _text(letter)
        assert posted["title"] not in _text(letter)
        link = _link(letter, stage, "/n/")
        assert re.fullmatch(r"/n/N-[0-9A-Z]{4}-[0-9A-Z]{4}", urlsplit(link).path)
        async with _browser(stage) as browser:
            closed = await browser.get(link, headers={"sec-fetch-site": "none"})
            assert closed.status_code == 303
            door = closed.headers["location"]
            await _sign_in(browser, stage, door, wrong_first=True)
            opened = await browser.get(link, headers={"sec-fetch-site": "none"})
        assert opened.status_code == 200
        assert summary in unescape(opened.text)
        assert (await stage.view("E2E-000002"))["reach"]["acknowledged"] == 0


async def _sign_in(browser: httpx.AsyncClient, stage: Stage, door: str, *, wrong_first: bool) -> None:
    form = await browser.get(door)
    before = len(stage.mails.letters)
    asked = await browser.post(door, data={"seal": _seal(form), "address": "bo-1@example.org"})
    assert asked.status_code == 200
    letter = await until(lambda: [one for _, one in stage.mails.letters[before:]])
    code = _CODE.search(_text(letter[0]))
    assert code is not None
    typed = {"seal": _seal(asked), "address": "bo-1@example.org"}
    if wrong_first:
        wrong = f"{(int(code[0].replace(' ', '')) + 1) % 10**8:08}"
        assert (await browser.post(door, data={**typed, "code": wrong})).status_code == 403
    entered = await browser.post(door, data={**typed, "code": code[0]})
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()


def _browser(stage: Stage) -> httpx.AsyncClient:
    """Return a client without the sender's key: it has what a person's browser has."""
    return httpx.AsyncClient(base_url=stage.relay.url, trust_env=False, timeout=30)


def _text(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",)) if letter.is_multipart() else letter
    assert part is not None
    return f"{letter['Subject']}\n{part.get_content()}"


def _link(letter: EmailMessage, stage: Stage, path: str) -> str:
    found = re.search(re.escape(stage.relay.url + path) + r"[\w./~-]+", _text(letter))
    assert found is not None, f"no link to {path}"
    return found[0]


def _seal(page: httpx.Response) -> str:
    found = _SEAL.search(page.text)
    assert found is not None
    return unescape(found[1])
