"""The HTML part and the bytes of the message: complete, self-contained, and safe from what others write."""

import email
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from html.parser import HTMLParser
from typing import Any

import pytest

from schemas.vocabularies import Tlp
from services.notify.email_html import (
    INK,
    INK_DARK,
    LABEL,
    LABEL_GROUND,
    LINK,
    PAPER,
    PAPER_DARK,
    SEVERITY,
    SEVERITY_DARK,
)
from services.notify.mime import build_mime
from services.notify.rendering import Email, render_email
from tests.letters import PLACES, example, make_letter, terms

HOSTILE = '</h1><script>alert(1)</script><img src="https://evil.example/x.png" onerror=x>'
NOW = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)


class _Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.seen if each == tag]


def _email(language: str = "en", **changes: Any) -> Email:
    letter = make_letter(example("uy-07", **changes), language=language)
    return render_email(letter, terms=terms(), places=PLACES, domain="relay.example.org")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_one_h1_an_h2_for_each_part_and_the_language_of_every_quotation() -> None:
    elements = _Elements(_email("fr").html)
    assert elements.named("html") == [{"lang": "fr", "dir": "ltr"}]
    assert len(elements.named("h1")) == 1
    assert len(elements.named("h2")) == 7
    assert {each["lang"] for each in elements.named("blockquote")} == {"es"}
    assert {each["lang"] for each in elements.named("span")} == {"es"}
    assert {each["role"] for each in elements.named("table")} == {"presentation"}


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt"])
def test_both_parts_have_the_same_words(language: str) -> None:
    made = _email(language)
    body = made.html.partition("<body")[2]
    shown = _words(" ".join(_Elements("<body" + body).text).casefold())
    plain = _words(made.text.casefold())
    # the label of a button is not repeated before its address, and quotation marks are no words
    assert set(plain) == set(shown)


def test_nothing_is_fetched_embedded_or_run() -> None:
    elements = _Elements(_email().html)
    tags = {tag for tag, _ in elements.seen}
    assert not tags & {"img", "script", "link", "form", "iframe", "object", "video", "audio", "input"}
    assert not any(name.startswith("on") for _, attributes in elements.seen for name in attributes)
    assert "url(" not in _email().html
    assert "@import" not in _email().html


def test_a_link_says_where_it_goes_and_the_button_has_its_address_beside_it() -> None:
    made = _email()
    elements = _Elements(made.html)
    for each in elements.named("a"):
        assert each["href"] in "".join(elements.text)


def test_what_senders_write_stays_text() -> None:
    product = {"form": "tablet", "colour": HOSTILE, "brand": HOSTILE}
    finding = {
        "sold_as": HOSTILE,
        "product": product,
        "substances": [{"name": HOSTILE, "confirmation": "confirmed"}],
    }
    made = _email(
        title=HOSTILE,
        summary=HOSTILE,
        findings=[finding],
        recommended_actions=[{"text": HOSTILE}],
        location={"country": "UY", "locality": HOSTILE},
        sender={"country": "UY", "organisation": HOSTILE, "role": "ndo"},
        translations={"en": {"title": HOSTILE, "summary": HOSTILE, "origin": "human"}},
    )
    elements = _Elements(made.html)
    assert {"script", "img"}.isdisjoint(tag for tag, _ in elements.seen)
    assert len(elements.named("h1")) == 1
    assert "<script" not in made.html
    assert "<title>" in made.html
    assert "</h1><script>" in made.text  # plain text is plain


def test_a_line_break_or_a_change_of_direction_in_a_name_does_not_get_through() -> None:
    letter = make_letter(example("uy-07"), language="es")
    assert letter.alert is not None
    finding = letter.alert.findings[0]
    names = "MDMA\r\nBcc: x@evil.example\u202e\u2028WHAT TO DO"
    substance = finding.substances[0].model_copy(update={"name": names})
    changed = finding.model_copy(update={"sold_as": names, "substances": (substance,)})
    alert = letter.alert.model_copy(update={"findings": (changed,), "title": names, "summary": names})
    made = render_email(
        replace(letter, alert=alert), terms=terms(), places=PLACES, domain="relay.example.org"
    )
    assert "\r" not in made.text
    assert "\u202e" not in made.text + made.html + made.subject
    assert not any(each.startswith("Bcc") for each in made.text.splitlines())
    message = email.message_from_bytes(_mime(made))
    assert message["Bcc"] is None
    assert message["Subject"] is not None


def test_many_findings_stay_under_100_kilobytes() -> None:
    substances = [{"name": "n" * 150 + str(at), "confirmation": "confirmed"} for at in range(100)]
    findings = [{"sold_as": "x" * 200, "substances": substances[at * 2 : at * 2 + 2]} for at in range(50)]
    made = _email(findings=findings, harms=[], narrative="n" * 20_000, summary="s" * 2_000)
    assert len(made.html.encode()) < 100_000


def _mime(made: Email, **changes: Any) -> bytes:
    stated: dict[str, Any] = {
        "sender": "Señal de alerta <relay@example.org>",
        "to": "sat-co@example.org",
        "reply_to": "secretaria@example.org",
        "at": NOW,
    }
    return build_mime(made, **(stated | changes))


def test_an_accented_subject_keeps_its_spaces() -> None:
    for language in ("en", "es", "fr", "pt"):
        made = _email(language)
        read = email.message_from_bytes(_mime(made), policy=policy.default)
        assert read["Subject"] == made.subject


def test_the_message_has_both_parts_and_short_lines_ended_by_crlf() -> None:
    made = _email("es")
    raw = _mime(made)
    read = email.message_from_bytes(raw)
    assert read.get_content_type() == "multipart/alternative"
    text, html = (part.get_payload(decode=True).decode().replace("\r\n", "\n") for part in read.get_payload())
    assert (text, html) == (made.text, made.html)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert raw.isascii()
    assert read["To"] == "sat-co@example.org"
    assert read["Reply-To"] == "secretaria@example.org"
    assert read["Auto-Submitted"] == "auto-generated"
    assert read["Cc"] is None


def test_two_tries_differ_in_nothing_but_their_date() -> None:
    made = _email()
    assert _mime(made) == _mime(made)


@pytest.mark.parametrize(
    "address", ["a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "nobody"]
)
def test_an_address_that_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        _mime(_email(), to=address)


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read_on_light_and_on_dark() -> None:
    assert all(_contrast(colour, PAPER) >= 7 for colour in (INK, LINK, *SEVERITY.values()))
    assert all(_contrast(colour, PAPER_DARK) >= 7 for colour in (INK_DARK, *SEVERITY_DARK.values()))
    assert all(_contrast(colour, LABEL_GROUND) >= 5 for colour in LABEL.values())
    assert set(LABEL) == set(Tlp)
