"""Signing in, and the pages of who is signed in."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from services.storage.records import Participation, RecipientKind
from services.storage.tables import audit, sign_in_codes
from tests.builders import minimal_alert_json
from tests.http_rig import URL, FullRig, full_rig, institution
from tests.signing_in import ask, enter, seal_of, sign_in

_AMBER = minimal_alert_json(tlp="TLP:AMBER")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (
        institution("uy-ndo"),
        institution("co-fp", language="es"),
        institution("ca-lab", RecipientKind.NETWORK),
        institution("es-obs", RecipientKind.OBSERVER, participation=Participation.OBSERVER),
        institution("ve-fp", participation=Participation.WITHDRAWN),
        institution("us-sec", RecipientKind.SECRETARIAT),
    )
    async with full_rig(tmp_path, *people) as opened:
        yield opened


async def _references(rig: FullRig, message_id: str) -> tuple[str, str]:
    assert rig.classify is not None
    thread = await rig.ledger.read(
        lambda connection: connection.exec_driver_sql(
            "select relay_id, opaque_id from threads join verdicts on threads.id = verdicts.thread_id "
            "where verdicts.message_id = ?",
            (message_id,),
        ).one()
    )
    return thread[0], thread[1]


async def test_the_code_that_was_mailed_opens_a_session_in_a_strict_cookie(rig: FullRig) -> None:
    asked = await ask(rig, "CO-FP@example.org ")
    assert [(address, language) for address, _, language in rig.codes] == [("co-fp@example.org", "en")]
    assert re.fullmatch(r"\d{8}", rig.codes[0][1])
    entered = await enter(rig, asked, "co-fp@example.org", rig.codes[0][1], query="?next=%2Fn%2FN-7F3K-92QD")
    cookie = entered.headers["set-cookie"]
    assert (entered.status_code, entered.headers["location"]) == (303, "/n/N-7F3K-92QD")
    assert {"HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"} <= set(cookie.split("; "))


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    async with full_rig(tmp_path, institution("co-fp"), url="https://relay.example.org") as rig:
        asked = await ask(rig, "co-fp@example.org")
        entered = await enter(rig, asked, "co-fp@example.org", rig.codes[0][1])
        assert entered.headers["set-cookie"].startswith("__Host-relay=")
        assert "Secure" in entered.headers["set-cookie"]


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(rig: FullRig) -> None:
    known = await ask(rig, "co-fp@example.org")
    rig.codes.clear()
    for address in ("nobody@example.org", "ve-fp@example.org"):
        unknown = await ask(rig, address)
        same = unknown.text.replace(address, "co-fp@example.org")
        strip = re.compile(r'name="seal" value="[^"]+"')
        assert strip.sub("", same) == strip.sub("", known.text)
        assert unknown.status_code == known.status_code
        assert unknown.headers["connection"] == known.headers["connection"] == "close"
    assert rig.codes == []


@pytest.mark.parametrize("next_page", ["//evil.example", "https://evil.example/n/x", "/v1/alerts", "/n/../x"])
async def test_after_signing_in_nobody_is_sent_elsewhere(rig: FullRig, next_page: str) -> None:
    asked = await ask(rig, "co-fp@example.org")
    fields = {"seal": seal_of(asked, "/sign-in"), "address": "co-fp@example.org", "code": rig.codes[0][1]}
    entered = await rig.client.post("/sign-in", params={"next": next_page}, data=fields)
    assert entered.headers["location"] == "/alerts"


async def test_after_five_wrong_tries_the_right_code_is_void(rig: FullRig) -> None:
    asked = await ask(rig, "co-fp@example.org")
    right = rig.codes[0][1]
    wrong = f"{(int(right) + 1) % 10**8:08}"
    for _ in range(5):
        assert (await enter(rig, asked, "co-fp@example.org", wrong)).status_code == 403
    assert (await enter(rig, asked, "co-fp@example.org", right)).status_code == 403


async def test_a_code_ends_after_ten_minutes_and_is_good_for_once(rig: FullRig) -> None:
    asked = await ask(rig, "co-fp@example.org")
    rig.clock.move(timedelta(minutes=10))
    assert (await enter(rig, asked, "co-fp@example.org", rig.codes[0][1])).status_code == 403
    asked = await ask(rig, "co-fp@example.org")
    assert (await enter(rig, asked, "co-fp@example.org", rig.codes[1][1])).status_code == 303
    rig.client.cookies.clear()
    assert (await enter(rig, asked, "co-fp@example.org", rig.codes[1][1])).status_code == 403


async def test_an_address_gets_few_codes(rig: FullRig) -> None:
    for _ in range(9):
        await ask(rig, "co-fp@example.org")
    assert len(rig.codes) == 5


async def test_of_a_code_only_a_digest_is_kept(rig: FullRig) -> None:
    await ask(rig, "co-fp@example.org")
    rows = await rig.ledger.read(lambda connection: connection.execute(select(sign_in_codes)).all())
    assert rig.codes[0][1] not in str(rows)
    assert "example.org" not in str(rows)


async def test_the_form_needs_a_seal_of_ours(rig: FullRig) -> None:
    answer = await rig.client.post("/sign-in", data={"address": "co-fp@example.org"})
    assert answer.status_code == 403
    assert rig.codes == []


async def test_a_link_from_a_mail_goes_on_to_itself_once_and_then_to_the_sign_in_page(rig: FullRig) -> None:
    first = await rig.client.get("/n/N-7F3K-92QD", headers={"Sec-Fetch-Site": "cross-site"})
    onward = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', first.text)
    assert onward is not None
    second = await rig.client.get(onward[1], headers={"Sec-Fetch-Site": "same-origin"})
    assert (second.status_code, second.headers["location"]) == (303, "/sign-in?next=%2Fn%2FN-7F3K-92QD")
    without_the_header = await rig.client.get(onward[1])
    assert without_the_header.status_code == 303


async def test_without_signing_in_nothing_tells_whether_an_alert_exists(rig: FullRig) -> None:
    message_id = await rig.post(_AMBER, await rig.key())
    relay_id, opaque_id = await _references(rig, message_id)
    texts = set()
    for reference in (opaque_id, "N-0000-0000"):
        page = await rig.client.get(f"/n/{reference}")
        texts.add(page.text.replace(reference, ""))
    for reference in (relay_id, "SATA-UY-2026-999999"):
        page = await rig.client.get(f"/alerts/{reference}?again=1")
        assert page.status_code == 303
    assert len(texts) == 1


async def test_signed_in_a_focal_point_reads_amber_whole_and_is_remembered_as_having_seen_it(
    rig: FullRig,
) -> None:
    message_id = await rig.post(_AMBER, await rig.key())
    relay_id, opaque_id = await _references(rig, message_id)
    await sign_in(rig, "co-fp")
    for address in (f"/n/{opaque_id}", f"/alerts/{relay_id}"):
        page = await rig.client.get(address)
        assert page.status_code == 200
        assert "N-etilpentilona" in page.text
        assert "Sesión abierta en nombre de: Institution co-fp" in page.text
    assert await rig.answers() == [("co-fp", "seen", "page")]


async def test_a_head_or_a_browser_reading_ahead_has_not_seen_it(rig: FullRig) -> None:
    message_id = await rig.post(_AMBER, await rig.key())
    _, opaque_id = await _references(rig, message_id)
    await sign_in(rig, "co-fp")
    await rig.client.head(f"/n/{opaque_id}")
    await rig.client.get(f"/n/{opaque_id}", headers={"Sec-Purpose": "prefetch"})
    assert await rig.answers() == []


async def test_signed_in_an_answer_needs_the_seal_of_this_session(rig: FullRig) -> None:
    message_id = await rig.post(_AMBER, await rig.key())
    _, opaque_id = await _references(rig, message_id)
    await sign_in(rig, "co-fp")
    page = await rig.client.get(f"/n/{opaque_id}")
    fields = {"state": "acting", "note": "", "action_on": ""}
    forged = await rig.client.post(f"/n/{opaque_id}?version=1", data=fields)
    assert forged.status_code == 403
    fields["seal"] = seal_of(page, f"/n/{opaque_id}")
    answered = await rig.client.post(f"/n/{opaque_id}?version=1", data=fields)
    assert answered.status_code == 200
    assert (await rig.answers())[-1] == ("co-fp", "acting", "page")


@pytest.mark.parametrize(
    ("tlp", "who", "sees"),
    [
        ("TLP:CLEAR", "es-obs", True),
        ("TLP:GREEN", "es-obs", False),
        ("TLP:GREEN", "ca-lab", True),
        ("TLP:AMBER", "ca-lab", True),
        ("TLP:AMBER+STRICT", "ca-lab", False),
        ("TLP:AMBER+STRICT", "co-fp", True),
        ("TLP:RED", "co-fp", False),
        ("TLP:RED", "us-sec", True),
        ("TLP:RED", "uy-ndo", True),
    ],
)
async def test_the_page_shows_what_the_table_allows_and_404_for_the_rest(
    rig: FullRig, tlp: str, who: str, sees: bool
) -> None:
    message_id = await rig.post(minimal_alert_json(tlp=tlp), await rig.key())
    relay_id, opaque_id = await _references(rig, message_id)
    await sign_in(rig, who)
    for address in (f"/alerts/{relay_id}", f"/n/{opaque_id}"):
        page = await rig.client.get(address)
        assert page.status_code == (200 if sees else 404)
        assert ("etilpentilona" in page.text) is sees


async def test_what_may_not_be_seen_is_the_page_of_what_does_not_exist(rig: FullRig) -> None:
    message_id = await rig.post(minimal_alert_json(tlp="TLP:RED"), await rig.key())
    relay_id, _ = await _references(rig, message_id)
    await sign_in(rig, "co-fp")
    hidden = await rig.client.get(f"/alerts/{relay_id}")
    missing = await rig.client.get("/alerts/SATA-UY-2026-999999")
    assert hidden.text.replace(relay_id, "") == missing.text.replace("SATA-UY-2026-999999", "")


async def test_a_view_of_red_by_the_secretariat_is_written_to_the_audit(rig: FullRig) -> None:
    message_id = await rig.post(minimal_alert_json(tlp="TLP:RED"), await rig.key())
    relay_id, _ = await _references(rig, message_id)
    await sign_in(rig, "us-sec")
    await rig.client.get(f"/alerts/{relay_id}")
    rows = await rig.ledger.read(
        lambda connection: connection.execute(select(audit).where(audit.c.act == "alert.viewed")).all()
    )
    assert [(row.actor, row.subject) for row in rows] == [("us-sec", message_id)]


async def test_a_narrower_version_closes_the_pages_of_the_earlier_ones(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(minimal_alert_json(), headers)
    relay_id, _ = await _references(rig, first)
    await sign_in(rig, "ca-lab")
    assert (await rig.client.get(f"/alerts/{relay_id}?version=1")).status_code == 200
    rig.clock.move(timedelta(hours=1))
    await rig.post(minimal_alert_json(version=2, message_type="correction", tlp="TLP:AMBER+STRICT"), headers)
    assert (await rig.client.get(f"/alerts/{relay_id}?version=1")).status_code == 404
    assert (await rig.client.get(f"/alerts/{relay_id}")).status_code == 404


async def test_a_wider_version_does_not_open_what_was_stricter(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(minimal_alert_json(tlp="TLP:AMBER+STRICT"), headers)
    relay_id, _ = await _references(rig, first)
    rig.clock.move(timedelta(hours=1))
    await rig.post(minimal_alert_json(version=2, message_type="correction", tlp="TLP:GREEN"), headers)
    await sign_in(rig, "ca-lab")
    assert (await rig.client.get(f"/alerts/{relay_id}")).status_code == 200
    assert (await rig.client.get(f"/alerts/{relay_id}?version=1")).status_code == 404
    await sign_in(rig, "co-fp")
    page = await rig.client.get(f"/alerts/{relay_id}")
    assert "version=1" in page.text


async def test_signing_out_ends_the_session(rig: FullRig) -> None:
    await sign_in(rig, "co-fp")
    page = await rig.client.get("/alerts")
    kept = dict(rig.client.cookies)
    await rig.client.post("/sign-out", data={"seal": seal_of(page, "/sign-out")})
    rig.client.cookies.clear()
    again = await rig.client.get("/alerts?again=1", cookies=kept)
    assert again.status_code == 303


async def test_a_session_ends_after_twelve_hours(rig: FullRig) -> None:
    await sign_in(rig, "co-fp")
    rig.clock.move(timedelta(hours=12))
    assert (await rig.client.get("/alerts?again=1")).status_code == 303


@pytest.mark.parametrize("reference", ["x" * 500, "%00", "N-%FF", "..%2f", "ñ", "1;drop"])
async def test_odd_references_are_not_found(rig: FullRig, reference: str) -> None:
    await sign_in(rig, "co-fp")
    for folder in ("n", "alerts"):
        page = await rig.client.get(f"{URL}/{folder}/{reference}")
        assert page.status_code == 404


async def test_who_had_what_was_taken_back_reads_that_and_nothing_else(rig: FullRig) -> None:
    headers = await rig.key()
    first = await rig.post(minimal_alert_json(), headers)
    assert rig.deliveries is not None
    (told,) = [one for one in await rig.deliveries.of_message(first) if one.recipient_id == "co-fp"]
    await rig.deliver(told)
    rig.clock.move(timedelta(hours=1))
    await rig.post(minimal_alert_json(version=2, message_type="correction", tlp="TLP:RED"), headers)
    _, opaque_id = await _references(rig, first)
    await sign_in(rig, "co-fp")
    page = await rig.client.get(f"/n/{opaque_id}")
    assert page.status_code == 200
    for secret in ("etilpentilona", "Uruguay", "SATA-UY", "SAT-UY", "Observatorio"):
        assert secret not in page.text
    assert opaque_id in page.text
    await sign_in(rig, "es-obs")
    assert (await rig.client.get(f"/n/{opaque_id}")).status_code == 404


async def test_only_the_sender_and_the_secretariat_see_who_answered_what(rig: FullRig) -> None:
    message_id = await rig.post(minimal_alert_json(), await rig.key())
    relay_id, _ = await _references(rig, message_id)
    link = await rig.client.get(f"/a/{rig.token(message_id, 'co-fp')}")
    fields = {"seal": seal_of(link), "state": "acting", "note": "<b>Aviso</b>", "action_on": "2026-11-21"}
    assert (await rig.client.post(f"/a/{rig.token(message_id, 'co-fp')}", data=fields)).status_code == 200
    for who, sees in (("uy-ndo", True), ("us-sec", True), ("ca-lab", False), ("co-fp", False)):
        rig.client.cookies.clear()
        await sign_in(rig, who)
        page = (await rig.client.get(f"/alerts/{relay_id}?lang=en")).text
        assert ("Reach and answers" in page) is sees
        assert ("<strong>Institution co-fp, Colombia</strong>: Acting, " in page) is sees
        assert ("Date of the action: 21 November 2026" in page) is sees
        assert ("<blockquote>&lt;b&gt;Aviso&lt;/b&gt;</blockquote>" in page) is sees
        assert 'href="/alerts?lang=en"' in page


async def test_below_a_closure_and_a_dispute_stands_what_stays_valid(rig: FullRig) -> None:
    headers = await rig.key()
    message_id = await rig.post(minimal_alert_json(), headers)
    relay_id, _ = await _references(rig, message_id)
    empty = {"findings": [], "title": "Cierre", "summary": "Sin casos nuevos."}
    await rig.post(minimal_alert_json(version=2, message_type="closure", **empty), headers)
    await sign_in(rig, "ca-lab")
    page = (await rig.client.get(f"/alerts/{relay_id}?lang=en")).text
    closure, facts = page.split("The alert as it stands", 1)
    assert "N-etilpentilona" not in closure.split("<article", 1)[1]
    assert "N-ethylpentylone" in facts
    assert "Substitution" in facts
    token = rig.token(message_id, "ca-lab")
    assert (
        "The alert as it stands" not in (await rig.client.get(f"/a/{token}?lang=en")).text
    )  # the alert itself


async def test_the_pages_name_the_zone_of_their_times(rig: FullRig) -> None:
    message_id = await rig.post(minimal_alert_json(), await rig.key())
    relay_id, _ = await _references(rig, message_id)
    await sign_in(rig, "ca-lab")
    alert, listed, link = [
        (await rig.client.get(path)).text
        for path in (
            f"/alerts/{relay_id}?lang=en",
            "/alerts?lang=en",
            f"/a/{rig.token(message_id, 'ca-lab')}?lang=en",
        )
    ]
    assert re.search(r"Please acknowledge by \d+ November, \d\d:\d\d \(UTC-5\)\.", alert)
    assert "Times are in America/Bogota (UTC-5)." in alert
    assert "Times are in America/Bogota (UTC-5)." in link
    assert re.search(r"21 November 2026, \d\d:\d\d \(UTC-5\)</td>", listed)
