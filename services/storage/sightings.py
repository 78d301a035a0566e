"""Sightings: what was found where, by key, and where each key has been seen before.

`spread` is derived from the sightings in the same transaction, one row per key, market and place, so that
"the first in this state" and "the n-th state" cost the same however much is stored.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from services.storage.driver import Write, run, run_together
from services.storage.statements import insert_all, insert_once
from services.storage.tables import sightings, spread, verdicts
from services.storage.thread_records import Seen, Sighting

_MOST_SEEN: Final = 200  # of the newest in one place and time; a decision needs no more, and must stay short

_seen = (
    select(sightings)
    .where(
        sightings.c.key.in_(bindparam("keys", expanding=True)),
        sightings.c.status == bindparam("status"),
        sightings.c.country == bindparam("country"),
        sightings.c.ended_at >= bindparam("since"),
        sightings.c.began_at <= bindparam("until"),
        sightings.c.current,
        sightings.c.thread_id != bindparam("thread_id"),
    )
    .order_by(sightings.c.ended_at.desc(), sightings.c.message_id, sightings.c.finding)
    .limit(_MOST_SEEN)
)
_messages = select(verdicts.c.message_id).where(verdicts.c.thread_id == bindparam("of_thread"))
_of_thread = select(sightings).where(sightings.c.message_id.in_(_messages), sightings.c.current)
_retire = (
    update(sightings).where(sightings.c.message_id.in_(_messages), sightings.c.current).values(current=False)
)
_drop = delete(sightings).where(sightings.c.message_id == bindparam("of_message"))
_spread_row = (
    spread.c.key == bindparam("of_key"),
    spread.c.status == bindparam("of_status"),
    spread.c.market == bindparam("of_market"),
    spread.c.country == bindparam("of_country"),
    spread.c.admin1 == bindparam("of_admin1"),
)
_forget = (
    delete(spread)
    .where(*_spread_row)
    .where(
        or_(
            spread.c.first_thread_id == bindparam("of_thread"),
            spread.c.last_thread_id == bindparam("of_thread"),
        )
    )
)
_remaining = (
    select(sightings.c.thread_id, sightings.c.admin1, sightings.c.ended_at)
    .where(
        sightings.c.key == bindparam("key"),
        sightings.c.status == bindparam("status"),
        sightings.c.country == bindparam("country"),
        sightings.c.market == bindparam("market"),
        sightings.c.current,
        sightings.c.counted,
    )
    .order_by(sightings.c.began_at, sightings.c.message_id, sightings.c.finding)
)


def seen(
    connection: Connection, found: Sequence[Sighting], *, status: str, thread_id: str, margin: timedelta
) -> tuple[Seen, ...]:
    """Return what other threads say under the same keys, in the same country, within `margin` of its days."""
    keys = sorted({one.key for one in found if not one.key.startswith("family:")})  # never says: one event
    if not keys:
        return ()
    rows = run(
        connection,
        _seen,
        {
            "keys": keys,
            "status": status,
            "country": found[0].country,
            "since": min(one.began_at for one in found) - margin,
            "until": max(one.ended_at for one in found) + margin,
            "thread_id": thread_id,
        },
    )
    return tuple(
        Seen(
            thread_id=row.thread_id,
            message_id=row.message_id,
            sender_id=row.sender_id,
            sighting=_to_sighting(row),
        )
        for row in rows
    )


def writes(
    connection: Connection,
    found: Sequence[Sighting],
    *,
    message_id: str,
    thread_id: str,
    sender_id: str,
    status: str,
    current: bool,
) -> list[Write]:
    """Return what writes the sightings of one message; `current` ones count from now on. Safe to repeat."""
    if not found:
        return []
    rows = [
        {
            "message_id": message_id,
            "thread_id": thread_id,
            "sender_id": sender_id,
            "status": status,
            "finding": one.finding,
            "key": one.key,
            "market": one.market,
            "country": one.country,
            "admin1": " ".join(one.admin1),
            "locality": one.locality,
            "role": one.role,
            "confirmation": one.confirmation,
            "presence": one.presence,
            "began_at": one.began_at,
            "ended_at": one.ended_at,
            "detail": one.detail,
            "traits": one.traits,
            "counted": one.counted,
            "current": current,
        }
        for one in found
    ]
    kept = [insert_all(connection, insert_once(connection, sightings), rows)]
    return kept + _widen(connection, found, thread_id=thread_id, status=status) if current else kept


def replace(
    connection: Connection,
    found: Sequence[Sighting],
    *,
    message_id: str,
    thread_id: str,
    sender_id: str,
    status: str,
) -> None:
    """Put `found` in the place of what a message was remembered by, where its content is the thread's."""
    retire(connection, thread_id, status=status, kept=found)
    run(connection, _drop, {"of_message": message_id})
    new = writes(
        connection,
        found,
        message_id=message_id,
        thread_id=thread_id,
        sender_id=sender_id,
        status=status,
        current=True,
    )
    if new:
        run_together(connection, new)


def retire(connection: Connection, thread_id: str, *, status: str, kept: Iterable[Sighting] = ()) -> None:
    """Make the thread's sightings history, and take back where they stand in `spread`.

    `kept` are those that its newer version repeats: their places stay.
    """
    rows = run(connection, _of_thread, {"of_thread": thread_id}).all()
    if not rows:
        return
    run(connection, _retire, {"of_thread": thread_id})
    gone = _places(_to_sighting(row) for row in rows) - _places(kept)
    touched = {
        (key, market, country)
        for key, market, country, admin1 in sorted(gone)
        if run(
            connection,
            _forget,
            {
                "of_key": key,
                "of_status": status,
                "of_market": market,
                "of_country": country,
                "of_admin1": admin1,
                "of_thread": thread_id,
            },
        ).rowcount
    }
    for key, market, country in sorted(touched):
        _rebuild(connection, key=key, market=market, country=country, status=status)


def _rebuild(connection: Connection, *, key: str, market: str, country: str, status: str) -> None:
    """Derive the places of one key in one country again from what is still there."""
    rows = run(
        connection, _remaining, {"key": key, "status": status, "country": country, "market": market}
    ).all()
    derived: dict[str, dict[str, Any]] = {}
    for row in rows:
        for admin1 in ("", *row.admin1.split()):
            place = derived.setdefault(
                admin1,
                {
                    "key": key,
                    "status": status,
                    "market": market,
                    "country": country,
                    "admin1": admin1,
                    "first_thread_id": row.thread_id,
                    "last_thread_id": row.thread_id,
                    "last_at": row.ended_at,
                },
            )
            if row.ended_at >= place["last_at"]:
                place["last_thread_id"] = row.thread_id
                place["last_at"] = row.ended_at
    if derived:
        run(connection, insert_once(connection, spread), list(derived.values()))


def _widen(connection: Connection, found: Sequence[Sighting], *, thread_id: str, status: str) -> list[Write]:
    ended_at: dict[tuple[str, str, str, str], datetime] = {}
    for one in found:
        for place in _places((one,)):
            ended_at[place] = max(one.ended_at, ended_at.get(place, one.ended_at))
    rows = [
        {
            "key": key,
            "status": status,
            "market": market,
            "country": country,
            "admin1": admin1,
            "first_thread_id": thread_id,
            "last_thread_id": thread_id,
            "last_at": at,
        }
        for (key, market, country, admin1), at in ended_at.items()
    ]
    return [insert_all(connection, _WIDEN[connection.dialect.name], rows)] if rows else []


def _places(found: Iterable[Sighting]) -> set[tuple[str, str, str, str]]:
    return {
        (one.key, one.market, one.country, admin1)
        for one in found
        if one.counted
        for admin1 in ("", *one.admin1)
    }


def _to_sighting(row: Any) -> Sighting:
    return Sighting(
        finding=row.finding,
        key=row.key,
        market=row.market,
        country=row.country,
        admin1=tuple(row.admin1.split()),
        role=row.role,
        confirmation=row.confirmation,
        presence=row.presence,
        began_at=row.began_at,
        ended_at=row.ended_at,
        detail=row.detail,
        counted=row.counted,
        locality=row.locality,
        traits=row.traits,
    )


def _widening(insert: Any) -> Insert:
    statement = insert(spread)
    newer = statement.excluded
    widening: Insert = statement.on_conflict_do_update(
        index_elements=["key", "status", "admin1", "country", "market"],
        set_={"last_thread_id": newer.last_thread_id, "last_at": newer.last_at},
        where=spread.c.last_at <= newer.last_at,
    )
    return widening


_WIDEN: Final = {"sqlite": _widening(sqlite.insert), "postgresql": _widening(postgresql.insert)}
