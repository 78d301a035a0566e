"""What to answer: what the sender asks for, the page, and last and once the personal link."""

from collections.abc import Iterator
from typing import Final

from schemas.alerts import Alert, RequestToReaders
from schemas.vocabularies import Status
from services.notify.dates import offset_text
from services.notify.document import Block, Line, Link, Part, line
from services.notify.letters import Letter
from services.notify.voice import Voice, sentences

_WHY: Final = ("focal_point", "deputy", "subscription", "fallback", "had_original")


def answer(letter: Letter, alert: Alert | None, voice: Voice) -> Part:
    """Return the seventh part; who confirms before reading has confirmed nothing, so it comes last."""
    return Part("answer", voice.say("heading", "answer"), tuple(_blocks(letter, alert, voice)))


def acknowledge_link(letter: Letter, voice: Voice, *, code: str = "acknowledge") -> Link:
    """Return the personal link."""
    return Link(
        voice.say("phrase", code).removesuffix(":").rstrip("\u00a0"), letter.links.acknowledge, button=True
    )


def why_you(letter: Letter, voice: Voice) -> list[str]:
    """Return why this reader gets the message, one sentence for each reason."""
    told = []
    for code in letter.why:
        if code == "subscription":
            told += _follows(letter, voice)
        elif code in _WHY:
            told.append(voice.say("why_you", code, country=voice.country(letter.recipient.country)))
    return told


def request_text(request: RequestToReaders, voice: Voice) -> str:
    """Return what the sender asks for, and by when."""
    kind = voice.within("request", request.kind.value)
    if request.due_at is None:
        return kind
    return f"{kind}. {voice.label('due', voice.date_of(request.due_at))}"


def _blocks(letter: Letter, alert: Alert | None, voice: Voice) -> Iterator[Block]:
    if alert is not None and alert.request is not None:
        yield sentences(voice.label("request", request_text(alert.request, voice)))
    yield Link(voice.say("phrase", "view_page"), letter.links.page)
    if letter.due_at is None:
        yield sentences(voice.say("phrase", "no_acknowledgement"), *_closing(letter, voice))
        return
    yield acknowledge_link(letter, voice)
    yield sentences(voice.say("phrase", "acknowledge_how"), *_closing(letter, voice))


def _closing(letter: Letter, voice: Voice) -> list[str]:
    return [*why_you(letter, voice), zone_text(letter, voice)]


def zone_text(letter: Letter, voice: Voice) -> str:
    """Return in which zone the times are, with its offset on the day of the message."""
    offset = offset_text(letter.decided_at.astimezone(voice.zone))
    return voice.say("phrase", "times_in", timezone=voice.zone.key, offset=offset)


def _follows(letter: Letter, voice: Voice) -> list[str]:
    """Return which of the categories it follows the alert has; who follows none in particular follows all."""
    if not letter.recipient.categories:
        return [voice.say("why_you", "directory", country=voice.country(letter.recipient.country))]
    followed = _followed(letter, voice)
    return [voice.say("why_you", "subscription", category=followed)] if followed else []


def _followed(letter: Letter, voice: Voice) -> str:
    labels = letter.classification.categories if letter.classification else ()
    codes = dict.fromkeys(
        label.code.value for label in labels if label.code.value in letter.recipient.categories
    )
    return ", ".join(voice.say("category", code) for code in codes)


def closing_line(letter: Letter, voice: Voice) -> Line:
    """Return the last line: exercise or test again, and the label."""
    if letter.status not in (Status.EXERCISE, Status.TEST):
        return line(letter.tlp.value, kind="tlp")
    first, stop, _ = voice.say("phrase", letter.status.value).partition(". ")
    return line(f"{first}{stop.strip()} {letter.tlp.value}", kind="tlp")
