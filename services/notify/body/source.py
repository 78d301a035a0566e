"""Who reports it: the institution, its sources, its contact, when it was sent; what the relay has not done."""

from collections.abc import Iterator

from schemas.alerts import Attachment, Origin
from schemas.vocabularies import Presence
from services.notify.body.telling import Telling, Words, prose
from services.notify.dates import offset_text
from services.notify.document import Block, Bullets, Line, Part, Word, line
from services.notify.typography import colon, one_line, semicolon
from services.notify.voice import Voice, sentences


def source(telling: Telling) -> Part:
    """Return the sixth part."""
    return telling.part("source", _blocks(telling))


def relay_only(telling: Telling) -> Part:
    """Return the sixth part for a reader who may not know the sender."""
    return telling.part("source", [sentences(telling.voice.say("phrase", "not_verified_by_relay"))])


def origin_text(telling: Telling) -> str:
    """Return where a finding that is only passed on was made: country, places, institution."""
    for finding in telling.alert.findings:
        if finding.presence is not Presence.DETECTED_HERE and finding.origin is not None:
            text = origin_words(finding.origin, telling.voice)
            if text:
                return text
    return telling.voice.not_stated()


def origin_words(origin: Origin, voice: Voice) -> str:
    """Return a country, its places, an institution, a reference: what is known of them."""
    told = [voice.country(origin.country)] if origin.country else []
    told += [voice.place(code) for code in origin.admin1]
    told += [one_line(each) for each in (origin.organisation, origin.ref) if each]
    return ", ".join(told)


def attachment_text(attachment: Attachment, voice: Voice) -> str:
    """Return `gcms.pdf (report)`."""
    return f"{one_line(attachment.name)} ({voice.within('attachment_kind', attachment.kind.value)})"


def _blocks(telling: Telling) -> Iterator[Block]:
    voice, alert = telling.voice, telling.alert
    yield _sender(telling)
    if any(finding.presence is not Presence.DETECTED_HERE for finding in alert.findings):
        yield sentences(voice.label("origin", origin_text(telling)))
    yield _sent(telling)
    if alert.handling_note is not None:
        label = f"{voice.say('heading', 'handling')}{colon(voice.language)}"
        yield line(" ".join(filter(None, (label, telling.original_mark()))))
        yield telling.quote(alert.handling_note)
    if telling.on_page:
        yield from _only_on_page(telling)


def _only_on_page(telling: Telling) -> Iterator[Block]:
    voice, alert, correlation = telling.voice, telling.alert, telling.letter.correlation
    if alert.attachments:
        items = [prose([(f"{attachment_text(each, voice)}.",)]) for each in alert.attachments]
        yield Bullets(voice.say("heading", "attachments"), tuple(items))
    if correlation is not None and correlation.related:
        items = [
            prose([(f"{each.relay_id} ({voice.within('correlation_level', each.level.value)}).",)])
            for each in correlation.related
        ]
        yield Bullets(voice.say("heading", "related"), tuple(items))


def _sender(telling: Telling) -> Line:
    voice, alert = telling.voice, telling.alert
    sender = alert.sender
    told: list[str | Words] = []
    if sender is not None and sender.organisation:
        country = voice.country(sender.country or alert.location.country)
        told.append((voice.foreign(sender.organisation, telling.language), f", {country}."))
    else:
        told.append(telling.missing("sender"))
    if sender is not None and sender.role is not None:
        told.append(voice.say("sender_role", sender.role.value))
    sources = f"{semicolon(voice.language)} ".join(
        voice.say("source_type", each.value) for each in alert.source_types
    )
    told.append(voice.label("source", sources))
    if alert.reliability is not None:
        told.append(voice.say("reliability", alert.reliability.value))
    told.append(voice.label("national_reference", one_line(alert.national_ref)))
    contact = sender.contact if sender is not None else None
    # no full stop after an address: it would be taken for a part of it
    told.append(
        (Word(f"{voice.say('label', 'contact')}{colon(voice.language)} {one_line(contact)}"),)
        if contact
        else telling.missing("contact")
    )
    return prose(told)


def _sent(telling: Telling) -> Line:
    voice, sent_at = telling.voice, telling.alert.sent_at
    own = f"{sent_at:%H:%M}, UTC{offset_text(sent_at)}"
    own_time = voice.say("phrase", "sender_time", datetime=own)
    at = f"{voice.moment(sent_at)} ({own_time})"
    return sentences(voice.label("sent", at), voice.say("phrase", "not_verified_by_relay"))
