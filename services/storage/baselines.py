"""What a state already knows: without it an empty register would make everything a first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from services.storage import audit
from services.storage.tables import baselines


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiar:
    """One substance or family that a state knows, in a subdivision or (empty) everywhere.

    `key` is that of sightings; `common` things link nothing by themselves there.
    """

    key: str
    admin1: str = ""
    common: bool = False


def replace(
    connection: Connection, country: str, known: Iterable[Familiar], *, actor: str, now: datetime
) -> int:
    """Make the baseline of a state what is given and return how many entries it has.

    A state that says it knows nothing has a baseline too: from then on everything there may be a first.
    """
    connection.execute(delete(baselines).where(baselines.c.country == country))
    entries: dict[tuple[str, str], bool] = {}
    for one in known:  # what is said twice is common where one says so: a family is known by each member
        entries[one.key, one.admin1] = entries.get((one.key, one.admin1), False) or one.common
    rows = [
        {"country": country, "key": key, "admin1": admin1, "common": common}
        for (key, admin1), common in {("", ""): False, **entries}.items()
    ]
    connection.execute(insert(baselines), rows)
    detail = {"entries": len(entries)}
    audit.record(connection, actor=actor, act="baseline.replaced", subject=country, detail=detail, now=now)
    return len(entries)


def counts(connection: Connection) -> dict[str, int]:
    """Return how many entries the baseline of each state has that has loaded one."""
    rows = connection.execute(
        select(baselines.c.country, (func.count() - 1).label("entries"))
        .group_by(baselines.c.country)
        .order_by(baselines.c.country)
    )
    return {row.country: row.entries for row in rows}
