"""Which ledger the settings name, and how it is called."""

from pathlib import Path

import pytest

from services.runtime import ledgers
from services.runtime.settings import LedgerSettings

WITH_PASSWORD = {"url": "postgresql://relay:hunter2@db.example:6000/alerts?sslmode=verify-full"}


def settings(**given: object) -> LedgerSettings:
    return LedgerSettings.model_validate(given)


def test_without_a_url_it_is_the_file() -> None:
    held = settings(path="/var/lib/relay/relay.sqlite3", url="")
    assert (ledgers.place_of(held), ledgers.setting_of(held)) == (
        "/var/lib/relay/relay.sqlite3",
        "RELAY_LEDGER__PATH",
    )


def test_a_password_is_never_part_of_the_name() -> None:
    held = settings(**WITH_PASSWORD)
    assert ledgers.place_of(held) == "postgresql://relay@db.example:6000/alerts"
    assert "hunter2" not in f"{held!r} {ledgers.url_of(held)!r} {ledgers.url_of(held)}"


def test_the_password_of_its_own_counts_more_than_that_of_the_url() -> None:
    held = settings(**WITH_PASSWORD, password="another")  # none of anybody's
    assert ledgers.url_of(held).password == "another"  # as above


def test_the_mode_of_tls_is_handed_to_the_driver_by_its_name() -> None:
    url = ledgers.url_of(settings(**WITH_PASSWORD))
    assert (url.drivername, dict(url.query)) == ("postgresql+asyncpg", {"ssl": "verify-full"})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_both_schemes_name_the_database(scheme: str) -> None:
    url = ledgers.url_of(settings(url=f"{scheme}://relay@localhost/alerts"))
    assert (url.host, url.database) == ("localhost", "alerts")


def test_a_file_that_is_not_there_must_be_made(tmp_path: Path) -> None:
    assert ledgers.unfit(settings(path=tmp_path / "none.db")) == "there is no ledger yet; run `relay migrate`"
