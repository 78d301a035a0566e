"""What outlives a restore: numbers that were given, rights that ended, who is told.

A copy of the ledger knows neither the numbers that were given after it nor the keys that were revoked and the states
that left. Where the ledger that it replaces goes back to the same copy and can be read, all of that is carried over;
where it cannot, numbers go on after a gap, and a person does the rest again. Alerts, deliveries and answers are those
of the copy. Plain functions of a connection, for both databases.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, delete, func, select, update

from services.storage import audit
from services.storage.deliveries_rows import CURSOR
from services.storage.recipients import VERSION as DIRECTORY
from services.storage.statements import insert_once
from services.storage.tables import (
    api_keys,
    counters,
    institutions,
    participations,
    receipts,
    sessions,
    sign_in_codes,
    threads,
    verdicts,
    webhook_secrets,
)
from services.storage.tables import audit as acts
from services.storage.verdicts import DECISIONS

NUMBERS_GAP: Final = 100_000  # of relay ids and directories: more than were ever given between two copies
CURSORS_GAP: Final = 1_000_000_000  # of cursors, which run by the notification
_RELAY_IDS: Final = re.compile(r"[A-Z]{2,8}-[A-Z]{2}-[0-9]{4}")
_CURSORS: Final = frozenset({CURSOR, DECISIONS})
_AT_ONCE: Final = timedelta(minutes=1)  # what was received before another message may be committed after it
_MOST_LOST: Final = 10_000

_CARRIED: Final[Mapping[str, Table]] = {  # in this order: secrets refer to institutions
    "keys": api_keys,
    "institutions": institutions,
    "participations": participations,
    "webhook secrets": webhook_secrets,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a copy ends: its newest act, by which its ledger is known again, and its newest moment."""

    act: tuple[int, datetime, str, str] | None
    received_at: datetime | None

    @property
    def at(self) -> datetime | None:
        """Return the newest moment in the copy."""
        found = [at for at in (self.act and self.act[1], self.received_at) if at is not None]
        return max(found, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlived:
    """What the replaced ledger says that its copy must not undo."""

    numbers: Mapping[str, int]
    rows: Mapping[str, tuple[Mapping[str, Any], ...]]  # by the names of `_CARRIED`
    received: tuple[Mapping[str, Any], ...]  # messages that the copy may not have, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What was done to a restored ledger."""

    carried: Mapping[str, int] | None  # rows that were added or changed; None: nothing could be read
    lost: tuple[Mapping[str, Any], ...]  # messages that were accepted since the copy, oldest first


def mark_of(connection: Connection) -> Mark:
    """Return where this ledger ends."""
    newest = select(acts.c.id, acts.c.at, acts.c.act, acts.c.subject).order_by(acts.c.id.desc()).limit(1)
    row = connection.execute(newest).first()
    received_at = connection.execute(select(func.max(receipts.c.received_at))).scalar()
    return Mark(act=None if row is None else (row.id, row.at, row.act, row.subject), received_at=received_at)


def outlived(connection: Connection, *, since: Mark) -> Outlived | None:
    """Return what the replaced ledger knows; None where it does not go back to the copy that ends at `since`.

    One that was made anew, on an empty disk, knows of no number that was given and of nobody who left.
    """
    if since.act is None:
        return None
    same = select(acts.c.at, acts.c.act, acts.c.subject).where(acts.c.id == since.act[0])
    row = connection.execute(same).first()
    if row is None or tuple(row) != since.act[1:]:
        return None
    given = {row.name: row.value for row in connection.execute(select(counters)) if _is_given(row.name)}
    given[DECISIONS] = max(given.get(DECISIONS, 0), _newest_decision(connection) or 0)
    return Outlived(
        numbers=given,
        rows={
            name: tuple(dict(row) for row in connection.execute(select(table)).mappings())
            for name, table in _CARRIED.items()
        },
        received=_received(connection, since.received_at),
    )


def mend(
    connection: Connection,
    found: Outlived | None,
    *,
    prefix: str,
    countries: Collection[str],
    actor: str,
    now: datetime,
) -> Mended:
    """Let a restored ledger give no number twice and undo no right that ended; sign everybody out.

    `prefix` and `countries` are those of relay ids: without `found`, their numbers go on after a gap.
    """
    if found is None:
        _give(connection, _after_a_gap(connection, prefix=prefix, countries=countries, now=now))
        carried = None
    else:
        _give(connection, found.numbers)
        carried = {name: _carry(connection, table, found.rows[name]) for name, table in _CARRIED.items()}
    connection.execute(delete(sessions))
    connection.execute(delete(sign_in_codes))
    detail = {"carried": carried}
    audit.record(connection, actor=actor, act="ledger.restored", subject="ledger", detail=detail, now=now)
    return Mended(carried=carried, lost=() if found is None else _lost(connection, found.received))


def _is_given(name: str) -> bool:
    return name in _CURSORS or name == DIRECTORY or _RELAY_IDS.fullmatch(name) is not None


def _after_a_gap(
    connection: Connection, *, prefix: str, countries: Collection[str], now: datetime
) -> dict[str, int]:
    """Return where numbers go on: those of states too that had sent nothing when the copy was made."""
    known = {row.name: row.value for row in connection.execute(select(counters)) if _is_given(row.name)}
    newest = mark_of(connection).at
    years = range(min(now.year, (newest or now).year), now.year + 1)
    reported_for = connection.execute(select(api_keys.c.countries)).scalars()
    places = {*countries, *(country for listed in reported_for for country in json.loads(listed))}
    relay_ids = {f"{prefix}-{country}-{year}" for country in places for year in years}
    decided = max(known.get(DECISIONS, 0), _newest_decision(connection) or 0)
    return {
        **{name: known.get(name, 0) + NUMBERS_GAP for name in {*known, *relay_ids, DIRECTORY} - _CURSORS},
        CURSOR: known.get(CURSOR, 0) + CURSORS_GAP,
        DECISIONS: decided + CURSORS_GAP,
    }


def _give(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Let each serial go on after its number at least."""
    for name, number in numbers.items():
        connection.execute(insert_once(connection, counters), {"name": name, "value": number})
        connection.execute(
            update(counters).where(counters.c.name == name, counters.c.value < number).values(value=number)
        )
    # Decisions are counted by the newest of them: it takes the number, and whoever reads on sees it once more.
    newest = _newest_decision(connection)
    if newest is not None and newest < numbers[DECISIONS]:
        connection.execute(
            update(verdicts).where(verdicts.c.decision == newest).values(decision=numbers[DECISIONS])
        )


def _newest_decision(connection: Connection) -> int | None:
    newest: int | None = connection.execute(select(func.max(verdicts.c.decision))).scalar()
    return newest


def _carry(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Make the rows what they were in the replaced ledger; return how many that changed."""
    keys: list[Column[Any]] = list(table.primary_key.columns)
    before = {
        tuple(row[key.name] for key in keys): dict(row)
        for row in connection.execute(select(table)).mappings()
    }
    changed = 0
    for row in rows:
        old = before.get(tuple(row[key.name] for key in keys))
        if old == row:
            continue
        changed += 1
        if old is None:
            connection.execute(table.insert(), dict(row))
        else:
            this = [key == row[key.name] for key in keys]
            connection.execute(update(table).where(*this).values(**row))
    return changed


def _received(connection: Connection, newest: datetime | None) -> tuple[Mapping[str, Any], ...]:
    query = select(
        receipts.c.id,
        receipts.c.sender_id,
        receipts.c.national_ref,
        receipts.c.version,
        receipts.c.message_type,
        receipts.c.received_at,
        _relay_id,
    )
    if newest is not None:
        query = query.where(receipts.c.received_at > newest - _AT_ONCE)
    ordered = query.order_by(receipts.c.received_at, receipts.c.id).limit(_MOST_LOST)
    return tuple(dict(row) for row in connection.execute(ordered).mappings())


_relay_id = (
    select(threads.c.relay_id)
    .join(verdicts, verdicts.c.thread_id == threads.c.id)
    .where(verdicts.c.message_id == receipts.c.id)
    .limit(1)
    .scalar_subquery()
    .label("relay_id")
)


def _lost(connection: Connection, received: Collection[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    there = set(connection.execute(select(receipts.c.id)).scalars()) if received else set()
    return tuple(one for one in received if one["id"] not in there)
