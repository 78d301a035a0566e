"""Where and when: place, setting, dates, firsts, and who else reported it as far as this reader may see."""

from collections.abc import Iterator

from schemas.alerts import PartialDate
from schemas.classifications import FirstSeen
from schemas.vocabularies import CorrelationLevel, First
from services.disclosure import Content
from services.notify.body.telling import Telling, Words, prose
from services.notify.document import Block, Line, Part
from services.notify.named import Found, short_name
from services.notify.subject import country_of
from services.notify.typography import colon, lowered, one_line
from services.notify.voice import Voice, plural, sentences

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
    if correlation is None or correlation.level is not CorrelationLevel.ECHO:
        yield from _firsts(telling)
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


def _firsts(telling: Telling) -> Iterator[Line]:
    """Yield the firsts that the register knows, then those that only the sender claims."""
    correlation = telling.letter.correlation
    known = correlation.firsts if correlation is not None else ()
    denied = {
        name for one in telling.found if First.KNOWN in one.substance.first for name in _names(one, telling)
    }
    told = [each for each in known if (each.substance or "").casefold() not in denied]
    yield from (_first(telling, each) for each in told)
    said = {(each.scope, (each.substance or "").casefold()) for each in told}
    for one in telling.gravest:
        for scope in one.substance.first:
            claimed = {(scope, name) for name in _names(one, telling)}
            if one.present and scope is not First.KNOWN and not claimed & said:
                yield _first(telling, _claim(one, scope, telling))


def _claim(one: Found, scope: First, telling: Telling) -> FirstSeen:
    location = telling.alert.location
    admin1 = location.admin1[0] if scope is First.ADMIN1 and location.admin1 else None
    name = short_name(one, telling.voice, language=telling.language)
    return FirstSeen(scope=scope, country=location.country, admin1=admin1, substance=name)


def _first(telling: Telling, first: FirstSeen) -> Line:
    voice = telling.voice
    said = _scope(first, voice)
    if first.family:
        family = lowered(voice.say("family", first.family))
        said = f"{said}, {voice.say('phrase', 'first_family', family=family)}"
    named = [one for one in telling.found if (first.substance or "").casefold() in _names(one, telling)]
    if first.substance:
        shown = short_name(named[0], voice, language=telling.language) if named else one_line(first.substance)
        said = f"{shown}{colon(voice.language)} {lowered(said)}"
    claimed = any(first.scope in one.substance.first for one in named)
    return prose([f"{said} ({voice.say('phrase', 'by_sender' if claimed else 'by_register')})"])


def _scope(first: FirstSeen, voice: Voice) -> str:
    match first.scope:
        case First.ADMIN1 if first.admin1:
            return voice.say("phrase", "first_admin1", place=voice.place(first.admin1))
        case First.ADMIN1:
            return voice.say("first", "admin1")
        case First.COUNTRY:
            return voice.say("phrase", "first_country", country=voice.country(first.country))
        case First.REGION:
            return voice.say("phrase", "first_region")
        case First.FORM | First.KNOWN:
            return voice.say("first", first.scope.value)


def _names(one: Found, telling: Telling) -> frozenset[str]:
    names = (
        one.substance.name,
        one.identity.preferred_name if one.identity else None,
        short_name(one, telling.voice, language=telling.language),
    )
    return frozenset(name.casefold() for name in names if name)


def _others(telling: Telling) -> Iterator[Line]:
    """Yield what other alerts say that this reader may see; nothing where there are none."""
    voice, letter = telling.voice, telling.letter
    correlation = letter.correlation
    if correlation is None or letter.content is not Content.FULL:
        return
    same = [each for each in correlation.related if each.level is CorrelationLevel.SAME_EVENT]
    countries = dict.fromkeys(country for each in same if (country := country_of(each.relay_id)))
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
