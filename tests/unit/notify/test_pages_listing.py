"""The list of alerts that who is signed in may see."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from services.notify.pages.listing import ON_A_PAGE
from services.storage.records import RecipientKind
from services.storage.tables import audit
from tests.builders import minimal_alert_json
from tests.http_rig import URL, FullRig, full_rig, institution
from tests.signing_in import sign_in


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (
        institution("uy-ndo"),
        institution("co-fp", language="es"),
        institution("ca-lab", RecipientKind.NETWORK, language="en"),
        institution("us-sec", RecipientKind.SECRETARIAT),
    )
    async with full_rig(tmp_path, *people) as opened:
        yield opened


def _rows(page: httpx.Response) -> list[tuple[str, ...]]:
    """Return the cells of each row, its address first."""
    assert page.status_code == 200
    rows = re.findall(r'<tr><th scope="row"><a href="([^"]+)">(.*?)</a></th>(.*?)</tr>', page.text)
    return [
        (unescape(url), unescape(subject), *map(unescape, re.findall(r"<td[^>]*>(.*?)</td>", cells)))
        for url, subject, cells in rows
    ]


def _link(page: httpx.Response, text: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)"[^>]*>{text}</a>', page.text)
    return unescape(found[1]) if found else None


async def test_alerts_stand_newest_first_with_level_country_state_and_link(rig: FullRig) -> None:
    headers = await rig.key(countries=["UY", "AR"])
    await rig.post(minimal_alert_json(national_ref="A"), headers)
    rig.clock.move(timedelta(hours=1))
    await rig.post(minimal_alert_json(national_ref="B", title="Otra", location={"country": "AR"}), headers)
    rig.clock.move(timedelta(hours=1))
    await rig.post(minimal_alert_json(national_ref="A", version=2, message_type="closure"), headers)
    await sign_in(rig, "ca-lab")
    page = await rig.client.get("/alerts")
    rows = _rows(page)
    assert [row[3:5] for row in rows] == [("Uruguay", "Closed"), ("Argentina", "Open")]
    assert rows[1][1].startswith("TLP:GREEN EXERCISE, ")
    assert rows[1][2] in ("Moderate", "Information", "High", "Critical")
    assert rows[1][5].startswith("21 November 2026")
    opened = await rig.client.get(rows[1][0].removeprefix(URL))
    assert opened.status_code == 200
    assert "<script" not in page.text
    assert "Closed" not in (await rig.client.get("/alerts?lang=es")).text


async def test_who_may_not_see_an_alert_does_not_find_it_in_the_list(rig: FullRig) -> None:
    headers = await rig.key()
    for number, tlp in enumerate(("TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")):
        await rig.post(minimal_alert_json(national_ref=f"R{number}", title=f"T{number}", tlp=tlp), headers)
    counts = {}
    for who in ("ca-lab", "co-fp", "us-sec", "uy-ndo"):
        await sign_in(rig, who)
        counts[who] = len(_rows(await rig.client.get("/alerts")))
    assert counts == {"ca-lab": 2, "co-fp": 3, "us-sec": 4, "uy-ndo": 4}
    acts = await rig.ledger.read(
        lambda connection: (
            connection.execute(select(audit.c.actor).where(audit.c.act == "alert.viewed")).scalars().all()
        )
    )
    assert acts == ["us-sec"]  # each view of TLP:RED


async def test_of_a_thread_the_newest_version_stands_that_the_reader_may_see(rig: FullRig) -> None:
    headers = await rig.key()
    await rig.post(minimal_alert_json(), headers)
    rig.clock.move(timedelta(hours=1))
    narrower = {"version": 2, "message_type": "correction", "releasable_to": ["law_enforcement"]}
    await rig.post(minimal_alert_json(**narrower), headers)
    for who, token in (("uy-ndo", "CORRE"), ("ca-lab", "EXERCISE, MODERATE")):
        await sign_in(rig, who)
        (row,) = _rows(await rig.client.get("/alerts?lang=en"))
        assert token in row[1]


async def test_the_list_is_read_page_by_page_without_a_gap_or_a_repeat(rig: FullRig) -> None:
    headers = await rig.key()
    for number in range(ON_A_PAGE + 3):
        hidden = "TLP:AMBER+STRICT" if number % 9 == 0 else "TLP:GREEN"
        await rig.post(minimal_alert_json(national_ref=f"R{number}", title=f"T{number}", tlp=hidden), headers)
    await sign_in(rig, "co-fp")
    first = await rig.client.get("/alerts?lang=en")
    assert _link(first, "Newest alerts") is None
    older = _link(first, "Older alerts")
    assert older is not None
    second = await rig.client.get(older)
    assert _link(second, "Older alerts") is None
    back = _link(second, "Newest alerts")
    assert back is not None
    assert _rows(await rig.client.get(back)) == _rows(first)
    urls = [row[0] for page in (first, second) for row in _rows(page)]
    assert (len(urls), len(set(urls))) == (ON_A_PAGE + 3, ON_A_PAGE + 3)
    assert "before=" in (_link(second, "Español") or "")
    await sign_in(rig, "ca-lab")
    assert len(_rows(await rig.client.get("/alerts"))) == 24  # of 28, 4 are hidden from it


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "1;drop", "%00"])
async def test_an_odd_cursor_is_the_beginning(rig: FullRig, before: str) -> None:
    await rig.post(minimal_alert_json(), await rig.key())
    await sign_in(rig, "co-fp")
    assert len(_rows(await rig.client.get("/alerts", params={"before": before}))) == 1


async def test_who_sees_nothing_is_told_so_and_who_is_not_signed_in_goes_to_sign_in(rig: FullRig) -> None:
    away = await rig.client.get("/alerts?again=1")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Falerts")
    await sign_in(rig, "ca-lab")
    assert "There are no alerts that you may see." in (await rig.client.get("/alerts")).text


async def test_who_types_the_name_of_the_relay_alone_is_led_to_the_sign_in_page(rig: FullRig) -> None:
    answer = await rig.client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
