"""Tests that start servers and relays keep out of each other's way, and the others run anywhere."""

from collections.abc import Set
from pathlib import Path

import pytest

from tests.lanes import lane_of

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("path", "needs", "lane"),
    [
        ("e2e/test_limits.py", set(), "relay"),
        ("e2e/test_browser.py", {"browser"}, "relay"),
        ("e2e/test_chaos.py", {"kafka", "postgresql"}, "cluster"),
        ("integration/test_scale_out.py", {"kafka", "postgresql"}, "cluster"),
        ("contract/test_feed.py", {"kafka"}, "kafka"),
        ("contract/test_feed.py", set(), None),
        ("integration/test_postgresql_plans.py", {"postgresql"}, None),
        ("unit/deploy/test_prometheus.py", {"promtool"}, None),
    ],
)
def test_what_a_test_starts_says_in_which_lane_it_runs(path: str, needs: Set[str], lane: str | None) -> None:
    assert lane_of(TESTS / path, needs=needs) == lane


def test_this_test_runs_in_no_lane(request: pytest.FixtureRequest) -> None:
    assert list(request.node.iter_markers("xdist_group")) == []
