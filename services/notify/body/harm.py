"""Harm reported: each number with its qualifier, its link to the product and its as-of time.

A missing number is said to be missing; it is never a zero, and never left out for cases, deaths and people in
hospital. Ages and sexes are not told: in a small place they make a person recognisable.
"""

from collections.abc import Iterator
from typing import Final

from schemas.alerts import Count, Harm
from schemas.vocabularies import Attribution, EventType, Qualifier
from services.notify.body.telling import Telling
from services.notify.document import Block, Line, Part
from services.notify.subject import shown_severity
from services.notify.typography import colon, number
from services.notify.voice import Voice, sentences

ALWAYS: Final = ("cases", "deaths", "hospitalised")
MORE: Final = ("icu", "overdoses", "respiratory_arrest", "naloxone_given", "naloxone_response")

_BY_EVENT: Final = ((EventType.DEATH, "deaths"), (EventType.INTOXICATION_CLUSTER, "cases"))
_RESPONSE: Final = "naloxone_response"


def harm(telling: Telling) -> Part:
    """Return the fourth part."""
    return telling.part("harm", _blocks(telling))


def _blocks(telling: Telling) -> Iterator[Block]:
    voice, alert = telling.voice, telling.alert
    unnumbered = list(_unnumbered(telling))
    if unnumbered:
        yield sentences(*unnumbered)
    elif not alert.harms:
        yield sentences(voice.not_stated())
    for each in alert.harms:
        yield _statement(each, telling)
    yield _level(telling)


def _unnumbered(telling: Telling) -> Iterator[str]:
    """Yield the harm that only the kind of event tells: it counts for the level, though no number is stated."""
    voice = telling.voice
    counted = [each for each in telling.alert.harms if each.attribution is not Attribution.BACKGROUND]
    for event, code in _BY_EVENT:
        if event in telling.alert.event_types and all(getattr(each, code) is None for each in counted):
            yield voice.say("phrase", "event_unnumbered", event=voice.say("event_type", event.value))


def _statement(harm: Harm, telling: Telling) -> Line:
    voice = telling.voice
    told = [
        count_text(getattr(harm, code), code, voice) or telling.missing(code, group="harm") for code in ALWAYS
    ]
    told += [count_text(getattr(harm, code), code, voice) for code in MORE]
    if harm.attribution is Attribution.BACKGROUND:  # said first: it is no harm of this event
        told.insert(0, voice.say("attribution", harm.attribution.value))
    else:
        told.append(voice.label("attribution", voice.say("attribution", harm.attribution.value)))
    told.append(voice.label("window", text) if (text := window_text(harm, voice)) else "")
    as_of = voice.date_of(harm.as_of) if harm.as_of is not None else f"({voice.not_stated()})"
    told.append(voice.say("label", "as_of", datetime=as_of))
    several = len(telling.shown) > 1 and harm.finding in telling.shown
    mark = f"({telling.shown.index(harm.finding) + 1}) " if several and harm.finding is not None else ""
    line = sentences(*told)
    return sentences(mark + line.text)


def count_text(count: Count | None, code: str, voice: Voice, *, labelled: bool = True) -> str:
    """Return `at least 4 people hospitalised`; empty for a number that is missing.

    What has no number of its own kind stands after its label, unless the label stands elsewhere.
    """
    if count is None:
        return ""
    exact = count.qualifier is Qualifier.EXACT
    if count.value == 0 and exact:
        return voice.say("harm_count", f"{code}.{'no' if code == _RESPONSE else 'zero'}")
    if count.value is None or code == _RESPONSE:
        text = _number(count, voice)
        return f"{voice.say('harm', code)}{colon(voice.language)} {text}" if labelled else text
    return voice.numbered("harm_count", code, count.value, text=_number(count, voice))


def _number(count: Count, voice: Voice) -> str:
    if count.value is None:
        return voice.say("qualifier", Qualifier.SEVERAL.value)
    n = number(count.value, voice.language)
    return n if count.qualifier is Qualifier.EXACT else f"{voice.say('qualifier', count.qualifier.value)} {n}"


def window_text(harm: Harm, voice: Voice) -> str:
    """Return the period that the figures are of; empty where none is stated."""
    known = [voice.date_of(each) for each in (harm.window_start, harm.window_end) if each is not None]
    hours = f"{harm.window_hours} h" if harm.window_hours is not None else ""
    span = " – ".join(dict.fromkeys(known))
    return f"{span} ({hours})" if span and hours else span or hours


def _level(telling: Telling) -> Line:
    """Return why the alert has its level, and what its sender says where that differs."""
    voice, letter = telling.voice, telling.letter
    told = []
    if letter.classification is not None:
        severity = letter.classification.severity
        reason = voice.say("severity_reason", severity.reason)
        shown = f"{reason} ({severity.rule})" if telling.on_page else reason
        told.append(voice.label("severity", shown, group="heading"))
    reported = telling.alert.severity_reported
    if reported is not None and reported is not shown_severity(letter):
        told.append(voice.label("severity_reported", voice.within("severity", reported.value)))
    return sentences(*told)
