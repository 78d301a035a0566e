"""How sure it is: for each substance the certainty and the methods, what was ruled out, what was only said."""

from collections.abc import Iterator
from typing import Final

from schemas.vocabularies import Method, Outcome, Presence
from services.notify.body.telling import Telling, prose
from services.notify.document import Block, Bullets, Line, Part
from services.notify.named import Found, either, key, short_name
from services.notify.typography import colon, lowered, one_line, quoted, semicolon
from services.notify.voice import Voice, sentences

_INLINE_AT_MOST: Final = 4


def certainty(telling: Telling) -> Part:
    """Return the third part."""
    return telling.part("certainty", _blocks(telling))


def _blocks(telling: Telling) -> Iterator[Block]:
    voice = telling.voice
    found = _distinct(_gravest_first(telling))
    ruled_out = _distinct([one for one in telling.found if one.ruled_out])
    mark = _mark(found, telling)
    if mark:
        yield sentences(voice.say("phrase", mark), kind="mark")
    for presence in _presences(telling):
        yield sentences(voice.say("presence", presence.value), kind="mark")
    if found:
        yield _listed(found, telling)
    elif not mark:
        yield sentences(voice.not_stated())
    for one in found:
        yield from _doubts(one, telling)
    if ruled_out:
        names = f"{semicolon(voice.language)} ".join(_with_methods(one, telling) for one in ruled_out)
        yield sentences(voice.label("ruled_out", names, group="heading"))


def _mark(found: list[Found], telling: Telling) -> str | None:
    """Return the code of the warning over this part; none where every identity is confirmed."""
    if not found:
        return "unidentified" if telling.alert.findings else None
    confirmed = [one.confirmed for one in found]
    if all(confirmed):
        return None
    return "partly_confirmed" if any(confirmed) else "unconfirmed"


def _presences(telling: Telling) -> list[Presence]:
    told = {finding.presence for finding in telling.alert.findings} - {Presence.DETECTED_HERE}
    return sorted(told)


def _distinct(found: list[Found]) -> list[Found]:
    said: dict[tuple[object, ...], Found] = {}
    for one in found:
        substance = one.substance
        said.setdefault((substance.name, substance.one_of, substance.confirmation, substance.methods), one)
    return list(said.values())


def _gravest_first(telling: Telling) -> list[Found]:
    rank = {key(one.substance): at for at, one in enumerate(telling.gravest)}
    found = [one for one in telling.found if not one.ruled_out]
    return sorted(found, key=lambda one: rank.get(key(one.substance), len(rank)))


def _listed(found: list[Found], telling: Telling) -> Block:
    lines = tuple(_one(one, telling) for one in found)
    if len(lines) <= _INLINE_AT_MOST:
        return prose([line.words for line in lines])
    return Bullets(telling.voice.say("heading", "substances"), lines)


def _one(found: Found, telling: Telling) -> Line:
    voice, substance = telling.voice, found.substance
    name = short_name(found, voice, language=telling.language)
    how = [method_text(method, voice) for method in substance.methods]
    if substance.lab_type is not None:
        how.append(voice.within("lab_type", substance.lab_type.value))
    said = _with(voice.say("confirmation", substance.confirmation.value), how, mark=semicolon(voice.language))
    return prose([(f"{name}{colon(voice.language)} {said}.",)])


def _with(said: str, how: list[str], *, mark: str) -> str:
    """Return the certainty with its methods, in one pair of brackets."""
    if not how:
        return said
    by = ", ".join(how)
    return f"{said.removesuffix(')')}{mark} {by})" if said.endswith(")") else f"{said} ({by})"


def _with_methods(found: Found, telling: Telling) -> str:
    name = short_name(found, telling.voice, language=telling.language)
    methods = ", ".join(method_text(method, telling.voice) for method in found.substance.methods)
    return f"{name} ({methods})" if methods else name


def method_text(method: Method, voice: Voice) -> str:
    """Return the abbreviation where the field has one (`GC-MS`), else the name of the method."""
    name = voice.say("method", method.value)
    _, opening, rest = name.rpartition("(")
    return rest.removesuffix(")") if opening else lowered(name)


def _doubts(found: Found, telling: Telling) -> Iterator[Line]:
    voice, identity = telling.voice, found.identity
    if found.substance.one_of:
        candidates = either([one_line(name) for name in found.substance.one_of], voice)
        yield sentences(voice.say("phrase", "either_or", candidates=candidates))
    elif identity is not None and identity.outcome is Outcome.UNKNOWN:
        name = one_line(found.substance.name or "")
        yield sentences(voice.say("phrase", "unknown_name", name=quoted(name, voice.language)))
