"""The mail that brings a code: plain text, with the headers that mail servers ask for."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest

from services.notify.mime import build_plain
from services.notify.pages.words import code_letter, load_words


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt"])
def test_a_code_comes_with_an_id_of_its_own_and_an_address_that_someone_reads(language: str) -> None:
    subject, text = code_letter(load_words(), code="12345678", language=language, minutes=10)
    written = build_plain(
        subject,
        text,
        sender="relay@example.org",
        to="co@example.org",
        reply_to="secretariat@example.org",
        language=language,
        message_id="<1@relay.example.org>",
        at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    )
    message = message_from_bytes(written)
    assert message["Message-ID"] == "<1@relay.example.org>"
    assert message["Reply-To"] == "secretariat@example.org"
    assert message["Date"] == "Sat, 21 Nov 2026 12:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert str(make_header(decode_header(message["Subject"]))) == subject
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode() == text
    assert "12345678" in text
    assert "12345678" not in subject


def test_an_address_cannot_bring_a_header() -> None:
    with pytest.raises(ValueError, match="control character"):
        build_plain(
            "s",
            "t",
            sender="relay@example.org",
            to="a@example.org\nBcc: b@example.org",
            reply_to=None,
            language="en",
            message_id="<1@x>",
            at=datetime(2026, 11, 21, tzinfo=UTC),
        )
