"""Tests that start servers and relays keep out of each other's way, and the others run anywhere."""

import pytest

from tests.lanes import lane_of, needed_lane


@pytest.mark.parametrize(
    ("nodeid", "lane"),
    [
        ("tests/e2e/test_limits.py::test_x", "relay"),
        ("tests/e2e/test_demo.py::test_x[embedded]", "relay"),
        ("tests/e2e/test_bad_configuration.py::test_x[eighty]", None),
        ("tests/e2e/test_demo.py::test_x[cluster]", "cluster"),
        ("tests/e2e/test_chaos.py::test_x", "cluster"),
        ("tests/integration/test_scale_out.py::test_x", "cluster"),
        ("tests/integration/test_kafka_feed.py::test_x[a-b]", "kafka"),
        ("tests/contract/test_feed.py::test_x[kafka]", "kafka"),
        ("tests/contract/test_feed.py::test_x[sqlite]", None),
        ("tests/integration/test_postgresql_plans.py::test_x", None),
        ("tests/unit/test_lanes.py::test_x", None),
    ],
)
def test_the_name_of_a_test_says_in_which_lane_it_runs(nodeid: str, lane: str | None) -> None:
    assert lane_of(nodeid) == lane


def test_every_test_that_needs_a_broker_is_in_its_lane(request: pytest.FixtureRequest) -> None:
    wrong = [
        item.nodeid
        for item in request.session.items
        if (lane := needed_lane(item)) and lane_of(item.nodeid) != lane
    ]
    assert wrong == []
