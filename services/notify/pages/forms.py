"""The form by which an institution answers, and what came back in it."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.dates import PartialDate
from schemas.notifications import Acknowledgement
from schemas.vocabularies import AckState, MessageType, ThreadState
from services.http.answers import lies_ahead
from services.http.forms import FIELD, Seals
from services.notify.pages.words import Say
from services.storage.delivery_records import NewAnswer
from services.storage.records import Answer, Recipient, Version

LONGEST_NOTE: Final = 500
_DONE: Final = "done"
STATES: Final = tuple(
    state.value
    for state in (AckState.ACKNOWLEDGED, AckState.ACTING, AckState.ACTION_TAKEN, AckState.NOT_RELEVANT)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form as it came back; `error` is what to tell, None where it can be kept."""

    state: str
    note: str
    action_on: str
    error: str | None
    status: int = 200

    def answer(self, *, message_id: str, recipient_id: str, via: str) -> NewAnswer:
        """Return what is kept of it."""
        return NewAnswer(
            message_id=message_id,
            recipient_id=recipient_id,
            state=self.state,
            note=self.note or None,
            action_on=self.action_on or None,
            via=via,
        )


def read_answer(fields: Mapping[str, str], *, sealed: bool, now: datetime, say: Say) -> Filled:
    """Return what a form states; `sealed`: it came from a page of ours."""
    state = fields.get("state", "")
    note = fields.get("note", "").replace("\r\n", "\n").strip()
    action_on = fields.get("action_on", "")
    error, status = None, 200
    if not sealed:
        error, status = say("page.failed"), 403
    elif len(note) > LONGEST_NOTE:
        error, status = say("page.too_long", n=len(note), max=LONGEST_NOTE), 422
    elif state not in STATES or not _is_day(action_on) or not _is_text(note):
        error, status = say("page.failed"), 422
    elif action_on and lies_ahead(PartialDate.parse(action_on), now=now):
        error, status = say("site.action_ahead"), 422
    if status == 403 or not _is_text(note):
        note = ""
    return Filled(
        state=state if state in STATES else STATES[0],
        note=note[: 4 * LONGEST_NOTE],
        action_on=action_on if _is_day(action_on) else "",
        error=error,
        status=status,
    )


def form_values(
    *,
    action: str,
    purpose: str,
    recipient: Recipient,
    answered: Answer | None,
    filled: Filled | None,
    notices: Sequence[Mapping[str, str]],
    recall: bool,
    seals: Seals,
    now: datetime,
) -> dict[str, Any]:
    """Return what the form's template names: what was just typed, else the answer that counts.

    `recall`: its note may be shown here. A note on what is above TLP:GREEN may tell of it, and a personal link
    opens without signing in.
    """
    typed = filled if filled is not None and filled.error else None
    chosen = typed.state if typed else STATES[0]
    if typed is None and answered is not None and answered.state in STATES:
        chosen = answered.state
    before = answered if recall else None
    acted = before.action_on if before and _is_day(before.action_on or "") else None
    return {
        "action": f"{action}#answer",  # the browser goes to what is said of it
        "seal": seals.make(purpose, now=now, nonce=secrets.token_hex(8)),
        "organisation": recipient.organisation,
        "error": typed.error if typed else None,
        "done": next((one["text"] for one in notices if one["kind"] == _DONE), None),
        "states": STATES,
        "chosen": chosen,
        "action_on": typed.action_on if typed else acted or "",
        "note": typed.note if typed else (before.note if before else None) or "",
        "longest": LONGEST_NOTE,
        "nothing_yet": answered is None,
    }


def sealed(fields: Mapping[str, str], purpose: str, *, seals: Seals, now: datetime) -> bool:
    """Return whether a form carries a seal for its purpose."""
    return seals.holds(fields.get(FIELD, ""), purpose, now=now)


def notices_of(
    *,
    error: str | None = None,
    answered: Answer | None,
    just_now: bool,
    version: int,
    newest: int,
    retracted: bool,
    say: Say,
    moment: Callable[[datetime], str],
) -> list[dict[str, str]]:
    """Return what stands on top of an alert: not recorded, recorded, answered already, replaced, withdrawn."""
    notices = [] if error is None else [{"kind": "error", "text": error}]
    if answered is not None and answered.state in STATES:
        name = "page.done" if just_now else "page.already"
        word = say(f"ack_state.{answered.state}")
        text = say(name, state=word, datetime=moment(answered.answered_at))
        notices.append({"kind": _DONE if just_now else "info", "text": text})
    if retracted:
        notices.append({"kind": "warning", "text": say("page.retracted")})
    elif newest > version:
        notices.append({"kind": "warning", "text": say("page.superseded", version=newest)})
    return notices


def is_withdrawn(version: Version) -> bool:
    """Return whether this version was taken back by a later message; the retraction itself was not."""
    return (
        version.thread.state == ThreadState.RETRACTED and version.message_type is not MessageType.RETRACTION
    )


def _is_day(text: str) -> bool:
    if not text:
        return True
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_text(note: str) -> bool:
    """Return whether a note is text that the contract of answers takes."""
    try:
        Acknowledgement(state=AckState.ACKNOWLEDGED, note=note[:LONGEST_NOTE] or None)
    except ValidationError:
        return False
    return True
