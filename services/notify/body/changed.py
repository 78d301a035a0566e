"""What changes: first in every message that is not a first alert.

A correction says for each fact what it was and what it is; "before" is left out where the reader may not see
the earlier version. A retraction repeats nothing of what it takes back.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from schemas.classifications import Classification
from schemas.vocabularies import MessageType, Severity, UpdateReason
from services.disclosure import Content
from services.notify.body.change_rows import has_words, heading_of, value_of
from services.notify.body.telling import Telling
from services.notify.changes import OF_FINDINGS, TEXT, Change, changes, without_before
from services.notify.document import Block, Line, Part, Row, Table, line
from services.notify.letters import Letter
from services.notify.subject import is_reassessed
from services.notify.typography import capital, colon
from services.notify.voice import Voice, sentences

_FROM_LOW_TO_HIGH: Final = (Severity.INFO, Severity.MODERATE, Severity.HIGH, Severity.CRITICAL)
_PASSED_ON: Final = frozenset({MessageType.CORRECTION, MessageType.RETRACTION})


def has_changes(letter: Letter) -> bool:
    """Return whether the message opens with what changes."""
    return letter.message_type is not MessageType.ALERT or is_reassessed(letter)


def changed(telling: Telling) -> Part:
    """Return the part that stands before the seven."""
    return telling.part("changes", _blocks(telling))


def told_changes(letter: Letter) -> tuple[Change, ...]:
    """Return what changed since the version that this reader had; given with the letter, else compared here.

    A first reader of a correction, and every page, has them given.
    Against a version that the reader may not compare with, only what the facts are now.
    """
    alert, earlier = letter.alert, letter.earlier
    if letter.changes or alert is None or earlier is None:
        return letter.changes
    if earlier.alert is not None:
        return changes(earlier.alert, alert)
    return without_before(changes(earlier.withheld, alert)) if earlier.withheld is not None else ()


def forward(voice: Voice) -> Line:
    """Return what to do for those to whom the earlier message was passed on."""
    return sentences(voice.say("phrase", "correction_forward"))


def withdrawn(letter: Letter, voice: Voice, *, reference: str) -> Line:
    """Return the sentences of a retraction or of a correction without content."""
    if letter.message_type is MessageType.RETRACTION:
        told = [voice.say("phrase", "retracted", ref=reference)]
        told += [voice.say("phrase", "retracted_by_secretariat")] if letter.by_secretariat else []
    else:
        told = [voice.say("phrase", "corrected_withheld", ref=reference)]
    return sentences(*told)


def _blocks(telling: Telling) -> Iterator[Block]:
    letter, voice = telling.letter, telling.voice
    match letter.message_type:
        case MessageType.UPDATE:
            yield from _update(telling)
        case MessageType.CORRECTION:
            yield from _correction(telling)
            yield from _reason(telling)
        case MessageType.RETRACTION:
            yield withdrawn(letter, voice, reference=letter.relay_id)
            yield from _reason(telling)
        case MessageType.CLOSURE:
            yield sentences(voice.say("phrase", "closed"), voice.moment(telling.alert.sent_at))
            yield from _reason(telling)
        case MessageType.DISPUTE:
            yield from _dispute(telling)
            return  # no change of level
        case MessageType.ALERT:
            pass
    if letter.message_type is not MessageType.RETRACTION:
        yield from _level(letter, voice)
    if letter.message_type in _PASSED_ON and letter.earlier is not None:
        yield forward(voice)


def _correction(telling: Telling) -> Iterator[Block]:
    """Yield the facts that were wrong, then what else changed; of nothing that this reader is shown, that."""
    letter, voice = telling.letter, telling.voice
    told = _shown(telling)
    rows = _rows(telling, told)
    known = letter.earlier is not None or any(each.before is not None for each in told)
    if rows and known:  # who reads it first had no earlier message
        yield sentences(voice.say("phrase", "correction_intro"))
    yield from rows
    also = list(_also(telling, told))
    yield from also
    compared = letter.earlier is not None and letter.earlier.alert is not None
    if compared and not rows and not also:
        yield sentences(voice.say("phrase", "correction_none"))


def _update(telling: Telling) -> Iterator[Block]:
    voice = telling.voice
    reason = telling.alert.update_reason
    if reason is not None:
        yield sentences(voice.say("update_reason", reason.value))
    told = _shown(telling)
    if not told or reason is UpdateReason.TRANSLATION:
        return
    rows = _rows(telling, told)
    if rows:
        yield line(voice.say("phrase", "update_keeps"))
    yield from rows
    yield from _also(telling, told)


def _shown(telling: Telling) -> Sequence[Change]:
    told = told_changes(telling.letter)
    if telling.letter.content is Content.FINDINGS:
        return [each for each in told if each.label in OF_FINDINGS]
    return told


def _rows(telling: Telling, told: Sequence[Change]) -> list[Table]:
    """Return the table of what changed in words; empty where there is no such fact."""
    worded = [each for each in told if _in_words(each, telling)]
    if not worded:
        return []
    voice = telling.voice
    before = any(each.before is not None for each in worded)
    headings = ("before", "now") if before else ("now",)
    rows = []
    for each in worded:
        now = _cell(each, telling, now=True)
        cells = (_cell(each, telling, now=False), now) if before else (now,)
        rows.append(Row(capital(heading_of(each, telling)), cells))
    return [Table(tuple(voice.say("label", code) for code in headings), tuple(rows))]


def _in_words(change: Change, telling: Telling) -> bool:
    """Return whether a letter can say the fact: some particulars it does not print, so both sides would read alike."""
    if not has_words(change):
        return False
    return change.before is None or _cell(change, telling, now=False) != _cell(change, telling, now=True)


def _also(telling: Telling, told: Sequence[Change]) -> Iterator[Line]:
    """Yield that the sender's text changed, and that something did which a letter does not print."""
    voice = telling.voice
    if any(each.label == TEXT for each in told):
        yield sentences(voice.say("phrase", "changed_text"))
    if any(each.label != TEXT and not _in_words(each, telling) for each in told):
        yield sentences(voice.say("phrase", "changed_others"))


def _cell(change: Change, telling: Telling, *, now: bool) -> str:
    return value_of(change, telling, now=now) or telling.voice.not_stated()


def _reason(telling: Telling) -> Iterator[Block]:
    """Yield the sender's own words on why; they have no field of their own, so they are the summary's."""
    if telling.letter.content is Content.FINDINGS:
        return
    voice = telling.voice
    label = f"{voice.say('label', 'reason')}{colon(voice.language)}"
    yield line(" ".join(filter(None, (label, telling.original_mark()))))
    yield telling.quote(telling.alert.summary)


def _dispute(telling: Telling) -> Iterator[Block]:
    voice, country = telling.voice, telling.letter.disputed_by
    if country is None:
        yield sentences(voice.say("phrase", "disputed_unnamed"), voice.moment(telling.letter.decided_at))
        return
    said = voice.say("phrase", "disputed", country=voice.country(country))
    yield sentences(said, voice.moment(telling.letter.decided_at))
    yield from _reason(telling)


def _level(letter: Letter, voice: Voice) -> Iterator[Line]:
    """Yield how the level moved; only for who had the earlier one, and of a fresh verdict always the reason."""
    classification = letter.classification
    if classification is None:
        return
    before = _level_before(letter, classification)
    moved = before is not None and before is not letter.level
    if not moved and not is_reassessed(letter):
        return
    told = [_movement(before, letter.level, voice)] if moved and before is not None else []
    reason = voice.say("severity_reason", classification.severity.reason)
    yield sentences(*told, voice.label("severity", reason, group="heading"))


def _level_before(letter: Letter, classification: Classification) -> Severity | None:
    if letter.earlier is None:
        return None
    if is_reassessed(letter) and letter.earlier.classification is not None:
        return letter.earlier.classification.severity.level
    return classification.severity.before


def _movement(before: Severity, now: Severity, voice: Voice) -> str:
    raised = _FROM_LOW_TO_HIGH.index(now) > _FROM_LOW_TO_HIGH.index(before)
    words = {"old": voice.within("severity", before.value), "new": voice.within("severity", now.value)}
    return voice.say("phrase", "severity_raised" if raised else "severity_lowered", **words)


def replaced(letter: Letter, voice: Voice, *, reference: str) -> Line | None:
    """Return which version this one takes the place of; only for those who had that one."""
    if letter.earlier is None or letter.message_type in (
        MessageType.ALERT,
        MessageType.DISPUTE,
        MessageType.CLOSURE,
    ):
        return None
    at = letter.earlier.sent_at.astimezone(voice.zone).date()
    return sentences(
        voice.say(
            "phrase",
            "replaces",
            old_version=letter.earlier.thread_version,
            ref=reference,
            date=voice.day(at),
        )
    )
