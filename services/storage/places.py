"""Where keys have been seen before, what states said they know, and the newest threads in those places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from services.storage.driver import run
from services.storage.statements import padded
from services.storage.tables import baselines, participations, spread
from services.storage.thread_records import Known, Spread

_MOST_SPREAD: Final = 2_000
_MOST_ELSEWHERE: Final = 8  # threads of the same threat that a verdict names: hundreds tell a reader nothing

_EMPTY: Final[ColumnElement[str]] = literal_column("''")
_ZERO: Final[ColumnElement[int]] = literal_column("0")
_place = tuple(spread.c[name] for name in Spread._fields)
_of_keys = and_(spread.c.key.in_(bindparam("keys", expanding=True)), spread.c.status == bindparam("status"))
_shared = or_(
    spread.c.first_thread_id.in_(bindparam("ids", expanding=True)),
    spread.c.last_thread_id.in_(bindparam("ids", expanding=True)),
)
_state = spread.c.admin1 == _EMPTY
# By the first letters, which every subdivision of a country shares: the key's order finds them at once.
_subdivision = and_(
    spread.c.country == bindparam("country"),
    spread.c.admin1 >= bindparam("country"),
    spread.c.admin1 < bindparam("beyond"),
)
_spread = union_all(
    select(*_place).where(_of_keys, _state), select(*_place).where(_of_keys, _subdivision)
).limit(_MOST_SPREAD)
_spread_shared = union_all(
    select(*_place).where(_of_keys, _state, _shared), select(*_place).where(_of_keys, _subdivision, _shared)
)
_told: Final[tuple[ColumnElement[Any], ...]] = (
    baselines.c.key,
    _EMPTY,
    baselines.c.country,
    baselines.c.admin1,
    _EMPTY,
    _EMPTY,
    _ZERO,
    baselines.c.common,
)
_loaded = select(baselines.c.key).where(baselines.c.country == bindparam("country")).limit(1).subquery()
_states_loaded = select(func.count()).where(baselines.c.key == _EMPTY).scalar_subquery()
_states = select(func.count()).where(participations.c.participation == "active").scalar_subquery()
# A first in the region is one only where most of it has said what it knows; without a directory any state will do.
_most_loaded = or_(_states_loaded * 2 > _states, _states == _ZERO)
# One statement of three look-ups, each in the columns of the first. What states said they know names no thread;
# a row without a key says that this one has said something, and whether most states have.
_spread_and_known: Final[CompoundSelect[Any]] = union_all(
    select(_spread.subquery(), false().label("common")),
    select(*_told).where(baselines.c.key.in_(bindparam("known_keys", expanding=True))),
    select(*[_EMPTY] * 6, _ZERO, _most_loaded).select_from(_loaded),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the keys of a message were seen, by key and place; `newest` are threads that were there last.

    `baseline`: the state of the event has said what it knows; `known` is what all states said of these keys.
    `region_speaks`: and so have most states.
    """

    spread: tuple[Spread, ...]
    known: tuple[Known, ...]
    baseline: bool
    region_speaks: bool
    newest: set[str]


def of_keys(
    connection: Connection, keys: Sequence[str], *, status: str, country: str, without: str, near: set[str]
) -> Places:
    """Return the places of `keys`, what states said of them, and the newest threads in them.

    Families have been seen nearly everywhere. Where their firsts are not asked, and substances and products name
    enough threads, only the places that tell of one of these threads matter.
    """
    families = [key for key in keys if key.startswith("family:")]
    substances = [key for key in keys if not key.startswith("family:")]
    found, told = _seen_and_told(connection, keys, among=substances, status=status, country=country)
    known = tuple(
        Known(country=row.country, key=row.key, admin1=row.admin1, common=bool(row.common))
        for row in told
        if row.key
    )
    loaded = [bool(row.common) for row in told if not row.key]
    baseline = bool(loaded)
    newest = _newest_threads(found, without=without)
    if not baseline and len(newest) >= _MOST_ELSEWHERE:
        found += _seen(connection, families, status=status, country=country, ids=near | newest)
    elif families:
        found += _seen(connection, families, status=status, country=country)
        newest = _newest_threads(found, without=without)
    return Places(spread=found, known=known, baseline=baseline, region_speaks=any(loaded), newest=newest)


def _seen(
    connection: Connection,
    keys: Sequence[str],
    *,
    status: str,
    country: str,
    ids: Iterable[str] | None = None,
) -> tuple[Spread, ...]:
    """Return where `keys` have been seen: each state, and each subdivision of `country`; by key and place.

    With `ids` only the places where one of these threads was the first or the last.
    """
    asked = {"keys": list(keys), "status": status, "country": country, "beyond": f"{country}."}
    if not keys:
        return ()
    if ids is None:
        rows = run(connection, _spread, asked)
    elif wanted := padded(sorted(ids)):
        rows = run(connection, _spread_shared, {**asked, "ids": wanted})
    else:
        return ()
    return tuple(sorted(map(Spread._make, rows)))


def _seen_and_told(
    connection: Connection, keys: Sequence[str], *, among: Sequence[str], status: str, country: str
) -> tuple[tuple[Spread, ...], list[Any]]:
    """Return where ``among`` have been seen, as `_seen` does, and the rows of what states said they know of ``keys``.

    One row more, without a key, stands where `country` has said anything at all.
    """
    asked = {"keys": list(among), "known_keys": list(keys), "status": status, "country": country}
    rows = run(connection, _spread_and_known, {**asked, "beyond": f"{country}."}).all()
    seen = tuple(sorted([Spread._make(row[:-1]) for row in rows if row.first_thread_id]))
    return seen, [row for row in rows if not row.first_thread_id]


def _newest_threads(found: Iterable[Spread], *, without: str) -> set[str]:
    """Return a few threads: those seen last in each place, the newest first; then those seen first there.

    Substances and products stand before families, and states before their parts: a verdict counts states.
    """
    ordered = sorted(found, key=attrgetter("last_at"), reverse=True)
    ordered.sort(key=lambda one: (one.key.startswith("family:"), one.admin1 != ""))
    last = [one.first_thread_id if one.last_thread_id == without else one.last_thread_id for one in ordered]
    every = dict.fromkeys(last + [one.first_thread_id for one in ordered])
    every.pop(without, None)
    return set(list(every)[:_MOST_ELSEWHERE])
