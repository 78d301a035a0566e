"""Where and when: place, setting, dates, firsts, and who else reported it as far as this reader may see."""

from collections.abc import Iterator

from schemas.alerts import PartialDate
from schemas.classifications import FirstSeen
from schemas.vocabularies import CorrelationLevel, First
from services.disclosure import Content
from services.notify.body.telling import Telling, Words, prose
from services.notify.document import Block, Line, Part
from services.notify.named import short_name
from services.notify.typography import colon, lowered, one_line, sentence
from services.notify.voice import plural, sentences

_WINDOW_DAYS = 180  # what `states_in_window` counts over


def where(telling: Telling) -> Part:
    """Return the second part."""
    return telling.part("where", _blocks(telling))


def country_only(telling: Telling) -> Part:
    """Return the second part for a reader who may see findings only."""
    voice = telling.voice
    return telling.part(
        "where", [sentences(voice.label("country", voice.country(telling.alert.location.country)))]
    )


def _blocks(telling: Telling) -> Iterator[Block]:
    yield _place_and_dates(telling)
    correlation = telling.letter.correlation
    if correlation is None:
        return
    if correlation.level is not CorrelationLevel.ECHO:
        for first in correlation.firsts:
            yield _first(telling, first)
    yield from _others(telling)


def _place_and_dates(telling: Telling) -> Line:
    voice, alert = telling.voice, telling.alert
    told: list[str | Words] = [voice.label("country", voice.country(alert.location.country)), _place(telling)]
    if alert.location.setting is not None:
        told.append(voice.label("setting", voice.within("setting", alert.location.setting.value)))
    told.append(_span(telling, "event_date", alert.event_start, alert.event_end))
    told.append(voice.label("detected", voice.date_of(alert.detected_at)))
    if alert.lab_confirmed_at is not None:
        told.append(voice.label("lab_confirmed", voice.date_of(alert.lab_confirmed_at)))
    return prose(told)


def _place(telling: Telling) -> str:
    voice, location = telling.voice, telling.alert.location
    names = [one_line(location.locality)] if location.locality else []
    names += [name for code in location.admin1 if (name := voice.place(code)) not in names]
    return voice.label("place", ", ".join(names)) if names else telling.missing("place")


def _span(telling: Telling, code: str, start: PartialDate | None, end: PartialDate | None) -> str:
    voice = telling.voice
    known = [each for each in (start, end) if each is not None]
    if not known:
        return telling.missing(code)
    texts = list(dict.fromkeys(voice.date_of(each) for each in known))
    return voice.label(code, " – ".join(texts))


def _first(telling: Telling, first: FirstSeen) -> Line:
    voice = telling.voice
    place = voice.place(first.admin1) if first.admin1 else voice.country(first.country)
    said = {
        First.ADMIN1: lambda: voice.say("phrase", "first_admin1", place=place),
        First.COUNTRY: lambda: voice.say("phrase", "first_country", country=voice.country(first.country)),
        First.REGION: lambda: voice.say("phrase", "first_region"),
        First.FORM: lambda: voice.say("first", "form"),
        First.KNOWN: lambda: voice.say("first", "known"),
    }[first.scope]()
    if first.family:
        family = lowered(voice.say("family", first.family))
        said = f"{said}, {voice.say('phrase', 'first_family', family=family)}"
    subject = f"{one_line(first.substance)}{colon(voice.language)} " if first.substance else ""
    basis = voice.say("phrase", "by_sender" if _claimed(telling, first) else "by_register")
    return prose([(sentence(f"{subject}{lowered(said) if subject else said} ({basis})"),)])


def _claimed(telling: Telling, first: FirstSeen) -> bool:
    """Return whether the sender itself says that it is the first, of that substance or by the kind of event."""
    named = (first.substance or "").casefold()
    claims = [one for one in telling.found if first.scope in one.substance.first]
    names = {short_name(one, telling.voice, language=telling.language).casefold() for one in claims}
    names |= {(one.substance.name or "").casefold() for one in claims}
    names |= {(one.identity.preferred_name or "").casefold() for one in claims if one.identity}
    return named in names


def _others(telling: Telling) -> Iterator[Line]:
    """Yield what other alerts say that this reader may see; nothing where there are none."""
    voice, letter = telling.voice, telling.letter
    correlation = letter.correlation
    if correlation is None or letter.content is not Content.FULL:
        return
    same = [each for each in correlation.related if each.level is CorrelationLevel.SAME_EVENT]
    countries = dict.fromkeys(country for each in same if (country := _country_of(each.relay_id)))
    others = [voice.country(code) for code in countries if code != telling.alert.location.country]
    if others:
        yield sentences(voice.say("phrase", "also_reported_by", countries=", ".join(others)))
    if same and not others:
        yield sentences(voice.say("phrase", "corroborated"))
    for each in correlation.related:
        if each.level is CorrelationLevel.POSSIBLE_SAME_EVENT:
            yield sentences(voice.say("phrase", "possible_same_event", ref=each.relay_id))
    if correlation.states_in_window > 1:
        n = correlation.states_in_window
        yield sentences(
            voice.say("phrase", f"nth_country.{plural(n, voice.language)}", n=n, days=_WINDOW_DAYS)
        )


def _country_of(relay_id: str) -> str | None:
    """Return the country that a relay id names: SATA-UY-2026-000007."""
    parts = relay_id.split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 2 else None
