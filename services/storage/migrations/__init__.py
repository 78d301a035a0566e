"""Changes of the database schema: one ordered list, forward only.

Each migration says in `phase` whether it runs before the new code (`pre`: additions that old code ignores)
or after it (`post`: what no running code reads any more).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, text

from services.storage.locks import number

if TYPE_CHECKING:  # a fifth of a second at every start, and no start but a migration needs it
    from alembic.config import Config

HEAD = "0003"  # what this code needs; a test compares it with the newest file
_MIGRATING: Final = "migrations"  # PostgreSQL: the lock of whoever migrates, so that two never run at once


def upgrade(engine: Engine, *, to: str = "head") -> None:
    """Bring the database up to `to`; safe to repeat."""
    with engine.connect() as connection:
        upgrade_by(connection, to=to)


def upgrade_by(connection: Connection, *, to: str = "head") -> None:
    """Bring the database of `connection` up to `to`, each migration in a transaction of its own.

    Safe to repeat, and beside another that migrates: on PostgreSQL the second waits, then finds nothing to do.
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
