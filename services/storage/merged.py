"""Merges as people look for them: what was taken for one event, why, and from how many it was kept back."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, or_, select, true

from schemas.vocabularies import CorrelationLevel, Severity
from services.storage.merge_records import Merge, MergedThread, WantedMerges
from services.storage.tables import links, notifications, threads

MERGES: Final = frozenset({CorrelationLevel.CONTENT_COPY.value, CorrelationLevel.SAME_EVENT.value})
_KEPT_BACK: Final = "already_told"

_one, _other, _last = threads.alias("one"), threads.alias("other"), links.alias("last")
_of_thread = ("id", "relay_id", "message_id", "level", "incident_id")


def kept_back(thread_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition on notifications that were kept back because the incident was known."""
    return and_(
        notifications.c.thread_id == thread_id,
        notifications.c.state == "withheld",
        notifications.c.reason == _KEPT_BACK,
    )


# An update of the older thread may have found the younger, which joined all the same.
_joined = case((_one.c.opened_at < _other.c.opened_at, _other.c.id), else_=_one.c.id)
_merges = (
    select(
        links,
        *(_one.c[name].label(f"one_{name}") for name in _of_thread),
        *(_other.c[name].label(f"other_{name}") for name in _of_thread),
        _joined.label("joined"),
        select(func.count(notifications.c.recipient_id.distinct()))
        .where(kept_back(_joined))
        .scalar_subquery()
        .label("kept_back"),
    )
    .select_from(links)
    .join(_one, _one.c.id == links.c.thread_id)
    .join(_other, _other.c.id == links.c.other_thread_id)
    .where(links.c.level.in_(sorted(MERGES)))
)


def by_id(connection: Connection, link_id: str) -> Merge | None:
    """Return one merge, taken back or not; None for a link that merges nothing."""
    row = connection.execute(_merges.where(links.c.id == link_id)).first()
    return None if row is None else _to_merge(row)


def listed(connection: Connection, *, wanted: WantedMerges, most: int) -> list[Merge]:
    """Return merges that stand, newest first."""
    rows = connection.execute(
        _narrowed(wanted).order_by(links.c.linked_at.desc(), links.c.id.desc()).limit(most)
    )
    return [_to_merge(row) for row in rows]


def _narrowed(wanted: WantedMerges) -> Select[Any]:
    query = _merges.where(links.c.undone_at.is_(None))
    if wanted.relay_id is not None:
        query = query.where(or_(_one.c.relay_id == wanted.relay_id, _other.c.relay_id == wanted.relay_id))
    if wanted.kept_back:
        query = query.where(exists(select(true()).where(kept_back(_joined))))
    if wanted.behind is not None:
        at = select(_last.c.linked_at).where(_last.c.id == wanted.behind).scalar_subquery()
        same = and_(links.c.linked_at == at, links.c.id < wanted.behind)
        query = query.where(or_(links.c.linked_at < at, same))
    return query


def _to_merge(row: Any) -> Merge:
    one, other = _to_thread(row, "one"), _to_thread(row, "other")
    joined, known = (one, other) if row.joined == one.id else (other, one)
    return Merge(
        id=row.id,
        level=row.level,
        reason=row.reason,
        linked_at=row.linked_at,
        undone_at=row.undone_at,
        joined=joined,
        other=known,
        kept_back=row.kept_back,
    )


def _to_thread(row: Any, which: str) -> MergedThread:
    stated = {name: getattr(row, f"{which}_{name}") for name in _of_thread}
    return MergedThread(**stated | {"level": Severity(stated["level"])})
