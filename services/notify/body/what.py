"""What happened: kinds of event, the product and what is in it, shipment, manufacture, the sender's own text."""

from collections.abc import Iterator
from typing import Final

from schemas.alerts import Equipment, Finding, Manufacture, Shipment
from schemas.vocabularies import Market, Role, TranslationOrigin
from services.disclosure import Content
from services.notify.body.quantities import purity_text, quantity_text
from services.notify.body.samples import samples_text
from services.notify.body.telling import Telling, Words, prose
from services.notify.document import Block, Bullets, Line, Part, Quote, Word
from services.notify.named import Found, catalogue_name, either, key, short_name
from services.notify.typography import colon, lowered, one_line, paragraphs, semicolon
from services.notify.voice import Voice, sentences

_SAID_BY_ROLE: Final = frozenset({"adulterant", "precursor"})  # families that the role says better
_SOLD_UNDER_A_NAME: Final = frozenset({Market.ILLICIT, Market.RETAIL_PRODUCT, Market.UNKNOWN})


def what(telling: Telling) -> Part:
    """Return the first part."""
    return telling.part("what", _blocks(telling))


def what_is_in_it(telling: Telling) -> Part:
    """Return the first part for a reader who may see findings only (private-sector partners)."""
    voice = telling.voice
    shipment = telling.alert.shipment
    blocks = [*_findings(telling), *_categories(telling)]
    if shipment is not None and (shipment.declared_as or shipment.transport):
        blocks.append(_goods(telling, shipment))
    severity = telling.letter.classification
    if severity is not None:
        reason = voice.say("severity_reason", severity.severity.reason)
        blocks.append(sentences(voice.label("severity", reason, group="heading")))
    return telling.part("what", blocks)


def _blocks(telling: Telling) -> Iterator[Block]:
    voice, alert = telling.voice, telling.alert
    yield sentences(*(voice.say("event_type", each.value) for each in alert.event_types))
    yield from _findings(telling)
    if alert.routes_of_use:
        routes = ", ".join(voice.within("route_of_use", each.value) for each in alert.routes_of_use)
        yield sentences(voice.label("route_of_use", routes))
    yield from _categories(telling)
    yield from _control(telling)
    if alert.shipment is not None:
        yield _shipment(telling, alert.shipment)
    if alert.manufacture is not None:
        yield _manufacture(voice, alert.manufacture)
    yield from own_text(telling)


def _findings(telling: Telling) -> Iterator[Block]:
    several = len(telling.shown) > 1
    for at, position in enumerate(telling.shown, start=1):
        finding = telling.alert.findings[position]
        product = _product(telling, finding)
        first = f"({at})" if several else ""
        if product or several:
            yield prose([(first,) if first else "", *product])
        yield _substances(telling, position)
    if telling.left:
        yield sentences(telling.voice.numbered("phrase", "more_findings", telling.left))


def _product(telling: Telling, finding: Finding) -> list[str | Words]:
    voice, product = telling.voice, finding.product
    whole = telling.letter.content is Content.FULL
    told: list[str | Words] = list(_sold_as(telling, finding))
    if finding.market is not Market.UNKNOWN and whole:
        told.append(voice.say("market", finding.market.value))
    if product is not None and product.form is not None:
        told.append(voice.label("form", voice.within("matrix", product.form.value)))
    examined = [each for each in finding.matrices if product is None or each is not product.form]
    if examined:
        told.append(voice.label("matrix", ", ".join(voice.within("matrix", each.value) for each in examined)))
    own = (
        [
            telling.own_words(code, text)
            for code, text in (
                ("colour", product.colour),
                ("shape", product.shape),
                ("markings", product.markings),
                ("brand", product.brand or product.packaging),
            )
            if text
        ]
        if product
        else []
    )
    if own and telling.foreign:
        own[-1] = (*own[-1][:-1], f" {telling.inline_mark()}.")
    told += own
    if whole:
        told += (voice.label("quantity", quantity_text(each, voice)) for each in finding.quantities)
        told += samples_text(finding.samples, voice)
    return told


def _sold_as(telling: Telling, finding: Finding) -> Iterator[Words]:
    voice = telling.voice
    label = f"{voice.say('label', 'sold_as')}{colon(voice.language)} "
    if finding.sold_as:
        yield (label, voice.foreign(finding.sold_as, telling.language), ".")
    elif finding.product is not None and finding.market in _SOLD_UNDER_A_NAME:
        yield (f"{label}{voice.not_stated()}.",)


def _substances(telling: Telling, position: int) -> Block:
    voice = telling.voice
    found = [one for one in telling.found if one.finding == position and not one.ruled_out]
    lead = voice.say("heading", "substances")
    if not found:
        return sentences(f"{lead}{colon(voice.language)} {lowered(voice.say('subject', 'unidentified'))}")
    rank = {key(one.substance): at for at, one in enumerate(telling.gravest)}
    found.sort(key=lambda one: rank.get(key(one.substance), len(rank)))
    return Bullets(lead, tuple(_substance(telling, one) for one in found))


def _substance(telling: Telling, found: Found) -> Line:
    voice, substance = telling.voice, found.substance
    shown = short_name(found, voice, language=telling.language)
    words: list[str | Word] = [shown]
    aside: list[str | Word] = []
    reported = either([one_line(each) for each in substance.one_of], voice) or one_line(substance.name or "")
    if reported != shown:
        aside.append(voice.foreign(reported, telling.language))
    elif (catalogue := catalogue_name(found)) is not None and not substance.one_of:
        aside.append(catalogue)
    family = found.identity.family if found.identity is not None else None
    if family and not (family in _SAID_BY_ROLE and substance.role is not Role.PRINCIPAL):
        aside.append(lowered(voice.say("family", family)))
    if substance.role is not Role.PRINCIPAL:
        aside.append(voice.within("role", substance.role.value))
    for at, each in enumerate(aside):
        words += [f"{semicolon(voice.language)} " if at else " (", each]
    words.append(")" if aside else "")
    number = substance.cas or (found.identity.cas if found.identity is not None else None)
    if number:
        words.append(f", CAS {number}")
    if substance.purity is not None and telling.letter.content is Content.FULL:
        label = voice.within("label", "purity")
        words.append(f", {label}{colon(voice.language)} {purity_text(substance.purity, voice)}")
    counted = samples_text(substance.samples, voice) if telling.letter.content is Content.FULL else []
    words += [f", {lowered(text)}" for text in counted]
    return prose([(*words, ".")])


def _categories(telling: Telling) -> Iterator[Line]:
    classification = telling.letter.classification
    codes = {str(label.code) for label in classification.categories} if classification else set()
    # extensions of ours below the Plan's own labels (SYN.NSO.NITAZENE) are said by the family
    plan = sorted(code for code in codes if code.count(".") < 2)
    shown = [code for code in plan if not any(other.startswith(code + ".") for other in plan)]
    if shown:
        voice = telling.voice
        names = ". ".join(voice.say("category", code) for code in shown)
        yield sentences(voice.label("categories", names))


def _control(telling: Telling) -> Iterator[Bullets]:
    voice = telling.voice
    items = []
    for found in telling.gravest:
        said = f"{semicolon(voice.language)} ".join(_controls(found, telling))
        if said and found.finding in telling.shown:
            name = short_name(found, voice, language=telling.language)
            items.append(prose([(f"{name}{colon(voice.language)} {said}.",)]))
    if items:
        yield Bullets(voice.say("label", "control"), tuple(items))


def _controls(found: Found, telling: Telling) -> Iterator[str]:
    voice, identity = telling.voice, found.identity
    if identity is not None and str(identity.outcome) == "resolved":
        for control in identity.control:
            schedule = control.schedule.removeprefix("Table ")
            yield voice.say("un_control", control.convention, schedule=schedule)
        if not identity.control:
            code = "undetermined" if identity.nps_strict is None else "none"
            yield lowered(voice.say("un_control", code, date=voice.date_of(telling.alert.detected_at)))
    if found.substance.national_control is not None:
        yield lowered(voice.say("control_status", found.substance.national_control.value))


def _shipment(telling: Telling, shipment: Shipment) -> Line:
    voice = telling.voice
    told: list[str | Words] = [voice.say("shipment_kind", shipment.kind.value)]
    if shipment.transport is not None:
        told.append(voice.say("transport", shipment.transport.value))
    told += [telling.own_words("declared_goods", shipment.declared_as)] if shipment.declared_as else []
    ends = (("origin", shipment.origin), ("destination", shipment.destination))
    origin, destination = (
        voice.label(code, voice.country(country)) if country else telling.missing(code)
        for code, country in ends
    )
    transit = ", ".join(voice.country(each) for each in shipment.transit)
    told += [origin, voice.label("transit", transit) if transit else "", destination]
    told += [telling.own_words("concealment", shipment.concealment)] if shipment.concealment else []
    return prose(told)


def _goods(telling: Telling, shipment: Shipment) -> Line:
    voice = telling.voice
    told: list[str | Words] = []
    if shipment.declared_as:
        told.append(telling.own_words("declared_goods", shipment.declared_as))
    if shipment.transport is not None:
        told.append(voice.say("transport", shipment.transport.value))
    return prose(told)


def _manufacture(voice: Voice, manufacture: Manufacture) -> Line:
    stages = [voice.within("manufacture_stage", each.value) for each in manufacture.stages]
    equipment = [equipment_text(each, voice) for each in manufacture.equipment]
    told = ", ".join([*stages, *equipment]) or voice.not_stated()
    return sentences(voice.label("manufacture", told, group="heading"))


def equipment_text(equipment: Equipment, voice: Voice) -> str:
    """Return `tablet press (2)`."""
    return voice.within("equipment", equipment.kind.value) + (
        f" ({equipment.count})" if equipment.count else ""
    )


def own_text(telling: Telling) -> Iterator[Block]:
    """Yield the sender's title and summary, quoted; a translation after them, marked as what it is."""
    alert, voice = telling.alert, telling.voice
    translation = alert.translations.get(voice.language) if telling.foreign else None  # type: ignore[call-overload]
    none = voice.say("phrase", "no_translation", language=voice.say("language", voice.language))
    intro = f"{voice.say('heading', 'original')}{colon(voice.language)}"
    mark = f" {telling.original_mark()}" if telling.foreign else ""
    yield Line((Word(intro + mark + (f" {none}" if telling.foreign and translation is None else "")),))
    yield telling.quote(alert.title)
    if not telling.reason_given:
        yield telling.quote(alert.summary)
    if telling.on_page and alert.narrative is not None:
        yield telling.quote(alert.narrative)
    if translation is not None:
        human = translation.origin is TranslationOrigin.HUMAN
        organisation = alert.sender.organisation if alert.sender and alert.sender.organisation else ""
        yield sentences(
            voice.say("phrase", "human_translation", organisation=one_line(organisation))
            if human and organisation
            else voice.say("translation_origin", "human")
            if human
            else voice.say("phrase", "machine_translation"),
            kind="mark",
        )
        yield Quote(one_line(translation.title), voice.language, original=False)
        if not telling.reason_given:
            yield Quote(paragraphs(translation.summary), voice.language, original=False)
        if telling.on_page and translation.narrative is not None:
            yield Quote(paragraphs(translation.narrative), voice.language, original=False)
