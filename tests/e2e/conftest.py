"""Where end-to-end tests run: at most two relays at once, however many workers there are."""

import pytest

_GROUPS = 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the tests of this folder out to as many groups as may run at once."""
    here = [item for item in items if __file__.rpartition("/")[0] in str(item.path)]
    for number, item in enumerate(here):
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.xdist_group(f"relay-{number % _GROUPS}"))
