"""Which finding, substance or harm of one version is the same as which of another.

Pairs hold positions (before, after); None on one side where there is none. Each position stands in one pair.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from schemas.alerts import Finding, Harm, Substance
from schemas.vocabularies import Attribution
from services.notify.named import key

Pair = tuple[int | None, int | None]
T = TypeVar("T")


def match_findings(before: Sequence[Finding], after: Sequence[Finding]) -> Iterator[Pair]:
    """Pair findings: the same, of the same product, with the same substances, else in the same place."""
    return _match(
        before,
        after,
        (
            lambda old, new, _: old == new,
            lambda old, new, _: (
                _sold(old) is not None and _sold(old) == _sold(new) and bool(_keys(old) & _keys(new))
            ),
            lambda old, new, _: bool(_keys(old) & _keys(new)),
            lambda old, new, _: _sold(old) is not None and _sold(old) == _sold(new),
            lambda _old, _new, same_place: same_place,
        ),
    )


def match_substances(before: Sequence[Substance], after: Sequence[Substance]) -> Iterator[Pair]:
    """Pair substances by key, number or name: what was reported under one may be under more now."""
    return _match(
        before,
        after,
        (
            lambda old, new, _: key(old) == key(new),
            lambda old, new, _: old.cas is not None and old.cas == new.cas,
            lambda old, new, _: _named(old) is not None and _named(old) == _named(new),
        ),
    )


def match_harms(
    before: Sequence[Harm], after: Sequence[Harm], findings: Mapping[int, int | None]
) -> Iterator[Pair]:
    """Pair statements of harm about the same finding: background with background, this event with this event."""

    def of(harm: Harm, *, moved: bool) -> tuple[int | None, bool]:
        finding = (
            findings.get(harm.finding, harm.finding) if moved and harm.finding is not None else harm.finding
        )
        return finding, harm.attribution is Attribution.BACKGROUND

    return _match(
        before,
        after,
        (
            lambda old, new, _: (
                of(old, moved=True) == of(new, moved=False) and old.window_start == new.window_start
            ),
            lambda old, new, _: of(old, moved=True) == of(new, moved=False),
            lambda old, new, same_place: same_place and of(old, moved=True)[1] == of(new, moved=False)[1],
        ),
    )


def _match(
    before: Sequence[T], after: Sequence[T], tests: Sequence[Callable[[T, T, bool], bool]]
) -> Iterator[Pair]:
    """Yield the pairs in the order of ``after``, then what is gone; an earlier test binds before a later one."""
    taken: dict[int, int] = {}  # after -> before
    for test in tests:
        for new in range(len(after)):
            if new in taken:
                continue
            for old in range(len(before)):
                if old not in taken.values() and test(before[old], after[new], old == new):
                    taken[new] = old
                    break
    yield from ((taken.get(new), new) for new in range(len(after)))
    gone = set(range(len(before))) - set(taken.values())
    yield from ((old, None) for old in sorted(gone))


def _sold(finding: Finding) -> str | None:
    return finding.sold_as.casefold() if finding.sold_as else None


def _keys(finding: Finding) -> frozenset[str]:
    return frozenset(key(one) for one in finding.substances)


def _named(one: Substance) -> str | None:
    return one.name.casefold() if one.name else None
