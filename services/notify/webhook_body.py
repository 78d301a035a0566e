"""The body of a webhook: complete JSON in one piece, under 20 kB, with codes instead of prose.

What the models can write themselves they write; nothing is parsed or built twice, for this stands on the path
of every alert. The personal acknowledgement link is never in it: bodies end up in logs.
Source: Standard Webhooks (`type`, `timestamp`, `data`); HPAD-2021:RIME.1.5@L314.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation
from schemas.vocabularies import MessageType, TranslationOrigin
from services.disclosure import Content
from services.notify.body.changed import told_changes
from services.notify.changes import OF_FINDINGS, Change, Value
from services.notify.letter_document import voice_for
from services.notify.letters import Letter
from services.notify.named import gravest_first
from services.notify.once import once
from services.notify.subject import is_reassessed, subject_line, unconfirmed
from services.notify.voice import Places, Terms, Voice

MOST_BYTES: Final = 20_000
_MOST_RELATED: Final = 10
_MOST_OF_A_TEXT: Final = 200  # characters of one side of a change
TextOf = Callable[[Classification | Correlation], str | None]
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TYPES: Final = {
    MessageType.ALERT: "alert.issued",
    MessageType.UPDATE: "alert.updated",
    MessageType.CORRECTION: "alert.corrected",
    MessageType.RETRACTION: "alert.retracted",
    MessageType.CLOSURE: "alert.closed",
    MessageType.DISPUTE: "alert.disputed",
}
_WORDS: Final = {
    Content.FULL: "full",
    Content.FINDINGS: "findings",
    Content.NOTICE: "withheld",
    Content.GONE: "gone",
}
_ALERT_OF_FINDINGS: Final[Any] = {
    "schema_version": True,
    "version": True,
    "message_type": True,
    "status": True,
    "tlp": True,
    "language": True,
    "location": {"country"},
    "shipment": {"kind", "declared_as", "transport"},
    "findings": {
        "__all__": {
            "presence": True,
            "sold_as": True,
            "market": True,
            "product": True,
            "matrices": True,
            "substances": {
                "__all__": {
                    "name",
                    "one_of",
                    "role",
                    "confirmation",
                    "methods",
                    "lab_type",
                    "cas",
                    "inchikey",
                    "inchi",
                    "smiles",
                    "national_control",
                }
            },
        }
    },
}
_ALERT_OF_RETRACTION: Final[Any] = {
    "schema_version": True,
    "national_ref": True,
    "version": True,
    "message_type": True,
    "status": True,
    "references": True,
    "sender": True,
    "tlp": True,
    "language": True,
    "summary": True,
    "sent_at": True,
    "location": {"country"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cuts:
    """What is left out to stay short, under the names that a reader is told."""

    names: tuple[str, ...] = field(default=())

    def has(self, name: str) -> bool:
        return name in self.names


_IN_TURN: Final = (
    "alert.narrative",
    "alert.translations",
    "correlation.related",
    "alert",
    "classification.substances",
    "classification.categories",
)


def render_webhook(
    letter: Letter, *, terms: Terms, places: Places, text_of: TextOf = lambda _: None
) -> bytes:
    """Return the body, the same bytes on every try; ``text_of`` knows the JSON of what was written before."""
    voice = voice_for(letter, terms=terms, places=places)
    subject = subject_line(letter, voice)
    if letter.content not in (Content.FULL, Content.FINDINGS) or letter.alert is None:
        return _wrapped(letter, _notice(letter, voice, subject))
    full = partial(_full, letter, letter.alert, voice, subject=subject, text_of=text_of)
    body = _wrapped(letter, full(cuts=_Cuts()))
    for last in range(1, len(_IN_TURN) + 1):
        if len(body) < MOST_BYTES:
            break
        names = tuple(
            name for name in _IN_TURN[:last] if _present(name, letter=letter, alert=letter.alert, voice=voice)
        )
        if "alert" in names:  # the whole is gone, its parts need no naming
            names = tuple(name for name in names if not name.startswith("alert."))
        body = _wrapped(letter, full(cuts=_Cuts(names=names)))
    return body


def webhook_type(letter: Letter) -> str:
    """Return the type of the event."""
    return "alert.reassessed" if is_reassessed(letter) else _TYPES[letter.message_type]


def _present(name: str, *, letter: Letter, alert: Alert, voice: Voice) -> bool:
    if name == "alert.narrative":
        return alert.narrative is not None or any(each.narrative for each in alert.translations.values())
    if name == "alert.translations":
        return any(language.value != voice.language for language in alert.translations)
    if name == "correlation.related":
        return letter.correlation is not None and len(letter.correlation.related) > _MOST_RELATED
    return True


def _wrapped(letter: Letter, parts: Iterator[str]) -> bytes:
    head = f'{{"type":"{webhook_type(letter)}","timestamp":"{_instant(letter.decided_at)}","data":{{'
    return f"{head}{','.join(parts)}}}}}".encode()


def _full(
    letter: Letter, alert: Alert, voice: Voice, *, subject: str, text_of: TextOf, cuts: _Cuts
) -> Iterator[str]:
    first = next(iter(gravest_first(alert, letter.classification)), None)
    without_alert = cuts.has("alert") or _disputed_by_unknown(letter)
    content = "summary" if without_alert else _WORDS[letter.content]
    head = {
        "notification_id": letter.notification_id,
        "relay_id": letter.relay_id,
        "thread_id": letter.thread_id,
        **({"opaque_id": letter.opaque_id} if letter.ever_restricted else {}),
        **_head(letter, content),
        "update_reason": alert.update_reason.value if alert.update_reason else None,
        "unconfirmed": unconfirmed(first),
        "under_review": letter.under_review,
        "truncated": list(cuts.names),
        "text": _text(letter, alert, voice, subject),
        "changes": [_change(each) for each in _told(letter)],
    }
    yield _members(head)
    yield from _verdict(letter, cuts, text_of)
    if not without_alert:
        yield f'"alert":{_alert(letter, alert, voice, cuts)}'
    yield _members({"acknowledge": _acknowledge(letter)})


def _without_content(letter: Letter) -> bool:
    """Return whether the message says nothing of the alert: what is taken back, or whose dispute is not told."""
    return letter.message_type is MessageType.RETRACTION or _disputed_by_unknown(letter)


def _disputed_by_unknown(letter: Letter) -> bool:
    """Return whether the message itself would show who disputes to a reader who may not know."""
    return letter.message_type is MessageType.DISPUTE and letter.disputed_by is None


def _notice(letter: Letter, voice: Voice, subject: str) -> Iterator[str]:
    """Yield what a reader is told without content: as NOTICE, or of something that it may no longer see."""
    level = {"level": letter.level.value, "urgency": letter.urgency.value}
    head = {
        "notification_id": letter.notification_id,
        "opaque_id": letter.opaque_id,
        **_head(letter, _WORDS[letter.content]),
        "truncated": [],
        "text": {"language": voice.language, "subject": subject},
        "classification": {"severity": level},
        "acknowledge": _acknowledge(letter),
    }
    yield _members(head)


def _head(letter: Letter, content: str) -> dict[str, Any]:
    gone = letter.content is Content.GONE
    return {
        "version": letter.thread_version,
        "replaces": letter.replaces,
        "message_type": letter.message_type.value,
        "occasion": letter.occasion,
        "status": letter.status.value,
        "tlp": letter.tlp.value,
        "content": content,
        "why_you": list(letter.why),
        "links": {} if gone else {"page": letter.links.page},
    }


def _text(letter: Letter, alert: Alert, voice: Voice, subject: str) -> dict[str, Any]:
    text: dict[str, Any] = {"language": voice.language, "subject": subject}
    if letter.content is Content.FINDINGS or _without_content(letter):
        return text
    for language, translation in alert.translations.items():
        if language.value == voice.language:
            machine = translation.origin is TranslationOrigin.MACHINE
            title = {
                "title": translation.title,
                "title_language": voice.language,
                "machine_translation": machine,
            }
            return text | title
    return text | {
        "title": alert.title,
        "title_language": alert.language.value,
        "machine_translation": False,
    }


def _told(letter: Letter) -> Iterator[Change]:
    """Yield the changes that this reader may know: of a retraction none, for what is taken back is not repeated."""
    if letter.message_type is MessageType.RETRACTION:
        return
    for each in told_changes(letter):
        if letter.content is Content.FULL or each.label in OF_FINDINGS:
            yield each


def _change(change: Change) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    told = {name: _short(side) for name, side in sides.items() if side is not None}
    return {"pointer": change.pointer, **told}


def _short(value: Value) -> Value:
    """Return a value with its texts cut: changes are never left out, and the whole text stands in `alert`."""
    if isinstance(value, str):
        return value if len(value) <= _MOST_OF_A_TEXT else value[:_MOST_OF_A_TEXT] + "…"
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items()}
    return [_short(each) for each in value] if isinstance(value, list) else value


def _verdict(letter: Letter, cuts: _Cuts, text_of: TextOf) -> Iterator[str]:
    classification, correlation = letter.classification, letter.correlation
    whole = letter.content is Content.FULL
    if classification is not None:
        bare = _without_content(letter)
        out: dict[str, Any] = {
            name: True for name in ("substances", "categories") if bare or cuts.has(f"classification.{name}")
        }
        if bare or not whole:  # the facts count the harms, and review speaks of the sender's own doubts
            out |= {"severity": {"facts", "reported"}, "review": True}
        written = classification.model_dump_json(exclude=out) if out else None
        yield f'"classification":{written or text_of(classification) or _written(classification)}'
    if correlation is not None and whole:
        few = correlation.related[:_MOST_RELATED]
        kept = (
            correlation.model_copy(update={"related": few})
            if cuts.has("correlation.related")
            else correlation
        )
        yield f'"correlation":{text_of(kept) or _written(kept)}'


def _alert(letter: Letter, alert: Alert, voice: Voice, cuts: _Cuts) -> str:
    if letter.content is Content.FINDINGS:
        return alert.model_dump_json(include=_ALERT_OF_FINDINGS, exclude_none=True)
    kept = alert
    if cuts.names:
        kept = _shortened(alert, voice, cuts)
    if letter.message_type is MessageType.RETRACTION:
        return kept.model_dump_json(exclude_none=True, include=_ALERT_OF_RETRACTION)
    return _alert_written(kept)


def _shortened(alert: Alert, voice: Voice, cuts: _Cuts) -> Alert:
    changes: dict[str, Any] = {}
    translations = alert.translations
    if cuts.has("alert.translations"):
        translations = {code: each for code, each in translations.items() if code.value == voice.language}
    if cuts.has("alert.narrative"):
        changes["narrative"] = None
        translations = {
            code: each.model_copy(update={"narrative": None}) for code, each in translations.items()
        }
    return alert.model_copy(update=changes | {"translations": translations})


def _acknowledge(letter: Letter) -> dict[str, Any]:
    due = _instant(letter.due_at) if letter.due_at is not None else None
    return {"required": letter.due_at is not None, "due_at": due, "api": letter.links.acknowledge_api}


def _write(answer: Classification | Correlation) -> str:
    return answer.model_dump_json()


def _write_alert(alert: Alert) -> str:
    return alert.model_dump_json(exclude_none=True)


_written: Final = once(_write, weigh=len)
_alert_written: Final = once(_write_alert, weigh=len)


def _members(value: dict[str, Any]) -> str:
    """Return what stands between the braces of an object."""
    return _encode(value)[1:-1]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
