"""`make accuracy`: precision and recall of the identification on its sets, and every confusion.

Exit status 1 where a bar is missed.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence

from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.structural import load_class_rules
from tests.accuracy import held_out_sets as sets
from tests.accuracy import judging
from tests.accuracy.held_out_sets import JudgedAlert
from tests.accuracy.judging import Judged, share

LEAST_RESOLVED = 0.92
LEAST_SUGGESTED = 0.97
LEAST_FAMILIES = 0.95
LEAST_IDENTITIES = 0.95
LEAST_CATEGORIES = 0.90
LEAST_SEVERITIES = 0.85


def main() -> int:
    catalogue, structures = load_catalogue(), StructureReader(load_class_rules())
    variants = list(judging.variants(catalogue))
    negatives = list(judging.negatives(catalogue))
    names = list(judging.never_listed_names(catalogue))
    drawn = list(judging.never_listed_structures(catalogue, structures))
    held = [
        _variants(variants),
        _nothing_found("negatives", negatives),
        _nothing_found("names of substances never listed", names),
        _families(drawn),
        *_held_out(catalogue, structures),
    ]
    return 0 if all(held) else 1


def _held_out(catalogue: Catalogue, structures: StructureReader) -> list[bool]:
    print("\nheld out")
    return [
        _variants(list(sets.named(sets.NAMES, catalogue))),
        *(
            _nothing_found(table, list(sets.named(table, catalogue)))
            for table in (sets.AMBIGUOUS, sets.NEGATIVES, sets.NEVER_LISTED)
        ),
        _families(list(sets.drawn(sets.STRUCTURES, catalogue, structures))),
        *(
            _alerts(table, list(sets.alerts(table, catalogue, structures)))
            for table in (sets.ALERTS, *sets.BLIND_ALERTS)
        ),
    ]


def _alerts(title: str, judged: Sequence[JudgedAlert]) -> bool:
    pairs = [pair for one in judged for pair in one.identities]
    wrong = [pair for pair in pairs if pair[1] not in {None, pair[0]}]
    identity = share([expected == got for expected, got in pairs])
    categories = share([one.categories == one.expected["categories"] for one in judged])
    severity = share([one.found.severity.level == one.expected["level"] for one in judged])
    print(
        f"{title}: {len(judged)}; wrong identities {len(wrong)} (bar 0), identity {identity:.1%} (bar 95 %)"
    )
    print(f"  categories {categories:.1%} (bar 90 %), severity {severity:.1%} (bar 85 %)")
    for one in judged:
        got = one.found.severity
        if got.level != one.expected["level"]:
            print(f"  level: {one.ref} is {one.expected['level']}, found {got.level.value} by {got.rule}")
        if one.categories != one.expected["categories"]:
            print(f"  categories: {one.ref} has {one.expected['categories']}, found {one.categories}")
    reached = (identity >= LEAST_IDENTITIES, categories >= LEAST_CATEGORIES, severity >= LEAST_SEVERITIES)
    return not wrong and all(reached)


def _variants(judged: Sequence[Judged]) -> bool:
    exact = [one for one in judged if one.kind != "typo"]
    wrong = [one for one in judged if one.got not in {"", one.expected}]
    resolved, suggested = share([bool(one.got) for one in exact]), share([one.suggested for one in judged])
    print(f"variants: {len(judged)}; resolved {resolved:.1%} of {len(exact)} without slips (bar 92 %)")
    print(f"  with three candidates {suggested:.1%} (bar 97 %); wrong {len(wrong)} (bar 0)")
    for kind in dict.fromkeys(one.kind for one in judged):
        of_kind = [one for one in judged if one.kind == kind]
        print(
            f"  {kind:8} {len(of_kind):4}  resolved {share([bool(one.got) for one in of_kind]):6.1%}"
            f"  with candidates {share([one.suggested for one in of_kind]):6.1%}"
        )
    for one in judged:
        if one.got != one.expected and (one.got or not one.suggested):
            print(f"  {'WRONG' if one.got else 'missed'}: {one.asked} is {one.expected}, found {_shown(one)}")
    return not wrong and resolved >= LEAST_RESOLVED and suggested >= LEAST_SUGGESTED


def _nothing_found(title: str, judged: Sequence[Judged]) -> bool:
    found = [one for one in judged if one.got]
    print(f"{title}: {len(judged)}; resolved {len(found)} (bar 0)")
    for one in found:
        print(f"  WRONG: {one.asked} became {one.got}")
    for one in judged:
        if one.expected and one.found.family != one.expected:
            print(f"  missed: {one.asked} means {one.expected}, found {_shown(one)}")
    return not found


def _families(judged: Sequence[Judged]) -> bool:
    right = share([one.found.family == one.expected for one in judged])
    print(f"structures never listed: {len(judged)}; family right {right:.1%} (bar 95 %)")
    hits: dict[str, Counter[str]] = defaultdict(Counter)
    for one in judged:
        hits[one.expected]["of"] += 1
        hits[one.found.family or "none"]["said"] += 1
        hits[one.expected]["right"] += one.found.family == one.expected
    for family, count in sorted(hits.items()):
        precision = f"{count['right'] / count['said']:6.1%}" if count["said"] else "     -"
        recall = f"{count['right'] / count['of']:6.1%}" if count["of"] else "     -"
        print(f"  {family:22} {count['of']:3}  precision {precision}  recall {recall}")
    for one in judged:
        if one.found.family != one.expected:
            print(f"  WRONG: {one.asked} is {one.expected}, found {one.found.family}")
    return right >= LEAST_FAMILIES


def _shown(one: Judged) -> str:
    shown = [candidate.preferred_name for candidate in one.found.candidates[:3]]
    return one.got or f"{one.found.outcome.value} ({one.found.reason}) {shown}"


if __name__ == "__main__":
    sys.exit(main())
