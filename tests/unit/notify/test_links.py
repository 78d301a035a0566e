"""Acknowledgement tokens: found without a search, forged by nobody, revoked with their key."""

from datetime import timedelta
from string import ascii_letters, digits

from hypothesis import given
from hypothesis import strategies as st

from services.notify.links import (
    LinkKeys,
    expired,
    make_links,
    make_token,
    read_token,
    recipient_of,
)
from tests.builders import NOW

MESSAGE = "0f6c2f0e-6a55-5a0e-9c55-1d6f3f1b7a10"
KEYS = LinkKeys(keys={1: b"a" * 32, 2: b"b" * 32}, current=2)


def test_a_token_is_short_and_url_safe_and_names_nobody() -> None:
    token = make_token(KEYS, message_id=MESSAGE, recipient_id="co-focal")
    assert len(token) <= 60
    assert set(token) <= set(ascii_letters + digits + "-_")
    assert token == make_token(KEYS, message_id=MESSAGE, recipient_id="co-focal")


def test_a_token_leads_back_to_its_message_and_recipient() -> None:
    read = read_token(KEYS, make_token(KEYS, message_id=MESSAGE, recipient_id="co-focal"))
    assert read is not None
    assert (read.message_id, read.key_version) == (MESSAGE, 2)
    assert recipient_of(read, ["br-focal", "co-focal"]) == "co-focal"
    assert recipient_of(read, ["br-focal"]) is None


def test_an_older_key_still_verifies_and_a_removed_one_does_not() -> None:
    old = make_token(LinkKeys(keys=KEYS.keys, current=1), message_id=MESSAGE, recipient_id="co-focal")
    assert read_token(KEYS, old) is not None
    assert read_token(LinkKeys(keys={2: b"b" * 32}, current=2), old) is None


@given(place=st.integers(0, 54), letter=st.sampled_from(ascii_letters + digits + "-_"))
def test_a_token_with_another_letter_is_worth_nothing(place: int, letter: str) -> None:
    token = make_token(KEYS, message_id=MESSAGE, recipient_id="co-focal")
    forged = token[:place] + letter + token[place + 1 :]
    assert forged == token or read_token(KEYS, forged) is None


@given(st.text(max_size=80))
def test_anything_else_is_no_token_and_no_error(text: str) -> None:
    assert read_token(KEYS, text) is None


def test_a_link_expires_ninety_days_after_it_was_sent() -> None:
    assert not expired(sent_at=NOW, now=NOW + timedelta(days=90))
    assert expired(sent_at=NOW, now=NOW + timedelta(days=91))


def test_what_is_restricted_is_named_by_its_opaque_reference_only() -> None:
    links = make_links(
        "https://relay.example.org/",
        relay_id="SATA-US-2026-000001",
        opaque_id="N-7F3K-92QD",
        notification_id="n",
        token="t",
        restricted=True,
    )
    assert links.page == "https://relay.example.org/n/N-7F3K-92QD"
    assert "US" not in f"{links.page}{links.acknowledge}{links.acknowledge_api}"
