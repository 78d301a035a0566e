"""The subject of a message: label, status, type, severity, substance, place; 78 characters.

What is too long is dropped in turn: what it was sold as, further substances, the place. Never dropped are the
label, the status, the type, the severity, "unconfirmed", the first substance and the country. Above TLP:GREEN
there is nothing of all that but an opaque reference.
"""

from collections.abc import Iterator
from typing import Final

from schemas.alerts import Alert
from schemas.vocabularies import EventType, MessageType, Severity, Status
from services.disclosure import Content
from services.notify.letters import Letter
from services.notify.named import Found, gravest_first, short_name
from services.notify.typography import colon, lowered, one_line
from services.notify.voice import Voice

MOST: Final = 78  # characters that every mail program shows of a subject (RFC 5322 2.1.1)
_REMINDER: Final = "reminder "
_WITHOUT_CONTENT: Final = frozenset({Content.NOTICE, Content.GONE})
_ABOUT_NO_SUBSTANCE: Final = frozenset(
    {
        EventType.RUMOUR_REFUTATION,
        EventType.CONTROL_CHANGE,
        EventType.MODUS_OPERANDI,
        EventType.ONLINE_SALE,
        EventType.EQUIPMENT,
    }
)


def subject_line(letter: Letter, voice: Voice) -> str:
    """Return the subject: one line, without anything that could end a header."""
    begin = f"{letter.tlp.value} {', '.join(_tokens(letter, voice))}{colon(voice.language)} "
    if letter.content in _WITHOUT_CONTENT or letter.alert is None:
        return begin + voice.say("subject", "restricted", ref=letter.opaque_id)
    return next(_fitting(begin, _wordings(letter, letter.alert, voice)))


def shown_severity(letter: Letter) -> Severity:
    """Return the level that a reader is shown: as it now stands; of a retraction, that of what is taken back."""
    return letter.urgency if letter.message_type is MessageType.RETRACTION else letter.level


def type_tokens(letter: Letter, voice: Voice) -> list[str]:
    """Return the words in capitals for what is not a first alert: reminder, type, passed on."""
    tokens = []
    if letter.occasion.startswith(_REMINDER):
        tokens.append(voice.say("subject", "reminder", n=letter.occasion.removeprefix(_REMINDER)))
    if letter.message_type is not MessageType.ALERT:
        tokens.append(voice.say("subject", letter.message_type.value))
    elif is_echo(letter):
        tokens.append(voice.say("subject", "echo"))
    return tokens


def is_echo(letter: Letter) -> bool:
    """Return whether the sender only passes on what was found elsewhere."""
    return letter.correlation is not None and str(letter.correlation.level) == "echo"


def is_reassessed(letter: Letter) -> bool:
    """Return whether the level changed without a new version."""
    return letter.occasion.startswith("reassessed ")


def unconfirmed(first: Found | None) -> bool:
    """Return whether the substance that a subject names first is below `confirmed`."""
    return first is not None and not first.confirmed


def country_of(relay_id: str) -> str | None:
    """Return the country that a relay id names: SATA-UY-2026-000007."""
    parts = relay_id.rsplit("-", 3)
    return parts[1] if len(parts) == 4 and len(parts[1]) == 2 else None


def _tokens(letter: Letter, voice: Voice) -> Iterator[str]:
    if letter.status in (Status.EXERCISE, Status.TEST):
        yield voice.say("subject", letter.status.value)
    yield from type_tokens(letter, voice)
    yield voice.say("severity", shown_severity(letter).value).upper()


def _fitting(begin: str, wordings: Iterator[str]) -> Iterator[str]:
    """Yield the first wording that is short enough, else the last."""
    last = begin
    for wording in wordings:
        last = begin + wording
        if len(last) <= MOST:
            break
    yield last


def _wordings(letter: Letter, alert: Alert, voice: Voice) -> Iterator[str]:
    """Yield the rest of the subject, from the fullest to the shortest."""
    country = alert.location.country
    if _names_no_content(letter):
        yield f"{letter.relay_id}, {country_of(letter.relay_id) or country}"
        return
    found = gravest_first(alert, letter.classification)
    names = [_named(one, alert, voice, first=not at) for at, one in enumerate(found[:2])]
    short = _more(names[0], len(found) - 1, voice) if names else _nothing_named(alert, letter, voice)
    full = short if len(names) < 2 else _more(_mixture(names, voice), len(found) - 2, voice)
    place = _place(letter, alert, voice)
    sold_as = _sold_as(alert, found)
    if sold_as:
        yield f"{voice.say('subject', 'sold_as', substance=full, sold_as=sold_as)}, {place}"
    yield f"{full}, {place}"
    yield f"{short}, {place}"
    yield f"{short}, {country}"


def _names_no_content(letter: Letter) -> bool:
    """Return whether the thread's reference stands for the content.

    What is taken back is not repeated; what a dispute says, its country too, is not the alert's and would show who
    disputes.
    """
    return letter.message_type in (MessageType.RETRACTION, MessageType.DISPUTE)


def _named(one: Found, alert: Alert, voice: Voice, *, first: bool) -> str:
    name = short_name(one, voice, language=alert.language.value)
    return f"{name} ({voice.say('subject', 'unconfirmed')})" if first and unconfirmed(one) else name


def _more(text: str, rest: int, voice: Voice) -> str:
    return voice.say("subject", "more", list=text, n=rest) if rest > 0 else text


def _mixture(names: list[str], voice: Voice) -> str:
    return voice.say("subject", "mixture", first=names[0], second=names[1])


def _nothing_named(alert: Alert, letter: Letter, voice: Voice) -> str:
    if not alert.findings and letter.message_type is MessageType.CLOSURE:
        return letter.relay_id
    if alert.findings or not _ABOUT_NO_SUBSTANCE.intersection(alert.event_types):
        return voice.say("subject", "unidentified")
    about = next(each for each in alert.event_types if each in _ABOUT_NO_SUBSTANCE)
    return lowered(voice.say("event_type", about.value))


def _place(letter: Letter, alert: Alert, voice: Voice) -> str:
    country = alert.location.country
    regions = alert.location.admin1
    if letter.content is Content.FINDINGS or not regions:
        return country
    return voice.say(
        "subject", "place", place=_more(voice.place(regions[0]), len(regions) - 1, voice), country=country
    )


def _sold_as(alert: Alert, found: tuple[Found, ...]) -> str | None:
    if not found or not alert.findings[found[0].finding].sold_as:
        return None
    return one_line(alert.findings[found[0].finding].sold_as or "")
