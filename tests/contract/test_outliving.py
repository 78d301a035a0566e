"""After a restore no number is given twice and no right that ended is back, on both databases.

The ledger that is replaced and its copy have the same history up to a moment; then one of them goes on.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import delete, insert, select

from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage import keys, recipients, verdicts, webhook_secrets
from services.storage.deliveries_rows import CURSOR
from services.storage.outliving import CURSORS_GAP, NUMBERS_GAP, Mended, Outlived, mark_of, mend, outlived
from services.storage.records import ApiKey, Participation
from services.storage.statements import next_number
from services.storage.tables import counters, sessions
from services.storage.thread_records import Filters
from services.storage.webhook_secrets import SecretBox
from tests.builders import make_alert
from tests.databases import PostgresPlace, SqlitePlace
from tests.deliveries_rig import email, make_recipient, webhook
from tests.ledger import START, Relay

POSTGRESQL = pytest.param("postgresql", marks=(pytest.mark.integration, pytest.mark.needs("postgresql")))
LATER = START + timedelta(hours=1)
BOX = SecretBox([Fernet.generate_key().decode()])


class Pair:
    """A ledger and its copy."""

    def __init__(self, replaced: Relay, copy: Relay) -> None:
        self.replaced, self.copy = replaced, copy
        for one in (replaced, copy):
            one.run(partial(keys.create, new=key("old"), actor="operator"))
            self.direct(one, HT=Participation.ACTIVE)
            one.send(make_alert(national_ref="first"))

    def direct(self, relay: Relay, **taking_part: Participation) -> None:
        people = [make_recipient("ht-ndo", country="HT", channels=(email("ht"), webhook()))]
        relay.run(
            lambda connection: recipients.replace_all(
                connection, people, taking_part=taking_part, actor="operator", now=relay.now
            )
        )

    def found(self) -> Outlived | None:
        since = self.copy.run(mark_of)
        return self.replaced.run(partial(outlived, since=since))

    def mend(self, found: Outlived | None) -> Mended:
        return self.copy.run(
            partial(
                mend, found=found, prefix="SATA", countries=("UY", "BR", "PE"), actor="operator", now=LATER
            )
        )


@pytest.fixture(params=["sqlite", POSTGRESQL])
def pair(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    catalogue: Catalogue,
    plan: Mapping[str, PlanBasis],
) -> Iterator[Pair]:
    """A ledger with one alert, one key and one institution, and its copy."""
    places: list[SqlitePlace | PostgresPlace] = [SqlitePlace(tmp_path / name) for name in ("one", "two")]
    if request.param == "postgresql":
        databases = request.getfixturevalue("postgresql")
        places = [PostgresPlace(databases.emptied()), PostgresPlace(databases.new())]
    one, two = (Relay(place, catalogue=catalogue, plan=plan) for place in places)
    try:
        yield Pair(one, two)
    finally:
        one.close()
        two.close()


def key(name: str) -> keys.NewKey:
    return keys.NewKey(
        key=ApiKey(
            id=f"key-{name}",
            institution_id="uy-observatory",
            country="UY",
            organisation="Observatorio",
            role="ndo",
            contact=None,
            countries=frozenset({"UY", "FK"}),
            scopes=frozenset({"send"}),
            created_at=START,
        ),
        secret=f"rk_{name:_<40}",
    )


def relay_ids(relay: Relay) -> set[str]:
    return {row.relay_id for row in relay.threads().values()}


def cursor(relay: Relay) -> int:
    return verdicts.page(relay.connection, after=0, most=100, filters=Filters()).cursor


def test_no_number_that_was_given_since_the_copy_is_given_again(pair: Pair) -> None:
    for number in range(3):
        pair.replaced.send(make_alert(national_ref=f"since {number}"))
    pair.replaced.send(make_alert(national_ref="of another state", location={"country": "PE"}))
    notifications = pair.replaced.run(lambda connection: next_number(connection, CURSOR, step=150))
    given, decided = relay_ids(pair.replaced), cursor(pair.replaced)
    mended = pair.mend(pair.found())
    pair.copy.send(make_alert(national_ref="after"))
    pair.copy.send(make_alert(national_ref="after, there", location={"country": "PE"}))
    new = relay_ids(pair.copy) - {"SATA-UY-2026-000001"}
    assert new == {"SATA-UY-2026-000005", "SATA-PE-2026-000002"}
    assert not new & given
    assert pair.copy.run(lambda connection: next_number(connection, CURSOR)) > notifications
    page = verdicts.page(pair.copy.connection, after=decided, most=100, filters=Filters())
    assert {one.message.alert.national_ref for one in page.versions} == {"after", "after, there"}
    assert {one["national_ref"]: one["relay_id"] for one in mended.lost} == {
        "since 0": "SATA-UY-2026-000002",
        "since 1": "SATA-UY-2026-000003",
        "since 2": "SATA-UY-2026-000004",
        "of another state": "SATA-PE-2026-000001",
    }


def test_where_nothing_can_be_read_numbers_go_on_after_a_gap(pair: Pair) -> None:
    first = cursor(pair.copy)
    before = pair.copy.run(lambda connection: next_number(connection, CURSOR))
    mended = pair.mend(None)
    for country in ("UY", "PE", "FK"):
        pair.copy.send(make_alert(national_ref=f"after in {country}", location={"country": country}))
    assert relay_ids(pair.copy) - {"SATA-UY-2026-000001"} == {
        f"SATA-UY-2026-{NUMBERS_GAP + 2}",
        f"SATA-PE-2026-{NUMBERS_GAP + 1}",
        f"SATA-FK-2026-{NUMBERS_GAP + 1}",
    }
    assert pair.copy.run(lambda connection: next_number(connection, CURSOR)) == before + CURSORS_GAP + 1
    assert cursor(pair.copy) == first + CURSORS_GAP + 3
    assert (mended.carried, mended.lost) == (None, ())


def test_a_copy_without_any_decision_begins_behind_the_gap_too(pair: Pair) -> None:
    pair.copy.run(lambda connection: connection.execute(_emptied("verdicts")))
    pair.mend(None)
    pair.copy.send(make_alert(national_ref="after"))
    assert cursor(pair.copy) > CURSORS_GAP


def test_a_counter_that_numbers_nothing_outside_stays_as_it_was_copied(pair: Pair) -> None:
    row = {"name": "oldest_code", "value": 3}
    pair.copy.run(lambda connection: connection.execute(insert(counters), row))
    pair.mend(None)
    value = select(counters.c.value).where(counters.c.name == "oldest_code")
    assert pair.copy.run(lambda connection: connection.execute(value).scalar_one()) == 3


def test_a_key_that_was_revoked_stays_revoked_and_a_rotated_one_is_replaced(pair: Pair) -> None:
    replaced, copy = pair.replaced, pair.copy
    replaced.run(
        partial(keys.rotate, key_id="key-old", new=key("new"), overlap_until=LATER, actor="operator")
    )
    replaced.run(partial(keys.revoke, key_id="key-old", at=LATER, actor="operator"))
    mended = pair.mend(pair.found())
    assert copy.run(partial(keys.find, secret=key("old").secret, now=LATER)) is None
    assert copy.run(partial(keys.find, secret=key("new").secret, now=LATER)) is not None
    assert mended.carried is not None
    assert mended.carried["keys"] == 2


def test_a_state_that_left_is_not_told_again(pair: Pair) -> None:
    pair.direct(pair.replaced, HT=Participation.WITHDRAWN)
    pair.replaced.run(
        lambda connection: webhook_secrets.rotate(
            connection,
            "ht-ndo",
            secret_id="w",
            secret=b"s" * 32,
            box=BOX,
            overlap_until=LATER,
            actor="operator",
            now=START,
        )
    )
    mended = pair.mend(pair.found())
    read = pair.copy.run(partial(recipients.read, version=0))
    assert read.recipients["ht-ndo"].participation is Participation.WITHDRAWN
    valid = partial(webhook_secrets.valid, institution_id="ht-ndo", box=BOX, now=LATER)
    assert pair.copy.run(valid) == [b"s" * 32]
    assert mended.carried == {"keys": 0, "institutions": 0, "participations": 1, "webhook secrets": 1}


def test_a_ledger_that_was_made_anew_says_nothing(pair: Pair) -> None:
    pair.replaced.run(lambda connection: connection.execute(_emptied("audit")))
    assert pair.found() is None


def test_a_copy_in_which_nobody_did_anything_is_known_by_nothing(pair: Pair) -> None:
    pair.copy.run(lambda connection: connection.execute(_emptied("audit")))
    assert pair.found() is None


def test_who_was_signed_in_signs_in_again(pair: Pair) -> None:
    row = {"id": "s", "recipient_id": "ht-ndo", "created_at": START, "expires_at": LATER}
    pair.copy.run(lambda connection: connection.execute(insert(sessions), row))
    pair.mend(pair.found())
    assert pair.copy.run(lambda connection: connection.execute(select(sessions)).all()) == []


def _emptied(table: str) -> object:
    return delete(counters.metadata.tables[table])
