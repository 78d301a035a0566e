"""What readers are answered about stored alerts, put together from what they may see. Pure."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from schemas import receipts as answers
from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation
from schemas.dates import PartialDate
from schemas.receipts import AlertSummary, AlertView, AnswerEntry, HistoryEntry, Receipt
from schemas.vocabularies import AckState, Category, MessageState, Severity, ThreadState
from services.http.answers import answers_that_count
from services.http.problems import is_id
from services.storage.records import Answer, Message, Reach, Recipient, Version

Word = TypeVar("Word", bound=StrEnum)

DRAFT: Final = "draft"
MOST_ON_A_PAGE: Final = 200
_USUAL: Final = 50


class BadQuery(Exception):
    """A parameter of the query is wrong: its name and what it takes."""

    def __init__(self, name: str, takes: str) -> None:
        """Keep both for the problem document."""
        super().__init__(name)
        self.name = name
        self.takes = takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a list of alerts is asked for. `decided_after` reads classified ones, `received_after` the others."""

    state: MessageState = MessageState.CLASSIFIED
    country: str | None = None
    category: Category | None = None
    severity: Severity | None = None
    limit: int = _USUAL
    decided_after: int = 0
    received_after: tuple[datetime, str] | None = None


def read_query(parameters: Mapping[str, str]) -> Query:
    """Return the query that the parameters state; raises `BadQuery`."""
    for name in parameters:
        if name not in ("since", "state", "country", "category", "severity", "limit"):
            raise BadQuery(name[:40], "This parameter is not known here.")
    state = _one_of(MessageState, parameters, "state") or MessageState.CLASSIFIED
    country = parameters.get("country")
    if country is not None and not (len(country) == 2 and country.isascii() and country.isupper()):
        raise BadQuery("country", "A country code of ISO 3166-1 alpha-2.")
    since = parameters.get("since")
    classified = state is MessageState.CLASSIFIED
    return Query(
        state=state,
        country=country,
        category=_one_of(Category, parameters, "category"),
        severity=_one_of(Severity, parameters, "severity"),
        limit=read_limit(parameters),
        decided_after=read_number(since) if classified else 0,
        received_after=None if classified or since is None else _read_place(since),
    )


def read_limit(parameters: Mapping[str, str]) -> int:
    """Return how many entries a page has; raises `BadQuery`."""
    limit = parameters.get("limit", str(_USUAL))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= MOST_ON_A_PAGE):
        raise BadQuery("limit", f"A number from 1 to {MOST_ON_A_PAGE}.")
    return int(limit)


def read_number(cursor: str | None) -> int:
    """Return the place that a cursor of numbers names, 0 for none; raises `BadQuery`."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise BadQuery("since", "A cursor that the relay gave as next.")
    return int(cursor)


def write_place(message: Message) -> str:
    """Return the cursor behind a message in order of receipt."""
    text = f"{message.received_at.isoformat()} {message.id}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def alert_view(
    message: Message,
    *,
    receipt: Receipt,
    alert: Alert,
    version: Version | None = None,
    classification: Classification | None = None,
    correlation: Correlation | None = None,
    history: Iterable[Version] = (),
    reach: Reach | None = None,
    answered: tuple[AnswerEntry, ...] | None = None,
    own: bool,
) -> AlertView:
    """Return one alert as its reader sees it; `own`: the sender and the secretariat, who see why it waits."""
    state, reason = message_state(message)
    return AlertView(
        receipt=receipt,
        alert=alert,
        state=state,
        state_reason=reason if own else None,
        thread_id=version.thread.id if version else None,
        thread_version=version.thread_version if version else None,
        relay_id=version.thread.relay_id if version else None,
        thread_state=ThreadState(version.thread.state) if version else None,
        disputed=version.thread.disputed if version else False,
        classification=classification,
        correlation=correlation,
        history=tuple(_entry(one) for one in history),
        reach=None if reach is None else reach_view(reach),
        answers=answered,
    )


def message_state(message: Message) -> tuple[MessageState, str | None]:
    """Return the state of a message and its reason; a draft waits to be sent, and says so."""
    if message.state == DRAFT:
        return MessageState.PENDING, DRAFT
    return MessageState(message.state), message.state_reason


def reach_view(reach: Reach) -> answers.Reach:
    """Return how far a message got, as it is answered."""
    return answers.Reach(
        recipients=reach.recipients,
        notified=reach.notified,
        delivered=reach.delivered,
        acknowledged=reach.acknowledged,
        failed=reach.failed,
        held_back=dict(reach.held_back),
    )


def answers_view(every: Sequence[Answer], institutions: Mapping[str, Recipient]) -> tuple[AnswerEntry, ...]:
    """Return what each institution answered, oldest first; for the sender and the secretariat."""
    return tuple(_answer(one, institutions.get(one.recipient_id)) for one in answers_that_count(every))


def _answer(one: Answer, institution: Recipient | None) -> AnswerEntry:
    return AnswerEntry(
        recipient_id=one.recipient_id,
        country=institution.country if institution else None,
        organisation=institution.organisation if institution else None,
        state=AckState(one.state),
        note=one.note,
        action_on=PartialDate.parse(one.action_on) if one.action_on else None,
        via=one.via,
        answered_at=one.answered_at,
    )


def summary(message: Message, *, alert: Alert, base: str, version: Version | None = None) -> AlertSummary:
    """Return one line of a list; `alert` is what the reader may see of it."""
    labels = version.classification.categories if version else ()
    return AlertSummary(
        id=message.id,
        relay_id=version.thread.relay_id if version else None,
        national_ref=alert.national_ref,
        version=alert.version,
        thread_version=version.thread_version if version else None,
        message_type=alert.message_type,
        status=alert.status,
        state=message_state(message)[0],
        tlp=alert.tlp,
        country=alert.location.country,
        title=alert.title,
        severity=version.classification.severity.level if version else None,
        categories=tuple(dict.fromkeys(label.code.value for label in labels)),
        sent_at=alert.sent_at,
        received_at=message.received_at,
        url=f"{base}/v1/alerts/{message.id}",
    )


def _entry(version: Version) -> HistoryEntry:
    alert = version.alert
    return HistoryEntry(
        id=version.message.id,
        national_ref=alert.national_ref,
        version=alert.version,
        thread_version=version.thread_version,
        message_type=alert.message_type,
        update_reason=alert.update_reason,
        tlp=alert.tlp,
        severity=version.classification.severity.level,
        sent_at=alert.sent_at,
        received_at=version.message.received_at,
    )


def _one_of(kind: type[Word], parameters: Mapping[str, str], name: str) -> Word | None:
    given = parameters.get(name)
    if given is None:
        return None
    try:
        return kind(given)
    except ValueError:
        raise BadQuery(name, "One of " + ", ".join(kind) + ".") from None


def _read_place(cursor: str) -> tuple[datetime, str]:
    try:
        at, message_id = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode().split(" ")
        received_at = datetime.fromisoformat(at)
    except (binascii.Error, UnicodeError, ValueError) as fault:
        raise BadQuery("since", "A cursor that the relay gave as next.") from fault
    if received_at.tzinfo is None or not is_id(message_id):
        raise BadQuery("since", "A cursor that the relay gave as next.")
    return received_at.astimezone(UTC), message_id
