"""A classification in words, so that a toxicologist can check it: what each substance was taken for and by what,
why each category stands and where the Plan names it, and on which facts the level rests.

Pure: the words are an argument, in any of the four languages.
Source: HPAD-2021:RIME.1.4@L313.
"""

from collections.abc import Iterator
from functools import partial

from schemas.classifications import Candidate, CategoryLabel, Classification, SubstanceIdentity
from schemas.vocabularies import Outcome
from services.reference.terms import Terms

_GROUP = "explanation"
_SHOWN = 3  # candidates that a person is shown
_BY_NOTHING = "none"


def explain(found: Classification, *, terms: Terms, language: str) -> tuple[str, ...]:
    """Return ``found`` as lines of text: the substances with their categories, then the level, then the rest."""
    say = partial(_say, terms, language)
    mark = "\u00a0; " if language == "fr" else "; "
    lines: list[str] = []
    for one in found.substances:
        lines.append(f"{one.finding + 1}.{one.substance + 1} {mark.join(_substance(one, terms, language))}")
        at = (one.finding, one.substance)
        lines.extend(_categories(found, at=at, terms=terms, language=language))
    told = {(one.finding, one.substance) for one in found.substances}
    for place in dict.fromkeys((one.finding, one.substance) for one in found.categories):
        if place not in told:
            lines.extend(_categories(found, at=place, terms=terms, language=language))
    severity = found.severity
    level = terms.phrase("severity", severity.level.value, language)
    reason = _reason(severity.reason, terms, language)
    lines.append(say("severity", level=level, rule=severity.rule, reason=reason))
    if facts := [_fact(name, value) for name, value in severity.facts.items() if value]:
        lines.append(say("facts", facts=", ".join(facts)))
    for review in found.review:
        known = terms.has(_GROUP, f"review.{review}")
        lines.append(say("review", reason=say(f"review.{review}") if known else review))
    lines.append(say("catalogue", version=found.catalogue_version))
    return tuple(lines)


def _substance(one: SubstanceIdentity, terms: Terms, language: str) -> Iterator[str]:
    say = partial(_say, terms, language)
    family = terms.phrase("family", one.family, language) if one.family else "—"
    substance = f"{one.preferred_name} ({one.inchikey})" if one.inchikey else one.preferred_name
    candidates = _names(one.candidates)
    yield say(
        f"outcome.{one.outcome.value}",
        name=one.name,
        substance=substance,
        family=family,
        candidates=candidates or "—",
    )
    if one.step != _BY_NOTHING and terms.has(_GROUP, f"step.{one.step}"):
        rule = f" ({one.reason})" if one.step == "structure_class" else ""
        yield say(f"step.{one.step}") + rule
    if candidates and one.outcome is Outcome.UNKNOWN:
        yield say("perhaps", candidates=candidates)
    for control in one.control:
        schedule = terms.phrase("un_control", control.convention, language, schedule=_bare(control.schedule))
        yield say("controlled", schedule=schedule, date=control.since or "—")
    if one.nps_strict:
        yield say("nps_strict.yes")


def _categories(
    found: Classification, *, at: tuple[int | None, int | None], terms: Terms, language: str
) -> Iterator[str]:
    for label in found.categories:
        if (label.finding, label.substance) == at:
            yield f"    {_category(label, terms, language)}"


def _category(label: CategoryLabel, terms: Terms, language: str) -> str:
    return _say(
        terms,
        language,
        "category" if label.present else "category.absent",
        code=label.code.value,
        category=terms.phrase("category", label.code.value, language),
        plan=label.plan_ref or "—",
        rule=_say(terms, language, f"rule.{label.rule}"),
    )


def _reason(code: str, terms: Terms, language: str) -> str:
    known = terms.has("severity_reason", code)
    return terms.phrase("severity_reason", code, language) if known else code


def _names(candidates: tuple[Candidate, ...]) -> str:
    return ", ".join(dict.fromkeys(one.preferred_name for one in candidates[:_SHOWN]))


def _fact(name: str, value: object) -> str:
    return name if value is True else f"{name} {value}"


def _bare(schedule: str) -> str:
    return schedule.removeprefix("Table ")


def _say(terms: Terms, language: str, code: str, /, **placeholders: object) -> str:
    return terms.phrase(_GROUP, code, language, **placeholders)
