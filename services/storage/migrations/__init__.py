"""Changes of the database schema: one ordered list, forward only.

Each migration says in `phase` whether it runs before the new code (`pre`: additions that old code ignores)
or after it (`post`: what no running code reads any more).

So code goes on over a ledger that a later release has added to, until a `post` migration ends it. The ledger says
so itself: a `post` migration leaves in the counter `oldest_code`, in its own transaction, the least `HEAD` of code
that may still run. That is its `oldest_code` (the revision since which no code reads what it takes away), or else
its own number. Later releases keep that counter where it is, since older code looks for it there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, text

from services.storage.locks import number

if TYPE_CHECKING:  # a fifth of a second at every start, and no start but a migration needs it
    from alembic.config import Config

HEAD = "0005"  # what this code needs; a test compares it with the newest file
OLDEST_CODE: Final = "SELECT value FROM counters WHERE name = 'oldest_code'"
_MIGRATING: Final = "migrations"  # PostgreSQL: the lock of whoever migrates, so that two never run at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a ledger has been migrated."""

    revision: str | None  # None where it is empty
    oldest_code: int = 0  # the least `HEAD` of code that may run over it; 0 before any `post` migration

    @property
    def is_newer(self) -> bool:
        """Return whether a later release has migrated it."""
        return self.revision is not None and self.revision.isdecimal() and int(self.revision) > int(HEAD)

    def unfit(self) -> str | None:
        """Return why this code cannot run over it, with the ledger as subject; None where it can."""
        if not self.is_newer:
            fits = self.revision == HEAD
            return None if fits else f"is at revision {self.revision or 'none'}, this relay needs {HEAD}"
        if self.oldest_code <= int(HEAD):
            return None
        return f"is at revision {self.revision}, for relays of {self.oldest_code:04} or later; this one is of {HEAD}"


def upgrade(engine: Engine, *, to: str = "head") -> None:
    """Bring the database up to `to`; safe to repeat."""
    with engine.connect() as connection:
        upgrade_by(connection, to=to)


def upgrade_by(connection: Connection, *, to: str = "head") -> None:
    """Bring the database of `connection` up to `to`, each migration in a transaction of its own.

    Safe to repeat, and beside another that migrates: on PostgreSQL the second waits, then finds nothing to do.
    A ledger that a later release has migrated is left as it is.
    """
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    locks = connection.dialect.name == "postgresql"
    key = {"key": number(_MIGRATING)}
    if locks:  # of the session, since there are several transactions
        connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
        connection.commit()  # Alembic would take an open transaction for one that its caller ends
    try:
        newer = standing(connection).is_newer
        connection.rollback()  # likewise
        if not newer:
            command.upgrade(config, to)
            connection.commit()
    finally:
        if locks and not connection.invalidated:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
            connection.commit()


def revision(connection: Connection) -> str | None:
    """Return the revision that the database is at; None where it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def standing(connection: Connection) -> Standing:
    """Return how far the database has been migrated."""
    found = revision(connection)
    if found is None:
        return Standing(revision=None)
    return Standing(revision=found, oldest_code=connection.execute(text(OLDEST_CODE)).scalar() or 0)


def end_code_before(connection: Connection, *, revision: str) -> None:
    """Say, in the transaction of a `post` migration, that code before `revision` may run no more."""
    row = {"value": max(int(revision), standing(connection).oldest_code)}
    connection.execute(text("DELETE FROM counters WHERE name = 'oldest_code'"))
    connection.execute(text("INSERT INTO counters (name, value) VALUES ('oldest_code', :value)"), row)


def newest() -> str | None:
    """Return the newest revision among the files."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config()).get_current_head()


def differences(connection: Connection) -> list[object]:
    """Return how the tables of the code differ from the database; empty where the files are whole."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from services.storage.tables import metadata

    found: list[object] = compare_metadata(MigrationContext.configure(connection), metadata)
    return found


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
