"""What to do: the sender's advice and measures, quoted. The relay gives no advice of its own."""

from collections.abc import Iterator

from schemas.alerts import Measure
from services.notify.body.telling import Telling
from services.notify.document import Block, Part, line
from services.notify.typography import colon
from services.notify.voice import Voice, sentences


def action(telling: Telling) -> Part:
    """Return the fifth part."""
    return telling.part("action", _blocks(telling))


def _blocks(telling: Telling) -> Iterator[Block]:
    voice, alert = telling.voice, telling.alert
    mark = telling.original_mark()
    if not alert.recommended_actions:
        yield sentences(voice.say("phrase", "no_advice"))
    else:
        yield line(" ".join(filter(None, (voice.say("phrase", "advice_intro"), mark))))
    audience = None
    for each in alert.recommended_actions:
        if each.audience is not None and each.audience is not audience:
            yield line(voice.say("audience", each.audience.value) + colon(voice.language))
        audience = each.audience
        yield telling.quote(each.text)
    measures = (*alert.health_measures, *alert.other_measures)
    if measures:
        intro = f"{voice.say('heading', 'measures')}{colon(voice.language)}"
        yield line(" ".join(filter(None, (intro, mark))))
    for measure in measures:
        yield from _measure(measure, telling)


def measure_lead(measure: Measure, voice: Voice) -> str:
    """Return for whom a measure is and whether it was taken; empty where neither is said."""
    said = [voice.say("audience", measure.audience.value)] if measure.audience is not None else []
    said += [voice.say("measure_status", measure.status.value)] if measure.status is not None else []
    return ", ".join(said)


def _measure(measure: Measure, telling: Telling) -> Iterator[Block]:
    voice = telling.voice
    said = measure_lead(measure, voice)
    if said:
        yield line(said.capitalize() + colon(voice.language))
    yield telling.quote(measure.text)
