"""Changes of the database schema: one ordered list, forward only.

Each migration says in `phase` whether it runs before the new code (`pre`: additions that old code ignores)
or after it (`post`: what no running code reads any more).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

if TYPE_CHECKING:  # a fifth of a second at every start, and no start but a migration needs it
    from alembic.config import Config

HEAD = "0001"  # what this code needs; a test compares it with the newest file


def upgrade(engine: Engine, *, to: str = "head") -> None:
    """Bring the database up to `to`; safe to repeat."""
    from alembic import command

    with engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, to)
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
