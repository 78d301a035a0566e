"""The ledger that the settings name: opened, migrated and described the same way, whichever database it is on.

What only PostgreSQL needs is imported where it is asked for: a relay on one file starts without it.
"""

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pydantic import SecretStr
from sqlalchemy import URL, Connection, make_url

from services.errors import Misconfigured, Transient
from services.runtime.settings import LedgerSettings
from services.storage import inspection, migrations
from services.storage.postgresql_faults import kind_of, raise_refused
from services.storage.sqlite import SqliteLedger
from services.storage.sqlite_file import lock_file, open_engine

if TYPE_CHECKING:
    from services.storage.postgresql import PostgresLedger

T = TypeVar("T")

PATH = "RELAY_LEDGER__PATH"
URL_SETTING = "RELAY_LEDGER__URL"


def open_ledger(settings: LedgerSettings, *, exclusive: bool = True) -> "SqliteLedger | PostgresLedger":
    """Open the ledger: PostgreSQL where a URL is set, else the SQLite file.

    `exclusive` refuses a second relay on one file; without it a command works beside one. On PostgreSQL any number
    of processes share the ledger. Nothing is asked of the database yet: see `require_head`.
    """
    if settings.url is None:
        return SqliteLedger(settings.path, exclusive=exclusive)
    from services.storage.postgresql import PostgresLedger

    return PostgresLedger(url_of(settings), connections=settings.connections)


def require_head(settings: LedgerSettings) -> None:
    """Raise `Misconfigured` where the ledger is missing, refuses us, or is at a revision that this code cannot use.

    Runs an event loop of its own; `Transient` where the database cannot be reached.
    """
    if fault := unfit(settings):
        raise Misconfigured(setting_of(settings), f"{place_of(settings)}: {fault}")


def unfit(settings: LedgerSettings) -> str | None:
    """Return why this code cannot run over the ledger, and what helps, or None; raises as `require_head`."""
    if settings.url is None and not settings.path.exists():
        return "there is no ledger yet; run `relay migrate`"
    found = _standing_of(settings)
    fault = found.unfit()
    if fault is None:
        return None
    return f"it {fault}; {'install the later release' if found.is_newer else 'run `relay migrate`'}"


def revision_of(settings: LedgerSettings) -> str | None:
    """Return the revision that the ledger is at; None where it has none. Raises as `require_head`."""
    return _standing_of(settings).revision


def _standing_of(settings: LedgerSettings) -> migrations.Standing:
    if settings.url is not None:
        return asyncio.run(_asked(settings, migrations.standing))
    try:
        return inspection.standing_of(settings.path)
    except inspection.Unusable as fault:
        raise Misconfigured(PATH, f"{settings.path} {fault}") from fault


def migrate(settings: LedgerSettings) -> tuple[str | None, str | None]:
    """Bring the ledger up to the newest revision, creating it; return the revisions before and after.

    Raises `Misconfigured` while a relay has the file open, where its folder is missing, or where the server refuses
    us; `Transient` where that cannot be reached.
    """
    if settings.url is not None:
        before = revision_of(settings)
        asyncio.run(_asked(settings, migrations.upgrade_by))
    else:
        before = _migrate_file(settings)
    return before, revision_of(settings)


def place_of(settings: LedgerSettings) -> str:
    """Return where the ledger is, for people; a password is not shown."""
    if settings.url is None:
        return str(settings.path)
    url = url_of(settings)
    return f"postgresql://{url.username}@{url.host}:{url.port or 5432}/{url.database}"


def setting_of(settings: LedgerSettings) -> str:
    """Return the name of the setting that says where the ledger is."""
    return PATH if settings.url is None else URL_SETTING


def url_of(settings: LedgerSettings) -> URL:
    """Return the address of the PostgreSQL ledger with its password; printed, it shows three stars."""
    assert settings.url is not None
    url = make_url(settings.url.get_secret_value()).set(drivername="postgresql+asyncpg")
    if settings.password is not None:
        url = url.set(password=settings.password.get_secret_value())
    mode = url.query.get("sslmode")
    return url if mode is None else url.set(query={"ssl": mode})  # asyncpg's name for the same modes


def on_database(settings: LedgerSettings, name: str) -> LedgerSettings:
    """Return the settings of a ledger in another database of the same server."""
    assert settings.url is not None
    url = make_url(settings.url.get_secret_value()).set(database=name)
    return settings.model_copy(update={"url": SecretStr(url.render_as_string(hide_password=False))})


async def _asked(settings: LedgerSettings, work: Callable[[Connection], T]) -> T:
    """Run `work` on a connection of its own, which ends its transactions itself."""
    from services.storage.postgresql import open_async_engine

    engine = open_async_engine(url_of(settings), connections=None)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    except Exception as fault:
        raise_refused(fault, setting=URL_SETTING)
        if kind_of(fault) is None:
            raise
        raise Transient(f"{place_of(settings)} is out of reach") from fault
    finally:
        await engine.dispose()


def _migrate_file(settings: LedgerSettings) -> str | None:
    place = settings.path
    if not place.absolute().parent.is_dir():
        raise Misconfigured(PATH, f"there is no folder {place.absolute().parent}")
    before = revision_of(settings) if place.exists() else None
    handle = lock_file(place)
    try:
        engine = open_engine(place)
        migrations.upgrade(engine)
        engine.dispose()
        place.chmod(0o600)  # it holds what is above TLP:GREEN
    finally:
        os.close(handle)
    return before
