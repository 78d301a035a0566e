"""Seals on forms."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.http.forms import VALID_FOR, Seals

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SEALS = Seals(b"k" * 32)


def test_a_seal_holds_for_its_own_purpose_only() -> None:
    seal = SEALS.make("link:1", now=NOW, nonce="aa")
    assert SEALS.holds(seal, "link:1", now=NOW)
    assert not SEALS.holds(seal, "link:2", now=NOW)


def test_a_seal_ends() -> None:
    seal = SEALS.make("p", now=NOW, nonce="aa")
    assert SEALS.holds(seal, "p", now=NOW + VALID_FOR)
    assert not SEALS.holds(seal, "p", now=NOW + VALID_FOR + timedelta(seconds=1))


def test_another_key_makes_another_seal() -> None:
    assert not SEALS.holds(Seals(b"x" * 32).make("p", now=NOW, nonce="aa"), "p", now=NOW)


@given(st.text(max_size=80))
def test_whatever_is_typed_is_no_seal(text: str) -> None:
    assert not SEALS.holds(text, "p", now=NOW)


def test_forms_are_not_sealed_with_the_key_that_signs_links() -> None:
    seal = SEALS.make("p", now=NOW, nonce="aa")
    head, _, mac = seal.rpartition(".")
    signed = hmac.new(b"k" * 32, f"{head}|p".encode(), hashlib.sha256).digest()
    assert mac != base64.urlsafe_b64encode(signed[: len(base64.urlsafe_b64decode(mac))]).decode()
    assert SEALS.holds(seal, "p", now=NOW)
