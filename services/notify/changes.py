"""What changed between two versions of an alert: facts only, never wording.

Findings and substances are matched by what they are, so another order is no change. A pointer names the place
in the version where the fact now stands, or stood, if it is gone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from schemas.alerts import Alert, Count, Finding, Harm, Samples, Substance
from services.notify.matching import match_findings, match_harms, match_substances

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]

COUNTS: Final = (
    "cases",
    "deaths",
    "hospitalised",
    "icu",
    "overdoses",
    "respiratory_arrest",
    "naloxone_given",
    "naloxone_response",
)
OF_FINDINGS: Final = frozenset(  # labels that a reader of findings alone may be told
    {"substance", "confirmation", "role", "sold_as", "matrices", "country"}
)
_DATES: Final = ("event_start", "event_end", "detected_at", "lab_confirmed_at")
_PRODUCT: Final = ("form", "colour", "shape", "markings", "packaging", "brand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact that changed; None where it was not there before, or is no more.

    `label` says what kind of fact: `harm.deaths`, `substance`, `confirmation`, `purity`, `date.detected_at`,
    `product.colour`, `sold_as`, `presence`, `matrices`, `quantities`, `samples`, `place`, `attribution`.
    `about` is the substance's name, and the links to the product of a harm before and after.
    """

    pointer: str
    before: Value
    after: Value
    label: str
    about: tuple[str | None, ...] = ()


def changes(before: Alert, after: Alert) -> tuple[Change, ...]:
    """Return the facts that differ, in the order of the parts of a message."""
    return tuple(_all(before, after))


def without_before(changed: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes as told to who may not see the earlier version: neither its values nor what is gone."""
    kept = (change for change in changed if change.after is not None)
    return tuple(replace(change, before=None, about=_about_now(change)) for change in kept)


def _about_now(change: Change) -> tuple[str | None, ...]:
    return (None, change.about[1]) if change.label.startswith("harm.") else change.about


def _all(before: Alert, after: Alert) -> Iterator[Change]:
    pairs = list(match_findings(before.findings, after.findings))
    for old, new in pairs:
        if old is None and new is not None:
            yield from _new_finding(after.findings[new], f"/findings/{new}")
        elif new is None and old is not None:
            yield from _lost_finding(before.findings[old], f"/findings/{old}")
        elif old is not None and new is not None:
            yield from _finding(before.findings[old], after.findings[new], f"/findings/{new}")
    yield from _place(before, after)
    for name in _DATES:
        yield from _differs(
            _text(getattr(before, name)), _text(getattr(after, name)), f"/{name}", f"date.{name}"
        )
    places = {old: new for old, new in pairs if old is not None}
    for was, now in match_harms(before.harms, after.harms, places):
        yield from _harm(
            before.harms[was] if was is not None else None,
            after.harms[now] if now is not None else None,
            f"/harms/{now if now is not None else was}",
        )


def _new_finding(finding: Finding, pointer: str) -> Iterator[Change]:
    if finding.sold_as:
        yield Change(pointer=f"{pointer}/sold_as", before=None, after=finding.sold_as, label="sold_as")
    for at, one in enumerate(finding.substances):
        yield _appeared(one, f"{pointer}/substances/{at}")


def _lost_finding(finding: Finding, pointer: str) -> Iterator[Change]:
    if finding.sold_as:
        yield Change(pointer=f"{pointer}/sold_as", before=finding.sold_as, after=None, label="sold_as")
    for at, one in enumerate(finding.substances):
        yield _vanished(one, f"{pointer}/substances/{at}")


def _finding(before: Finding, after: Finding, pointer: str) -> Iterator[Change]:
    yield from _differs(before.presence.value, after.presence.value, f"{pointer}/presence", "presence")
    yield from _differs(before.sold_as, after.sold_as, f"{pointer}/sold_as", "sold_as")
    for name in _PRODUCT:
        old, new = (getattr(each.product, name) if each.product else None for each in (before, after))
        yield from _differs(_text(old), _text(new), f"{pointer}/product/{name}", f"product.{name}")
    old_in, new_in = (sorted(each.value for each in one.matrices) for one in (before, after))
    yield from _lists(old_in, new_in, f"{pointer}/matrices", "matrices")
    old_amount, new_amount = ([_dumped(each) for each in one.quantities] for one in (before, after))
    yield from _lists(old_amount, new_amount, f"{pointer}/quantities", "quantities")
    yield from _samples(before.samples, after.samples, f"{pointer}/samples", None)
    for old_at, new_at in match_substances(before.substances, after.substances):
        old_one = before.substances[old_at] if old_at is not None else None
        new_one = after.substances[new_at] if new_at is not None else None
        yield from _substance(
            old_one, new_one, f"{pointer}/substances/{new_at if new_at is not None else old_at}"
        )


def _substance(before: Substance | None, after: Substance | None, pointer: str) -> Iterator[Change]:
    if after is None:
        if before is not None:
            yield _vanished(before, pointer)
        return
    if before is None:
        yield _appeared(after, pointer)
        return
    about = (_name(after),)
    pairs = (
        ("confirmation", before.confirmation.value, after.confirmation.value),
        ("role", before.role.value, after.role.value),
        ("purity", _dumped(before.purity), _dumped(after.purity)),
    )
    for name, old, new in pairs:
        if old != new:
            yield Change(pointer=f"{pointer}/{name}", before=old, after=new, label=name, about=about)
    yield from _samples(before.samples, after.samples, f"{pointer}/samples", _name(after))


def _harm(before: Harm | None, after: Harm | None, pointer: str) -> Iterator[Change]:
    attributions = tuple(each.attribution.value if each else None for each in (before, after))
    changed = False
    for name in COUNTS:
        old, new = (_count(getattr(each, name)) if each else None for each in (before, after))
        if old != new:
            changed = True
            yield Change(
                pointer=f"{pointer}/{name}", before=old, after=new, label=f"harm.{name}", about=attributions
            )
    if attributions[0] != attributions[1] and not changed:
        old, new = attributions
        yield Change(pointer=f"{pointer}/attribution", before=old, after=new, label="attribution")


def _place(before: Alert, after: Alert) -> Iterator[Change]:
    old, new = before.location, after.location
    yield from _differs(old.country, new.country, "/location/country", "country")
    yield from _lists(sorted(old.admin1), sorted(new.admin1), "/location/admin1", "admin1")
    yield from _differs(old.locality, new.locality, "/location/locality", "place")


def _samples(
    before: Samples | None, after: Samples | None, pointer: str, about: str | None
) -> Iterator[Change]:
    old, new = _dumped(before), _dumped(after)
    if old != new:
        yield Change(pointer=pointer, before=old, after=new, label="samples", about=(about,))


def _differs(before: str | None, after: str | None, pointer: str, label: str) -> Iterator[Change]:
    if before != after:
        yield Change(pointer=pointer, before=before, after=after, label=label)


def _lists(before: Sequence[Value], after: Sequence[Value], pointer: str, label: str) -> Iterator[Change]:
    old, new = list(before), list(after)
    if old != new:
        yield Change(pointer=pointer, before=old or None, after=new or None, label=label)


def _appeared(one: Substance, pointer: str) -> Change:
    return Change(pointer=pointer, before=None, after=_shown(one), label="substance", about=(_name(one),))


def _vanished(one: Substance, pointer: str) -> Change:
    return Change(pointer=pointer, before=_shown(one), after=None, label="substance", about=(_name(one),))


def _shown(one: Substance) -> dict[str, Value]:
    named: dict[str, Value] = {"name": one.name} if one.name else {"one_of": list[Value](one.one_of)}
    return {**named, "confirmation": one.confirmation.value}


def _name(one: Substance) -> str:
    return one.name or " / ".join(one.one_of)


def _count(count: Count | None) -> Value:
    if count is None:
        return None
    written: Value = count.model_dump(mode="json")
    return written


def _dumped(value: object) -> Value:
    if value is None or not hasattr(value, "model_dump"):
        return None
    written: Value = value.model_dump(mode="json", exclude_defaults=True)
    return written


def _text(value: object) -> str | None:
    return None if value is None else str(value)
