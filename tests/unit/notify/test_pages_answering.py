"""The personal link: what it shows, what it records, and what it never does."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.storage.records import RecipientKind
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

_ALERT = minimal_alert_json(location={"country": "UY"})


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (
        institution("uy-ndo"),
        institution("co-fp", language="es"),
        institution("ca-fp", language="fr"),
    )
    async with full_rig(tmp_path, *people) as opened:
        yield opened


def _fields(page: httpx.Response, **changes: str) -> dict[str, str]:
    seal = re.search(r'name="seal" value="([^"]+)"', page.text)
    assert seal is not None
    return {"seal": seal[1], "state": "acknowledged", "note": "", "action_on": ""} | changes


def _action(page: httpx.Response) -> str:
    found = re.search(r'<form method="post" action="([^"]+)" class="answer"', page.text)
    assert found is not None
    return found[1].replace("&amp;", "&")


async def test_the_page_shows_the_alert_and_the_form_in_the_readers_language(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    assert page.status_code == 200
    assert '<html lang="es">' in page.text
    assert "N-etilpentilona" in page.text
    assert "TLP:GREEN" in page.text
    assert "Responde en nombre de: Institution co-fp" in page.text
    assert "Abrir esta página no registra nada." in page.text
    assert re.search(r'value="acknowledged" checked', page.text)
    assert "SATA-UY-2026-000001" in page.text


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt"])
async def test_the_page_speaks_the_language_that_is_chosen(rig: FullRig, language: str) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}?lang={language}")
    assert f'<html lang="{language}">' in page.text


async def test_the_page_needs_no_script_no_cookie_and_no_third_party(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    assert "<script" not in page.text
    assert " on" + "click" not in page.text
    assert "style=" not in page.text
    assert "set-cookie" not in page.headers
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page.text)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_whoever_opens_the_link_records_nothing(rig: FullRig, method: str) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    for _ in range(3):
        await rig.client.request(method, f"/a/{rig.token(message_id, 'co-fp')}")
    assert await rig.answers() == []


async def test_head_is_get_without_a_body(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.head(f"/a/{rig.token(message_id, 'co-fp')}")
    assert (page.status_code, page.content) == (200, b"")


async def test_one_click_answers_and_stops_what_is_on_its_way(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    done = await rig.client.post(_action(page), data=_fields(page))
    assert done.status_code == 200
    assert _action(page).endswith("#answer")  # there the browser goes on, to what is said of it
    assert '<section class="answering" id="answer"' in done.text
    assert done.text.count("Registrado: Recibo acusado") == 2
    assert await rig.answers() == [("co-fp", "acknowledged", "link")]
    assert rig.deliveries is not None
    states = {(one.recipient_id, one.state.value) for one in await rig.deliveries.of_message(message_id)}
    assert ("co-fp", "withheld") in states
    assert ("ca-fp", "pending") in states


async def test_a_second_answer_replaces_the_first_and_both_are_kept(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    await rig.client.post(_action(page), data=_fields(page))
    rig.clock.move(timedelta(hours=1))
    fields = _fields(page, state="action_taken", action_on="2026-11-21", note="Aviso a hospitales")
    await rig.client.post(_action(page), data=fields)
    again = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    assert re.search(
        r"Ya respondida: Medidas adoptadas, 21 de noviembre de 2026, \d\d:\d\d \(UTC-5\)", again.text
    )
    assert 'name="action_on" value="2026-11-21"' in again.text
    assert ">Aviso a hospitales</textarea>" in again.text
    assert [state for _, state, _ in await rig.answers()] == ["acknowledged", "action_taken"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"seal": ""}, 403),
        ({"seal": "1795262400.aa.bb"}, 403),
        ({"state": "seen"}, 422),
        ({"state": ""}, 422),
        ({"action_on": "yesterday"}, 422),
        ({"action_on": "2026-11-23"}, 422),
        ({"note": "x" * 501}, 422),
        ({"note": "a\x00b"}, 422),
    ],
)
async def test_a_form_that_is_not_ours_or_not_whole_records_nothing(
    rig: FullRig, changes: dict[str, str], status: int
) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    answer = await rig.client.post(_action(page), data=_fields(page, **changes))
    assert answer.status_code == status
    top, form = answer.text.split("<article", 1)
    said = re.search(r'<p class="notice error">(.+)</p>', top)
    assert said is not None
    assert f'<p class="error" role="alert">{said[1]}</p>' in form
    assert await rig.answers() == []


async def test_the_seal_of_one_link_does_not_open_another(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    answer = await rig.client.post(f"/a/{rig.token(message_id, 'ca-fp')}", data=_fields(page))
    assert answer.status_code == 403
    assert await rig.answers() == []


async def test_a_form_sent_by_another_site_records_nothing(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = await rig.client.post(_action(page), data=_fields(page), headers=headers)
    assert answer.status_code == 403


async def test_unknown_foreign_and_expired_links_are_one_same_page(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT, await rig.key())
    valid = rig.token(message_id, "co-fp")
    wrong = [
        "x",
        valid[:-1] + ("A" if valid[-1] != "A" else "B"),
        rig.token(message_id, "nobody"),
        rig.token("00000000-0000-0000-0000-000000000000", "co-fp"),
    ]
    pages = [await rig.client.get(f"/a/{token}") for token in wrong]
    rig.clock.move(timedelta(days=91))
    pages.append(await rig.client.get(f"/a/{valid}"))
    texts = {re.sub(r"/a/[^\"?]+", "/a/-", page.text) for page in pages}
    assert {page.status_code for page in pages} == {404}
    assert len(texts) == 1


async def test_above_green_the_page_shows_no_content_but_takes_the_answer(rig: FullRig) -> None:
    alert = _ALERT | {"tlp": "TLP:AMBER"}
    message_id = await rig.post(alert, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    for secret in ("etilpentilona", "Uruguay", "SATA-UY", "SAT-UY", "Observatorio", "ethylpentylone"):
        assert secret not in page.text
    assert "TLP:AMBER" in page.text
    link = re.search(r'href="http://relay.example.org/n/(N-[^"]+)"', page.text)
    assert link is not None
    done = await rig.client.post(_action(page), data=_fields(page))
    assert done.status_code == 200
    assert await rig.answers() == [("co-fp", "acknowledged", "link")]


async def test_above_green_the_link_does_not_show_the_note_that_was_written(rig: FullRig) -> None:
    message_id = await rig.post(_ALERT | {"tlp": "TLP:AMBER"}, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    done = await rig.client.post(_action(page), data=_fields(page, state="acting", note="Lote 12 retirado"))
    assert done.status_code == 200
    again = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    assert "Lote 12" not in done.text + again.text


async def test_a_narrower_later_version_closes_the_earlier_link(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(_ALERT, headers)
    rig.clock.move(timedelta(hours=1))
    correction = _ALERT | {"version": 2, "message_type": "correction", "tlp": "TLP:AMBER"}
    await rig.post(correction, headers)
    page = await rig.client.get(f"/a/{rig.token(first, 'co-fp')}")
    assert "etilpentilona" not in page.text
    assert "Uruguay" not in page.text


async def test_a_newer_version_is_said_on_top(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(_ALERT, headers)
    rig.clock.move(timedelta(hours=1))
    update = {"version": 2, "message_type": "update", "update_reason": "new_findings", "title": "Más datos"}
    await rig.post(_ALERT | update, headers)
    page = await rig.client.get(f"/a/{rig.token(first, 'co-fp')}")
    assert "versión más reciente: versión 2" in page.text


async def test_a_retraction_is_said_on_top_of_what_it_retracts(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(_ALERT, headers)
    rig.clock.move(timedelta(hours=1))
    await rig.post(_ALERT | {"version": 2, "message_type": "retraction"}, headers)
    page = await rig.client.get(f"/a/{rig.token(first, 'co-fp')}")
    assert "Esta alerta ha sido anulada" in page.text


async def test_an_institution_that_left_cannot_answer(rig: FullRig, tmp_path: Path) -> None:
    gone = institution("br-fp", active=False)
    path = tmp_path / "other"
    path.mkdir()
    async with full_rig(
        path, institution("uy-ndo"), gone, institution("xx-sec", RecipientKind.SECRETARIAT)
    ) as other:
        message_id = await other.post(_ALERT, await other.key())
        page = await other.client.get(f"/a/{other.token(message_id, 'br-fp')}")
        assert page.status_code == 404


async def test_what_a_sender_writes_is_never_markup(rig: FullRig) -> None:
    alert = _ALERT | {"title": "<script>alert(1)</script>", "summary": '<b>x</b> & "y" {{ 7*7 }}'}
    message_id = await rig.post(alert, await rig.key())
    page = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "{{ 7*7 }}" in page.text


async def test_who_may_no_longer_see_it_is_told_that_it_was_taken_back(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(_ALERT, headers)
    assert rig.deliveries is not None
    (told,) = [one for one in await rig.deliveries.of_message(first) if one.recipient_id == "co-fp"]
    rig.clock.move(timedelta(hours=1))
    await rig.deliver(told)
    correction = _ALERT | {"version": 2, "message_type": "correction", "tlp": "TLP:RED"}
    second = await rig.post(correction, headers)
    page = await rig.client.get(f"/a/{rig.token(second, 'co-fp')}")
    assert page.status_code == 200
    assert "etilpentilona" not in page.text
    assert "solo se muestra tras iniciar" not in page.text
    assert 'class="answer"' in page.text
