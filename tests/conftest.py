"""What every test shares: the programs that some need, and how long the generated ones take."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from tests.lanes import Lanes
from tests.requirements import Decided, Need, Verdict, decide, find, required
from tests.servers.kafka import kafka as kafka
from tests.servers.kafka import own_kafka as own_kafka
from tests.servers.postgresql import new_postgresql as new_postgresql
from tests.servers.postgresql import own_postgresql as own_postgresql
from tests.servers.postgresql import postgresql as postgresql
from tests.shipped import catalogue as catalogue
from tests.shipped import plan as plan
from tests.shipped import structures as structures

# Random, so that every run looks elsewhere, and bounded, so that none takes long; `@settings` of a test counts more.
# A machine with other work to do is slow, which is no fault of the example.
settings.register_profile(
    "relay", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("long", parent=settings.get_profile("relay"), max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "relay"))


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a word in `RELAY_TEST_REQUIRE` that would require nothing."""
    try:
        required(os.environ)
    except ValueError as fault:
        raise pytest.UsageError(str(fault)) from fault


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Lanes:
    """Keep what starts servers and relays out of each other's way."""
    return Lanes(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail what needs a program that is not there."""
    for mark in item.iter_markers("needs"):
        need = Need(mark.args[0])
        decided: Decided = decide(need, found=find(need), must=required(os.environ))
        if decided.verdict is Verdict.SKIP:
            pytest.skip(decided.reason)
        if decided.verdict is Verdict.FAIL:
            pytest.fail(decided.reason, pytrace=False)


@pytest.fixture(autouse=True)
def _logs_end_with_their_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget how a test had logs written: the stream that it caught is closed for the next one."""
    configure = structlog.configure
    monkeypatch.setattr(
        structlog, "configure", lambda **given: configure(**given | {"cache_logger_on_first_use": False})
    )
    yield
    structlog.reset_defaults()
