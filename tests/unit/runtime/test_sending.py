"""What a process sends with fits the claims that it sends under."""

from datetime import timedelta

import pytest

from services.notify.dispatch import MARGIN
from services.runtime import embedded, kafka, settings
from services.runtime.sending import mail_channel


@pytest.mark.parametrize(
    ("given", "claims_end_after", "seconds"),
    [
        ("PT30S", kafka._CLAIMS_END_AFTER, 10),
        ("PT5S", kafka._CLAIMS_END_AFTER, 5),
        ("PT30S", embedded._CLAIMS_END_AFTER, 30),
    ],
)
def test_a_mail_server_that_never_answers_is_given_up_before_the_claim_ends(
    monkeypatch: pytest.MonkeyPatch, given: str, claims_end_after: timedelta, seconds: float
) -> None:
    monkeypatch.setenv("RELAY_EMAIL__TIMEOUT", given)
    channel = mail_channel(settings.load(), claims_end_after=claims_end_after)
    assert channel._timeout == seconds
    assert timedelta(seconds=2 * channel._timeout) < claims_end_after - MARGIN  # all steps of an attempt
