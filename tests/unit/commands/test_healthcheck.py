"""Which address is asked whether a process is ready."""

import pytest

from services.commands.healthcheck import ready_url
from services.errors import Misconfigured
from services.runtime.settings import HttpSettings

ANY = "0.0.0.0"  # noqa: S104  # who listens everywhere


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8480/readyz"),
        ({"host": ANY}, "http://127.0.0.1:8480/readyz"),
        ({"host": "::", "port": 9000}, "http://[::1]:9000/readyz"),
        ({"metrics_port": 9100}, "http://127.0.0.1:9100/readyz"),
        (
            {"host": "192.0.2.1", "metrics_host": ANY, "metrics_port": 9100},
            "http://127.0.0.1:9100/readyz",
        ),
    ],
)
def test_the_port_of_the_metrics_is_asked_where_there_is_one(given: dict[str, object], url: str) -> None:
    assert ready_url(HttpSettings.model_validate(given)) == url


@pytest.mark.parametrize(
    ("given", "setting"),
    [({"port": 0}, "RELAY_HTTP__PORT"), ({"metrics_port": 0}, "RELAY_HTTP__METRICS_PORT")],
)
def test_a_port_that_nobody_knows_is_named(given: dict[str, object], setting: str) -> None:
    with pytest.raises(Misconfigured, match=setting):
        ready_url(HttpSettings.model_validate(given))
