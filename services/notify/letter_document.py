"""From a letter to its document: which lines and parts a message of each kind has.

Above TLP:GREEN an email says nothing of the alert itself: no substance, place, country, sender, harm, title or
relay id, only the label, the level, the time to answer and an opaque reference.
"""

from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

from schemas.vocabularies import MessageType, Status
from services.disclosure import Content
from services.notify.body.action import action
from services.notify.body.answer import acknowledge_link, answer, closing_line
from services.notify.body.certainty import certainty
from services.notify.body.changed import changed, forward, has_changes, replaced, withdrawn
from services.notify.body.harm import harm
from services.notify.body.source import origin_text, relay_only, source
from services.notify.body.telling import Telling
from services.notify.body.what import what, what_is_in_it
from services.notify.body.where import country_only, where
from services.notify.document import Block, Document, Line, Link, Part, line
from services.notify.letters import Letter
from services.notify.named import findings_by_gravity, gravest_first, substances
from services.notify.subject import is_echo, shown_severity, subject_line, type_tokens
from services.notify.voice import LANGUAGES, Places, Terms, Voice, sentences

_SHORT: Final = frozenset({MessageType.RETRACTION, MessageType.CLOSURE, MessageType.DISPUTE})


def voice_for(letter: Letter, *, terms: Terms, places: Places) -> Voice:
    """Return the voice of the letter's reader; English for a language that the relay does not speak."""
    language = letter.recipient.language if letter.recipient.language in LANGUAGES else "en"
    return Voice(language=language, zone=ZoneInfo(letter.recipient.timezone), terms=terms, places=places)


def render_page_parts(
    letter: Letter, *, terms: Terms, places: Places, findings: int | None = None
) -> Document:
    """Return what the letter says, as data; ``findings`` tells only so many, the gravest first, as an email does.

    Without it everything is told as on a page: the narrative, the attachments, related alerts, ids of rules.
    Complete for each content: all of it, the findings alone, or a notice.
    """
    voice = voice_for(letter, terms=terms, places=places)
    telling = telling_of(letter, voice, findings=findings)
    on_page = findings is None
    return Document(
        language=voice.language,
        subject=subject_line(letter, voice),
        severity=shown_severity(letter).value,
        top=tuple(_top(letter, voice)),
        header=_header(letter, voice, zoned=on_page or telling is None),
        under=tuple(_under(letter, telling, voice, on_page=on_page)),
        parts=() if telling is None else tuple(_parts(telling)),
        bottom=(closing_line(letter, voice),),
    )


def telling_of(letter: Letter, voice: Voice, *, findings: int | None = None) -> Telling | None:
    """Return what the parts are told from; None where the letter has no content."""
    alert = letter.alert
    if alert is None or letter.content not in (Content.FULL, Content.FINDINGS):
        return None
    return Telling(
        letter=letter,
        alert=alert,
        voice=voice,
        found=substances(alert, letter.classification),
        gravest=gravest_first(alert, letter.classification),
        shown=findings_by_gravity(alert, letter.classification)[:findings],
        on_page=findings is None,
        reason_given=letter.message_type is MessageType.CORRECTION,
    )


def reference(letter: Letter) -> str:
    """Return the reference of the thread: opaque where content is withheld, both where it once was."""
    if letter.content in (Content.NOTICE, Content.GONE):
        return letter.opaque_id
    return f"{letter.relay_id} ({letter.opaque_id})" if letter.ever_restricted else letter.relay_id


def _top(letter: Letter, voice: Voice) -> Iterator[Line]:
    label = letter.tlp.value
    yield line(voice.say("tlp_line", label, tlp=label), kind="tlp")
    if letter.status in (Status.EXERCISE, Status.TEST):
        yield line(voice.say("phrase", letter.status.value), kind="status")


def _header(letter: Letter, voice: Voice, *, zoned: bool) -> Line:
    """Return the header line; ``zoned``: no last part follows that names the zone of the times."""
    tokens = type_tokens(letter, voice)
    told = [*tokens, voice.say("severity", shown_severity(letter).value).upper()]
    known = reference(letter)
    first = letter.message_type is MessageType.ALERT
    told.append(f"{voice.say('message_type', 'alert')} {known}" if first or _withheld(letter) else known)
    told.append(voice.say("label", "version", n=letter.thread_version))
    if letter.due_at is not None:
        told.append(voice.say("phrase", "acknowledge_by", datetime=voice.due(letter.due_at, zoned=zoned)))
    return sentences(*told, kind="header")


def _withheld(letter: Letter) -> bool:
    return letter.content in (Content.NOTICE, Content.GONE)


def _under(letter: Letter, telling: Telling | None, voice: Voice, *, on_page: bool) -> Iterator[Block]:
    replaces = replaced(letter, voice, reference=reference(letter))
    if replaces is not None:
        yield replaces
    if letter.occasion.startswith("reminder "):
        yield sentences(voice.say("phrase", "reminder"))
    if letter.accepted_late:
        yield sentences(voice.say("phrase", "sent_late", date=voice.moment(letter.received_at)), kind="mark")
    if letter.under_review:
        yield sentences(voice.say("phrase", "under_review"), kind="mark")
    if telling is not None:
        yield from _marks(telling)
    elif letter.content is Content.GONE:
        yield withdrawn(letter, voice, reference=reference(letter))
        yield forward(voice)
        yield from _acknowledge(letter, voice, on_page=on_page)
    else:
        yield Link(_bare(voice.say("phrase", "restricted_content", tlp=letter.tlp.value)), letter.links.page)
        yield from _acknowledge(letter, voice, on_page=on_page)


def _marks(telling: Telling) -> Iterator[Block]:
    letter, voice = telling.letter, telling.voice
    if is_echo(letter) and letter.content is Content.FULL:
        yield sentences(voice.say("phrase", "echo", origin=origin_text(telling)), kind="mark")
    if letter.disputed_by is not None and letter.message_type is not MessageType.DISPUTE:
        country = voice.country(letter.disputed_by)
        yield sentences(voice.say("phrase", "disputed", country=country), kind="mark")


def _acknowledge(letter: Letter, voice: Voice, *, on_page: bool) -> Iterator[Block]:
    """Yield the personal link and whose it is; a page has its own form in their place."""
    if letter.due_at is not None and not on_page:
        yield acknowledge_link(letter, voice, code="restricted_ack")
        yield sentences(voice.say("phrase", "acknowledge_how"))


def _bare(text: str) -> str:
    return text.removesuffix(":").rstrip("\u00a0 ")


def _parts(telling: Telling) -> Iterator[Part]:
    letter = telling.letter
    if has_changes(letter):
        yield changed(telling)
    if letter.content is Content.FINDINGS:
        yield from _findings_parts(telling)
        return
    if letter.message_type not in _SHORT:
        yield what(telling)
        yield where(telling)
        yield certainty(telling)
        yield harm(telling)
        yield action(telling)
    if letter.message_type is MessageType.DISPUTE and letter.disputed_by is None:
        yield relay_only(telling)  # who disputes is not for this reader
    else:
        yield source(telling)
    yield answer(letter, telling.alert, telling.voice)


def _findings_parts(telling: Telling) -> Iterator[Part]:
    """Yield the parts for a private-sector partner: what is not shown has no heading, for it was not missing."""
    if telling.letter.message_type not in _SHORT:
        yield what_is_in_it(telling)
        yield country_only(telling)
        yield certainty(telling)
    yield relay_only(telling)
    yield answer(telling.letter, None, telling.voice)
