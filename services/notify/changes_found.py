"""What changed in a finding, in one of its substances, or in a statement of harm."""

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.alerts import Count, Finding, Harm, Product, Samples, Substance
from services.notify.change import OTHER, Change, Value, differs, dumped, names, text
from services.notify.matching import match_substances

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
_PRODUCT: Final = ("form", "colour", "shape", "markings", "packaging", "brand")
_NOTHING: Final = Finding()
_STRUCTURE: Final = ("inchikey", "inchi", "smiles")


def finding_changes(before: Finding | None, after: Finding | None, pointer: str) -> Iterator[Change]:
    """Yield what changed in a finding; of one that is new or gone, all that it says."""
    told = list(_finding(before or _NOTHING, after or _NOTHING, pointer))
    if not told and (before is None or after is None):  # it says nothing but that there is one
        told = [Change(pointer=pointer, before=None, after=None, label=OTHER)]
    yield from told


def harm_changes(
    before: Harm | None, after: Harm | None, pointer: str, findings: Mapping[int, int | None]
) -> Iterator[Change]:
    """Yield what changed in a statement of harm; ``findings`` says where each finding stands now."""
    attributions = tuple(each.attribution.value if each else None for each in (before, after))
    counted = [
        each
        for name in COUNTS
        for each in differs(
            (_count(getattr(before, name, None)), _count(getattr(after, name, None))),
            f"{pointer}/{name}",
            f"harm.{name}",
            about=attributions,
        )
    ]
    yield from counted
    if not counted:  # each number says it with itself
        yield from differs(attributions, f"{pointer}/attribution", "attribution")
    yield from differs((_window(before), _window(after)), f"{pointer}/window_start", "window")
    yield from differs(
        (text(getattr(before, "as_of", None)), text(getattr(after, "as_of", None))),
        f"{pointer}/as_of",
        "as_of",
    )
    was = findings.get(before.finding) if before and before.finding is not None else None
    yield from differs((was, after.finding if after else None), f"{pointer}/finding", OTHER)
    for name in ("age_bands", "sex"):
        old, new = (_cells(each, name) for each in (before, after))
        yield from differs((old, new), f"{pointer}/{name}", OTHER)


def _finding(before: Finding, after: Finding, pointer: str) -> Iterator[Change]:
    yield from differs((before.presence.value, after.presence.value), f"{pointer}/presence", "presence")
    yield from differs((dumped(before.origin), dumped(after.origin)), f"{pointer}/origin", "origin")
    yield from differs((before.sold_as, after.sold_as), f"{pointer}/sold_as", "sold_as")
    yield from differs((before.market.value, after.market.value), f"{pointer}/market", "market")
    for name in _PRODUCT:
        yield from differs(
            (text(_of_product(each, name)) for each in (before, after)),
            f"{pointer}/product/{name}",
            f"product.{name}",
        )
    yield from differs(
        (_of_product(each, "image") for each in (before, after)), f"{pointer}/product/image", OTHER
    )
    yield from differs((names(before.matrices), names(after.matrices)), f"{pointer}/matrices", "matrices")
    old_amount, new_amount = ([dumped(each) for each in one.quantities] for one in (before, after))
    yield from differs((old_amount, new_amount), f"{pointer}/quantities", "quantities")
    yield from _samples(before.samples, after.samples, f"{pointer}/samples", None)
    for old_at, new_at in match_substances(before.substances, after.substances):
        old_one = before.substances[old_at] if old_at is not None else None
        new_one = after.substances[new_at] if new_at is not None else None
        yield from _substance(
            old_one, new_one, f"{pointer}/substances/{new_at if new_at is not None else old_at}"
        )


def _of_product(finding: Finding, name: str) -> str | None:
    product: Product | None = finding.product
    value: str | None = getattr(product, name) if product else None
    return value


def _substance(before: Substance | None, after: Substance | None, pointer: str) -> Iterator[Change]:
    one = after or before
    if one is None:
        return
    about = (_name(one),)
    if before is None or after is None or _name(before).casefold() != _name(after).casefold():
        yield from differs((_shown(before), _shown(after)), pointer, "substance", about=about)
    elif before.confirmation is not after.confirmation:
        yield from differs(
            (before.confirmation.value, after.confirmation.value),
            f"{pointer}/confirmation",
            "confirmation",
            about=about,
        )
    if before is None or after is None:
        return  # what it is stands in the message, or is no more
    pairs = (
        ("role", before.role.value, after.role.value, "role"),
        ("cas", before.cas, after.cas, "cas"),
        ("purity", dumped(before.purity), dumped(after.purity), "purity"),
        ("methods", names(before.methods), names(after.methods), "methods"),
        ("lab_type", text(before.lab_type), text(after.lab_type), "lab_type"),
        ("first", names(before.first), names(after.first), "first"),
        ("national_control", text(before.national_control), text(after.national_control), "national_control"),
        ("street_names", names(before.street_names), names(after.street_names), OTHER),
        *((name, getattr(before, name), getattr(after, name), OTHER) for name in _STRUCTURE),
    )
    for name, old, new, label in pairs:
        yield from differs((old, new), f"{pointer}/{name}", label, about=about)
    yield from _samples(before.samples, after.samples, f"{pointer}/samples", _name(after))


def _samples(
    before: Samples | None, after: Samples | None, pointer: str, about: str | None
) -> Iterator[Change]:
    yield from differs((dumped(before), dumped(after)), pointer, "samples", about=(about,))


def _shown(one: Substance | None) -> Value:
    if one is None:
        return None
    named: dict[str, Value] = {"name": one.name} if one.name else {"one_of": list[Value](one.one_of)}
    return {**named, "confirmation": one.confirmation.value}


def _name(one: Substance) -> str:
    return one.name or " / ".join(one.one_of)


def _count(count: Count | None) -> Value:
    written: Value = None if count is None else count.model_dump(mode="json")
    return written


def _window(harm: Harm | None) -> Value:
    if harm is None:
        return None
    stated = {name: getattr(harm, name) for name in ("window_start", "window_end", "window_hours")}
    known: dict[str, Value] = {
        name: value if isinstance(value, int) else str(value)
        for name, value in stated.items()
        if value is not None
    }
    return known or None


def _cells(harm: Harm | None, name: str) -> Value:
    written = {} if harm is None else harm.model_dump(mode="json", include={name}, exclude_defaults=True)
    value: Value = written.get(name)
    return value
