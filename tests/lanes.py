"""What may run beside what: tests that start servers and relays keep to a few lanes, one test at a time in each.

The lanes are groups of `pytest --dist loadgroup`, which begins with the largest: they run from the start, beside each
other, and the quick tests fill what is left. In a lane most of the time goes by waiting (for a session to end, for
the claim of a notifier that died), and what measures a time has no other of its kind beside it.
"""

from collections.abc import Iterable, Set
from pathlib import Path

import pytest

_E2E = Path(__file__).parent / "e2e"


def lane_of(path: Path, *, needs: Set[str]) -> str | None:
    """Return the lane of a test in the file `path`, None for those that run anywhere."""
    if {"kafka", "postgresql"} <= needs:
        return "cluster"
    if "kafka" in needs:
        return "kafka"  # and so one broker does for all of them
    return "relay" if path.is_relative_to(_E2E) else None


def assign(items: Iterable[pytest.Item]) -> None:
    """Put each test in its lane."""
    for item in items:
        needs = {mark.args[0] for mark in item.iter_markers("needs")}
        if lane := lane_of(item.path, needs=needs):
            item.add_marker(pytest.mark.xdist_group(lane))
