"""What may run beside what: tests that start servers and relays keep to a few lanes, one test at a time in each.

`pytest -n` deals the lanes out first, the largest before the others: they run from the start, beside each other, and
the quick tests fill what is left. In a lane most of the time goes by waiting (for a session to end, for the claim of a
notifier that died), and what measures a time has no other of its kind beside it.

The plugin's own groups (`--dist loadgroup`) are not used: under pytest 9.1 and later they group nothing, because the
plugin writes them into an attribute that pytest no longer reads.
"""

import re
from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling

_LANES: Final = {  # by the name of the test: whoever deals them out sees nothing else
    "cluster": re.compile(r"/test_scale_out\.py::|/test_chaos\.py::|^tests/e2e/.*\[cluster\]"),
    "kafka": re.compile(r"^tests/integration/test_(kafka|faust|feed)_\w+\.py::|\[kafka\]"),
    # a command that ends by itself disturbs no other, and measures nothing
    "relay": re.compile(r"^tests/e2e/(?!test_bad_configuration|test_classify_command)"),
}


class Lanes(LoadScopeScheduling):
    """Deals the lanes out whole, everything else one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid) or nodeid


def lane_of(nodeid: str) -> str | None:
    """Return the lane of a test, None for those that run anywhere."""
    return next((lane for lane, names in _LANES.items() if names.search(nodeid)), None)


def needed_lane(item: pytest.Item) -> str | None:
    """Return the lane that a test must be in for what it says it needs; None where it may be in any, or none."""
    needs = {mark.args[0] for mark in item.iter_markers("needs")}
    if "kafka" not in needs:
        return None
    return "cluster" if "postgresql" in needs else "kafka"  # and so one broker does for all of a lane
