"""Taking alerts in: who may send what, ids, the ledger. Store, then answer.

A message is answered only after the ledger has committed it together with its outgoing record; `Transient`
passes through, and the caller may repeat: the ids absorb it.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from schemas.alerts import Alert, Reference, Sender, content_sha256, stored_json
from schemas.problems import Fault
from schemas.receipts import Receipt
from schemas.rules import RELATION_OF
from schemas.vocabularies import MessageType, SenderRole
from services.errors import Transient
from services.http.problems import Refusal, fault
from services.ingest import batches, identifiers
from services.ingest.validation import InvalidAlert, parse_alert
from services.storage.ports import Receipts
from services.storage.receipt_records import TOPIC, Refused, Repeated, Submission, event_payload
from services.storage.records import ApiKey, Directory, Event, Message
from services.storage.thread_records import NotTheirs

_OF_ITS_OWN_THREAD = frozenset(RELATION_OF.values())
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_NOT_THEIRS = {
    NotTheirs.WITHOUT_SCOPE: ("scope", "Changing the alert of another institution needs the scope amend."),
    NotTheirs.OF_ANOTHER_STATE: ("country", "Only institutions of its own state may change an alert."),
}
_AT_A_TIME = 128  # accepts of one batch that wait for the ledger together: they share its commits


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A message is in the ledger: now (`new`), or it was there already."""

    receipt: Receipt
    new: bool


class Amending(Protocol):
    """What taking an alert in asks of the threads."""

    async def not_theirs(self, message: Message) -> NotTheirs | None:
        """Return why this sender may not change what a message refers to; None: it may, or that is not known yet."""
        ...


class Ingest:
    """Takes alerts from the holders of API keys."""

    def __init__(
        self,
        receipts: Receipts,
        threads: Amending,
        *,
        directory: Callable[[], Awaitable[Directory]],
        clock: Callable[[], datetime],
        public_url: str,
    ) -> None:
        """Take the ports, the directory (for named recipients) and the base of status links."""
        self._receipts = receipts
        self._threads = threads
        self._directory = directory
        self._clock = clock
        self._base = public_url.rstrip("/")

    async def submit(
        self,
        body: bytes,
        *,
        key: ApiKey,
        idempotency_key: str | None = None,
        traceparent: str | None = None,
    ) -> Kept:
        """Keep one alert as posted.

        Raises `Refusal`: 400 not JSON, 403 a country that the key may not report for or an alert that it may not
        change, 409 taken by another content, 413, 422 with a pointer for each fault. Safe to repeat.
        """
        now = self._clock()
        alert = as_sent_by(parse(body, now=now), key)
        await self._check_named(alert)
        await self._check_references(alert, key=key)
        submission = _submission(
            alert, key=key, now=now, body=body, idempotency_key=idempotency_key, traceparent=traceparent
        )
        await self._check_amends_its_own(submission.message)
        answer = await self._receipts.accept(submission)
        if isinstance(answer, Refused):
            raise _refusal(answer)
        return Kept(receipt=self._receipt(answer.message), new=not isinstance(answer, Repeated))

    async def submit_batch(self, body: bytes, *, key: ApiKey) -> list[Kept | Refusal]:
        """Keep each alert of a batch by itself and return what became of it, in the order given.

        Raises `Refusal` where the body is no batch. The ledger out of reach is the answer of each alert that
        it befell, never of those that were kept.
        """
        try:
            alerts = batches.split(body)
        except batches.NotABatch as found:
            raise _not_a_batch(found.code) from found
        gate = asyncio.Semaphore(_AT_A_TIME)

        async def one(alert: bytes) -> Kept | Refusal:
            async with gate:
                return await self._submit_of_batch(alert, key=key)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(alert)) for alert in alerts]
        return [task.result() for task in tasks]

    async def _submit_of_batch(self, alert: bytes, *, key: ApiKey) -> Kept | Refusal:
        try:
            return await self.submit(alert, key=key)
        except Refusal as refusal:
            return refusal
        except Transient:
            return Refusal(503, "unavailable")

    async def _check_named(self, alert: Alert) -> None:
        if not alert.named_recipients:
            return
        known = (await self._directory()).recipients
        unknown = [
            fault(f"/named_recipients/{place}", "unknown_recipient", "The directory has no such recipient.")
            for place, recipient_id in enumerate(alert.named_recipients)
            if recipient_id not in known
        ]
        if unknown:
            raise Refusal(422, "invalid", errors=unknown)

    async def _check_references(self, alert: Alert, *, key: ApiKey) -> None:
        faults: list[Fault] = []
        own = {(key.institution_id, alert.national_ref)}
        for place, reference in enumerate(alert.references):
            fits = await self._receipts.fits(
                country=key.country,
                sender_id=key.institution_id,
                status=alert.status,
                reference=reference.ref,
            )
            pointer = f"/references/{place}/ref"
            if len(fits) > 1:
                faults.append(fault(pointer, "reference_ambiguous", "The reference fits several alerts."))
            elif fits == own and not _to_lower_version(alert, reference):
                faults.append(fault(pointer, "reference_to_itself", "The reference is to the alert itself."))
        if faults:
            raise Refusal(422, "invalid", errors=faults)

    async def _check_amends_its_own(self, message: Message) -> None:
        """Refuse what would change another's alert; what was accepted before that was known keeps its receipt."""
        alert = message.alert
        if alert.version == 1 and alert.message_type is MessageType.ALERT:
            return
        refused = await self._threads.not_theirs(message)
        if refused is None or await self._receipts.get(message.id) is not None:
            return
        place = fault(_pointer_to_original(alert), "not_allowed", "The alert is another institution's.")
        kind, detail = _NOT_THEIRS[refused]
        raise Refusal(403, kind, detail=detail, errors=(place,))

    def _receipt(self, message: Message) -> Receipt:
        return receipt_of(message, base=self._base)


def receipt_of(message: Message, *, base: str) -> Receipt:
    """Return the receipt of a message; the same each time."""
    return Receipt(
        id=message.id,
        national_ref=message.alert.national_ref,
        version=message.alert.version,
        received_at=message.received_at,
        content_sha256=message.content_sha256,
        status_url=f"{base}/v1/alerts/{message.id}",
    )


def as_sent_by(alert: Alert, key: ApiKey) -> Alert:
    """Return the alert with the sender of the key; raises `Refusal` where the two do not agree."""
    if alert.location.country not in key.countries:
        place = fault("/location/country", "country_not_allowed", "The key may not report for this country.")
        raise Refusal(403, "country", errors=(place,))
    ours = _sender(key.country, key.organisation, key.role, key.contact)
    stated = alert.sender
    if stated is None:
        return alert.with_sender(ours)
    wrong = [
        fault(f"/sender/{name}", "sender_mismatch", "This is not what the directory has for the key.")
        for name in ("country", "organisation", "role", "contact")
        if getattr(ours, name) is not None and getattr(stated, name) not in (None, getattr(ours, name))
    ]
    if wrong:
        raise Refusal(422, "sender", errors=wrong)
    filled = {"country": ours.country, "organisation": ours.organisation, "role": ours.role}
    return alert.with_sender(stated.model_copy(update={**filled, "contact": ours.contact or stated.contact}))


@lru_cache(maxsize=1024)
def _sender(country: str, organisation: str, role: str, contact: str | None) -> Sender:
    return Sender(country=country, organisation=organisation, role=SenderRole(role), contact=contact)


def _to_lower_version(alert: Alert, reference: Reference) -> bool:
    """Return whether an own reference can mean a lower version: then it says what the message acts on."""
    return alert.version > 1 and reference.relation in _OF_ITS_OWN_THREAD


def _pointer_to_original(alert: Alert) -> str:
    relation = RELATION_OF.get(alert.message_type)
    places = (place for place, one in enumerate(alert.references) if one.relation == relation)
    place = next(places, None)
    return "/national_ref" if place is None else f"/references/{place}/ref"


def _submission(
    alert: Alert,
    *,
    key: ApiKey,
    now: datetime,
    body: bytes,
    idempotency_key: str | None,
    traceparent: str | None,
) -> Submission:
    text = stored_json(alert)
    message = Message(
        id=identifiers.message_id(
            sender_id=key.institution_id,
            status=alert.status,
            national_ref=alert.national_ref,
            version=alert.version,
        ),
        sender_id=key.institution_id,
        sender_country=key.country,
        can_amend="amend" in key.scopes,
        reference_key=identifiers.reference_key(
            sender_id=key.institution_id, status=alert.status, national_ref=alert.national_ref
        ),
        received_at=now,
        content_sha256=content_sha256(text),
        alert=alert,
    )
    event = Event(
        topic=TOPIC,
        event_id=message.id,
        key=message.reference_key,
        payload=event_payload(message, body=text),
        traceparent=traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None,
    )
    request_sha256 = hashlib.sha256(body).hexdigest() if idempotency_key is not None else ""
    return Submission(
        message=message,
        body=text,
        event=event,
        idempotency_key=idempotency_key,
        request_sha256=request_sha256,
    )


def parse(body: bytes, *, now: datetime) -> Alert:
    """Return the alert that a body states; raises `Refusal` with a pointer for each fault."""
    try:
        return parse_alert(body, now=now)
    except InvalidAlert as found:
        kind = {400: "not-json", 413: "too-large"}.get(found.status, "invalid")
        if any(one.code == "too_deep" for one in found.faults):
            kind = "too-deep"
        raise Refusal(found.status, kind, errors=found.faults) from found


def _refusal(answer: Refused) -> Refusal:
    if answer.reason == "idempotency_key_reused":
        return Refusal(422, "idempotency-key-reused")
    taken = fault(
        answer.field or "/version", answer.reason, "Another content has this reference and version."
    )
    return Refusal(409, "conflict", errors=(taken,))


def _not_a_batch(code: str) -> Refusal:
    if code == "not_json":
        return Refusal(400, "not-json")
    if code == "too_many_values":
        text = f"A batch holds at most {batches.MOST_VALUES} values."
        return Refusal(413, "too-large", errors=(fault("/alerts", code, text),))
    text = (
        f"At most {batches.MOST} alerts." if code == "too_many" else 'Send {"alerts": [...]}, nothing else.'
    )
    return Refusal(422, "invalid", errors=(fault("/alerts", code, text),))
