"""Who was reached and what each institution answered: for the sender's and the secretariat's pages alone.

Nobody else is shown other recipients, their number or their answers (`services.http.reading.INSIDE` decides).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.dates import PartialDate
from services.http.answers import answers_that_count
from services.notify.pages.words import Say
from services.notify.typography import colon
from services.notify.voice import Voice
from services.storage.records import Answer, Reach, Recipient


def answers_shown(
    every: Sequence[Answer],
    institutions: Mapping[str, Recipient],
    reach: Reach,
    *,
    voice: Voice,
    say: Say,
) -> dict[str, Any]:
    """Return what the page's template names: how far the message got, and each answer that counts, oldest first."""
    return {
        "reach": say(
            "site.reach",
            recipients=reach.recipients,
            delivered=reach.delivered,
            acknowledged=reach.acknowledged,
            failed=reach.failed,
        ),
        "items": [
            _item(one, institutions.get(one.recipient_id), voice=voice, say=say)
            for one in answers_that_count(every)
        ],
    }


def _item(one: Answer, institution: Recipient | None, *, voice: Voice, say: Say) -> dict[str, str]:
    named = institution.organisation if institution else one.recipient_id
    acted = PartialDate.parse(one.action_on) if one.action_on else None
    return {
        "institution": f"{named}, {voice.country(institution.country)}" if institution else named,
        "answer": f"{say(f'ack_state.{one.state}')}, {voice.zoned(one.answered_at)}",
        "acted": f"{say('site.action_date')}{colon(voice.language)} {voice.date_of(acted)}" if acted else "",
        "note": one.note or "",
    }
