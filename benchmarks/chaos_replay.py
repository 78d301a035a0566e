"""The undisturbed run: the same accepted alerts, decided by the embedded ledger in the same order.

Each accepted alert is kept in a fresh SQLite ledger as it was received, and decided by the classify stage in the
order of the `decision` numbers, which were taken under the locks; when it was decided is an input, as every other
time. What the two ledgers then say is compared row by row: verdicts, threads, evidence, links.

Left out, because it is no verdict: opaque ids (they derive from a secret of the installation), when a version was
routed and everything about notifications (who was told when depends on the faults), what was held, outbox and
positions (the transport), and the `decision` numbers themselves (only their order: an undone transaction leaves a gap).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Column, Connection, Table, select, tuple_

from schemas.events import ALERTS
from services.classify.service import ClassifyService
from services.runtime import ledgers
from services.runtime.settings import ClassifySettings, LedgerSettings
from services.runtime.tables import load as load_tables
from services.storage import receipts
from services.storage.postgresql import PostgresLedger
from services.storage.receipt_records import Submission, event_payload
from services.storage.records import Event, Message, Record
from services.storage.serials import Naming
from services.storage.settling import Rules
from services.storage.sqlite_file import open_engine
from services.storage.tables import citations, links, sightings, spread, threads, verdicts
from services.storage.tables import receipts as receipts_table
from services.storage.threads import LedgerThreads

T = TypeVar("T")

_LEFT_OUT: Final = {
    verdicts: {"decision", "routed_at"},
    threads: {"opaque_id"},
}
_COMPARED: Final[Sequence[Table]] = (verdicts, threads, sightings, spread, links, citations)
_PAGE: Final = 500
_SHOWN: Final = 5  # rows of a table that are told in full


class _Here:
    """Runs units of work on one connection, at once: nobody else is there, and a power cut does not matter."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def write(self, unit: Callable[[Connection], T], *, first: bool = False, durable: bool = True) -> T:
        """Run a unit."""
        del first, durable
        return unit(self._connection)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query."""
        return query(self._connection)

    async def read_slowly(self, query: Callable[[Connection], T]) -> T:
        """Run a query."""
        return query(self._connection)


async def differences(
    ledger: PostgresLedger, folder: Path, *, told: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Decide everything again on a SQLite file in `folder`; return how the two ledgers differ, a line each."""
    settings = LedgerSettings(path=folder / "undisturbed.sqlite3")
    ledgers.migrate(settings)
    engine = open_engine(settings.path)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA synchronous=OFF")
        connection.exec_driver_sql("BEGIN")
        await _accept(ledger, connection)
        found = await _decide(ledger, connection, told=told)
        for table in _COMPARED:
            found += await _compare(table, ledger, connection)
        connection.exec_driver_sql("COMMIT")
    engine.dispose()
    return found


async def _accept(ledger: PostgresLedger, connection: Connection) -> None:
    """Keep every accepted message as it was received."""
    after = (datetime.fromtimestamp(0, tz=UTC), "")
    while page := await ledger.read(partial(_received, after=after)):
        for message, body in page:
            payload = event_payload(message, body=body)
            event = Event(topic=ALERTS, event_id=message.id, key=message.reference_key, payload=payload)
            receipts.accept(connection, Submission(message=message, body=body, event=event))
        last = page[-1][0]
        after = (last.received_at, last.id)


def _received(connection: Connection, *, after: tuple[datetime, str]) -> list[tuple[Message, str]]:
    columns = (receipts_table.c.received_at, receipts_table.c.id)
    query = select(receipts_table).where(tuple_(*columns) > after).order_by(*columns).limit(_PAGE)
    return [(receipts.to_message(row), row.body) for row in connection.execute(query)]


async def _decide(
    ledger: PostgresLedger, connection: Connection, *, told: Callable[[str], None]
) -> list[str]:
    """Decide what was decided, in its order; return what can not be decided as it was."""
    now = [datetime.fromtimestamp(0, tz=UTC)]
    settings = ClassifySettings()
    tables = load_tables(settings.catalogue)
    naming = Naming(prefix=settings.relay_prefix, secret=b"of this run only")
    service = ClassifyService(
        # every sender changes only its own alerts, so that nobody asks who may see those of others
        threads=LedgerThreads(
            _Here(connection), rules=Rules(naming=naming, may_see=lambda _one, _other: True)
        ),
        catalogue=tables.catalogue,
        structures=tables.structures,
        plan=tables.plan,
        clock=lambda: now[0],
    )
    found: list[str] = []
    done, after = 0, -1
    while page := await ledger.read(partial(_decided, after=after)):
        for decision, decided_at, message, body in page:
            if decision == after:
                found.append(f"two verdicts have the number {decision}")
            after, now[0] = decision, decided_at
            payload = event_payload(message, body=body)
            await service.handle(
                Record(
                    topic=ALERTS, event_id=message.id, key=message.reference_key, payload=payload, position=0
                )
            )
        done += len(page)
        if done % (_PAGE * 10) < _PAGE:
            told(f"decided {done} again")
    return found


def _decided(connection: Connection, *, after: int) -> list[tuple[int, datetime, Message, str]]:
    query = (
        select(receipts_table, verdicts.c.decision, verdicts.c.decided_at)
        .join(verdicts, verdicts.c.message_id == receipts_table.c.id)
        .where(verdicts.c.revision == 0, verdicts.c.decision > after)
        .order_by(verdicts.c.decision)
        .limit(_PAGE)
    )
    return [
        (row.decision, row.decided_at, receipts.to_message(row), row.body)
        for row in connection.execute(query)
    ]


async def _compare(table: Table, ledger: PostgresLedger, connection: Connection) -> list[str]:
    """Return how a table of the two ledgers differs."""
    disturbed = await ledger.read_slowly(partial(_digests, table=table))
    undisturbed = _digests(connection, table=table)
    keys = [
        key for key in disturbed.keys() | undisturbed.keys() if disturbed.get(key) != undisturbed.get(key)
    ]
    found = [f"{table.name}: {len(keys)} of {len(disturbed)} rows differ"] if keys else []
    for key in sorted(keys, key=repr)[:_SHOWN]:
        mine = await ledger.read(partial(_row, table=table, key=key))
        found.append(
            f"{table.name} {key}: {'; '.join(_unequal(mine, _row(connection, table=table, key=key)))}"
        )
    return found


def _digests(connection: Connection, *, table: Table) -> dict[tuple[Any, ...], bytes]:
    """Return a digest of each row by its primary key."""
    columns = [*table.primary_key.columns, *_others(table)]
    width = len(table.primary_key.columns)
    return {
        tuple(row[:width]): hashlib.blake2b(repr(tuple(row[width:])).encode(), digest_size=12).digest()
        for row in connection.execute(select(*columns))
    }


def _others(table: Table) -> list[Column[Any]]:
    left_out = _LEFT_OUT.get(table, set())
    return [one for one in table.columns if not one.primary_key and one.name not in left_out]


def _row(connection: Connection, *, table: Table, key: tuple[Any, ...]) -> dict[str, Any] | None:
    query = select(*_others(table)).where(
        *(column == value for column, value in zip(table.primary_key.columns, key, strict=True))
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def _unequal(disturbed: dict[str, Any] | None, undisturbed: dict[str, Any] | None) -> Iterator[str]:
    if disturbed is None or undisturbed is None:
        yield f"{disturbed} here, {undisturbed} in the undisturbed run"
        return
    for name, value in disturbed.items():
        if value != undisturbed[name]:
            yield f"{name} {value!r} here, {undisturbed[name]!r} in the undisturbed run"
