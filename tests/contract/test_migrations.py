"""Migrations on both databases: forward from every released version, whole, and old code beside a newer `pre` one."""

import asyncio
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, inspect, text

from services.errors import Misconfigured
from services.runtime import ledgers
from services.runtime.assembly import ledger_is_ready
from services.runtime.settings import LedgerSettings
from services.storage import migrations
from services.storage.sqlite_file import open_engine
from services.storage.tables import metadata
from tests.contract.conftest import POSTGRESQL
from tests.databases import Place, PostgresPlace, SqlitePlace
from tests.deliveries_rig import make_recipient, open_rig
from tests.requirements import Need
from tests.servers.postgresql import Databases, work

T = TypeVar("T")
LATER = """
import sqlalchemy as sa
from alembic import op
revision = "{revision}"
down_revision = "{after}"
branch_labels = depends_on = None
phase = "{phase}"
{more}
def upgrade():
    op.create_table("of_{revision}", sa.Column("id", sa.Integer(), primary_key=True))
    {then}
"""  # a migration of a release that this code has never seen

FOLDER = Path(migrations.__file__).parent / "versions"
REVISIONS = sorted(file.stem[:4] for file in FOLDER.glob("[0-9]*.py"))
NEWER = (  # what a later release may add before its code runs: old code knows nothing of it
    "ALTER TABLE receipts ADD COLUMN of_a_later_release VARCHAR(64)",
    "ALTER TABLE notifications ADD COLUMN of_a_later_release BIGINT",
    "ALTER TABLE outbox ADD COLUMN of_a_later_release TEXT",
    "ALTER TABLE threads ADD COLUMN of_a_later_release BOOLEAN DEFAULT true NOT NULL",
    "CREATE TABLE of_a_later_release (id VARCHAR(36) PRIMARY KEY)",
    "CREATE INDEX receipts_of_a_later_release ON receipts (of_a_later_release)",
)


class Empty:
    """A ledger without tables, and how to work on it."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def work(self, unit: Callable[[Connection], T]) -> T:
        """Run `unit` on a connection of its own; it ends its transactions itself."""
        if isinstance(self.place, PostgresPlace):
            return work(self.place.url, unit)
        assert isinstance(self.place, SqlitePlace)
        engine = open_engine(self.place.path)
        try:
            with engine.connect() as connection:
                return unit(connection)
        finally:
            engine.dispose()


@pytest.fixture(params=["sqlite", POSTGRESQL])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Empty:
    """A ledger without tables."""
    if request.param == "sqlite":
        return Empty(SqlitePlace(tmp_path / "empty.sqlite3"))
    databases: Databases = request.getfixturevalue(Need.POSTGRESQL)
    return Empty(PostgresPlace(databases.new(migrated=False)))


def to(revision: str) -> Callable[[Connection], None]:
    return lambda connection: migrations.upgrade_by(connection, to=revision)


@pytest.mark.parametrize("released", REVISIONS)
def test_every_released_version_becomes_the_newest(empty: Empty, released: str) -> None:
    empty.work(to(released))
    assert empty.work(migrations.revision) == released

    empty.work(to("head"))

    assert empty.work(migrations.revision) == migrations.HEAD
    assert empty.work(migrations.differences) == []


def test_what_a_released_version_holds_is_still_there(empty: Empty) -> None:
    empty.work(to(REVISIONS[0]))
    empty.work(_fill)
    before = empty.work(_rows)

    empty.work(to("head"))
    empty.work(to("head"))

    assert empty.work(_rows) == before


def test_each_migration_says_when_it_runs() -> None:
    assert REVISIONS
    phases = [
        import_module(f"services.storage.migrations.versions.{file.stem}").phase
        for file in FOLDER.glob("[0-9]*.py")
    ]
    assert set(phases) <= {"pre", "post"}


def test_the_code_needs_the_newest_migration() -> None:
    assert migrations.newest() == migrations.HEAD == REVISIONS[-1]


@pytest.mark.integration
@pytest.mark.needs("postgresql")
def test_two_that_migrate_at_once_make_the_tables_once(postgresql: Databases) -> None:
    empty = Empty(PostgresPlace(postgresql.new(migrated=False)))  # on a file its lock refuses the second
    faults: list[BaseException] = []

    def migrate() -> None:
        try:
            empty.work(to("head"))
        except BaseException as fault:  # noqa: BLE001  # it belongs to the test, not to the thread
            faults.append(fault)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert faults == []
    assert empty.work(migrations.differences) == []


async def test_this_code_runs_beside_a_later_release_that_has_only_added(empty: Empty) -> None:
    await asyncio.to_thread(empty.work, to("head"))
    await asyncio.to_thread(empty.work, _add)
    rig = open_rig(empty.place)
    try:
        await rig.direct(make_recipient())
        first = await rig.issue()
        claims = await rig.deliveries.claim(now=rig.now, limit=10)
        version = await rig.deliveries.version(first, revision=0)
        events = await rig.events()
    finally:
        await rig.ledger.close()

    assert [one.notification.message_id for one in claims] == [first]
    assert version is not None
    assert isinstance(events, list)


@pytest.fixture
def release(empty: Empty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Migrate `empty` as later releases do, by one migration for each phase that is given."""
    ours = migrations._config

    def upgrade(*phases: str, then: str = "pass", more: str = "") -> None:
        after, folder = migrations.HEAD, tmp_path / "later"
        folder.mkdir()
        for phase in phases:
            revision = f"{int(after) + 1:04}"
            later = LATER.format(revision=revision, after=after, phase=phase, then=then, more=more)
            (folder / f"{revision}_later.py").write_text(later)
            after = revision
        config = ours()
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", f"{FOLDER}\n{folder}")
        with monkeypatch.context() as patched:
            patched.setattr(migrations, "_config", lambda: config)
            empty.work(to("head"))

    return upgrade


def settings_of(place: Place) -> LedgerSettings:
    if isinstance(place, PostgresPlace):
        return LedgerSettings.model_validate({"url": place.url})
    assert isinstance(place, SqlitePlace)
    return LedgerSettings(path=place.path)


async def is_ready(place: Place) -> bool:
    ledger = place.open()
    try:
        return await ledger_is_ready(ledger)
    finally:
        await ledger.close()


async def test_code_starts_and_is_ready_over_a_ledger_that_a_later_release_has_added_to(
    empty: Empty, release: Callable[..., None]
) -> None:
    await asyncio.to_thread(release, "pre", "pre")
    newest = f"{int(migrations.HEAD) + 2:04}"

    held = settings_of(empty.place)
    await asyncio.to_thread(ledgers.require_head, held)
    assert await is_ready(empty.place)
    assert await asyncio.to_thread(ledgers.migrate, held) == (newest, newest)  # a unit does so at each start


@pytest.mark.parametrize("phases", [("post",), ("pre", "post", "pre")])
async def test_code_is_refused_once_a_later_release_has_taken_away_what_it_reads(
    empty: Empty, release: Callable[..., None], phases: tuple[str, ...]
) -> None:
    await asyncio.to_thread(release, *phases)
    least = int(migrations.HEAD) + 1 + phases.index("post")

    held = settings_of(empty.place)
    with pytest.raises(Misconfigured, match=f"for relays of {least:04} or later") as refused:
        await asyncio.to_thread(ledgers.require_head, held)
    assert refused.value.setting == ledgers.setting_of(held)
    assert not await is_ready(empty.place)


async def test_code_that_reads_nothing_of_what_a_post_migration_takes_away_goes_on(
    empty: Empty, release: Callable[..., None]
) -> None:
    await asyncio.to_thread(release, "post", more=f'oldest_code = "{migrations.HEAD}"')

    await asyncio.to_thread(ledgers.require_head, settings_of(empty.place))
    assert await is_ready(empty.place)
    assert (await asyncio.to_thread(empty.work, migrations.standing)).oldest_code == int(migrations.HEAD)


def test_a_post_migration_that_fails_ends_no_code(empty: Empty, release: Callable[..., None]) -> None:
    with pytest.raises(ZeroDivisionError):
        release("post", then="1 / 0")

    assert empty.work(migrations.standing) == migrations.Standing(revision=migrations.HEAD)


async def test_a_ledger_that_is_behind_is_refused(empty: Empty) -> None:
    await asyncio.to_thread(empty.work, to(REVISIONS[-2]))
    with pytest.raises(Misconfigured, match="run `relay migrate`"):
        await asyncio.to_thread(ledgers.require_head, settings_of(empty.place))
    assert not await is_ready(empty.place)


def _add(connection: Connection) -> None:
    for statement in NEWER:
        connection.execute(text(statement))
    connection.commit()


def _fill(connection: Connection) -> None:
    """Write a row into every table that has no key of another; nothing of it is the code's of today."""
    for table in ("positions", "leases", "counters", "participations"):
        columns = [one["name"] for one in inspect(connection).get_columns(table)]
        values = {name: 1 if name in ("position", "until", "value") else "UY" for name in columns}
        names = ", ".join(columns)
        places = ", ".join(f":{name}" for name in columns)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)  # our own
    connection.commit()


def _rows(connection: Connection) -> dict[str, list[Any]]:
    return {
        name: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))]  # our own
        for name in ("positions", "leases", "counters", "participations")
    }


def test_every_table_of_the_code_is_migrated(empty: Empty) -> None:
    empty.work(to("head"))
    made = set(empty.work(lambda connection: inspect(connection).get_table_names()))
    assert made == set(metadata.tables) | {"alembic_version"}
