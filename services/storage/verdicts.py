"""Verdicts: what a message was taken for. Written once; read as versions of a thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, exists, func, insert, select

from schemas.classifications import Classification, Correlation
from services.storage import documents, thread_rows
from services.storage import receipts as receipt_rows
from services.storage.driver import run
from services.storage.locks import lock
from services.storage.records import Thread, Version
from services.storage.tables import counters, receipts, threads, verdicts
from services.storage.thread_records import Filters, Page

_DECIDING: Final = (
    "decisions"  # the lock under which verdicts are numbered, so that none commits behind a later one
)
DECISIONS: Final = "decisions"  # the counter that says where to begin in a restored ledger without verdicts
ISSUE: Final = "issue"  # the cause of a first verdict

_last = verdicts.alias("last")
_first = select(counters.c.value).where(counters.c.name == DECISIONS).scalar_subquery()
_insert = insert(verdicts).values(
    decision=select(func.coalesce(func.max(_last.c.decision), _first, 0) + 1).scalar_subquery()
)
_newest_revision = (
    select(func.max(verdicts.c.revision))
    .where(verdicts.c.message_id == receipts.c.id)
    .correlate(receipts)
    .scalar_subquery()
)
_joined = (
    select(
        receipts,
        verdicts.c.thread_version,
        verdicts.c.revision,
        verdicts.c.cause,
        verdicts.c.silent,
        verdicts.c.classification,
        verdicts.c.correlation,
        verdicts.c.decided_at,
        verdicts.c.decision,
        verdicts.c.thread_id,
    )
    .select_from(receipts)
    .join(verdicts, verdicts.c.message_id == receipts.c.id)
)
_newest = _joined.where(verdicts.c.revision == _newest_revision)
_later = verdicts.alias("later")
_listed = _joined.where(  # the same rows, said so that PostgreSQL takes them in the order of their decisions
    ~exists().where(_later.c.message_id == verdicts.c.message_id, _later.c.revision > verdicts.c.revision)
)
_version = _newest.where(receipts.c.id == bindparam("message_id"))
_history = _newest.where(verdicts.c.thread_id == bindparam("thread_id")).order_by(
    verdicts.c.thread_version, verdicts.c.decision
)
_current = (
    _newest.where(verdicts.c.thread_id == bindparam("thread_id"), verdicts.c.silent.is_(False))
    .order_by(verdicts.c.thread_version.desc())
    .limit(1)
)
_awaiting = _joined.where(
    receipts.c.id == bindparam("message_id"),
    verdicts.c.revision == bindparam("revision"),
    verdicts.c.routed_at.is_(None),
)
_classification = (
    select(verdicts.c.classification)
    .where(verdicts.c.message_id == bindparam("message_id"))
    .order_by(verdicts.c.revision.desc())
    .limit(1)
)
_unrouted = (
    select(verdicts.c.message_id, verdicts.c.revision)
    .where(verdicts.c.routed_at.is_(None), verdicts.c.decided_at < bindparam("before"))
    .order_by(verdicts.c.decided_at)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVerdict:
    """A decision as it is kept."""

    message_id: str
    thread_id: str
    thread_version: int
    silent: bool
    country: str
    classification: Classification
    correlation: Correlation
    revision: int = 0
    cause: str = ISSUE


def write(connection: Connection, verdict: NewVerdict, *, now: datetime) -> None:
    """Write one verdict. Last in its transaction: its number is held until the commit, so none is passed."""
    lock(connection, (_DECIDING,))  # the last one taken: who holds it waits for nobody
    severity = verdict.classification.severity
    codes = sorted({label.code for label in verdict.classification.categories})
    classification = verdict.classification.model_dump_json()
    correlation = verdict.correlation.model_dump_json()
    run(
        connection,
        _insert,
        {
            "message_id": verdict.message_id,
            "revision": verdict.revision,
            "cause": verdict.cause,
            "thread_id": verdict.thread_id,
            "thread_version": verdict.thread_version,
            "silent": verdict.silent,
            "country": verdict.country,
            "level": severity.level,
            "urgency": severity.urgency,
            "categories": f" {' '.join(codes)} ",
            "classification": classification,
            "correlation": correlation,
            "decided_at": now,
            "routed_at": now if verdict.silent else None,  # it tells nobody, so nothing is left to route
            "review": bool(verdict.classification.review),
        },
    )
    documents.classifications.keep(classification, verdict.classification)
    documents.correlations.keep(correlation, verdict.correlation)


def classification(connection: Connection, message_id: str) -> Classification | None:
    """Return the newest classification of one message."""
    found = run(connection, _classification, {"message_id": message_id}).scalar()
    return None if found is None else Classification.model_validate_json(found)


def version(connection: Connection, message_id: str) -> Version | None:
    """Return a classified message with its newest verdict; None if it is not classified."""
    rows = run(connection, _version, {"message_id": message_id}).all()
    return next(iter(_versions(connection, rows)), None)


def history(connection: Connection, thread_id: str) -> list[Version]:
    """Return all versions of a thread, the silent ones first, then by `thread_version`."""
    return _versions(connection, run(connection, _history, {"thread_id": thread_id}).all())


def current(connection: Connection, thread_id: str) -> Version | None:
    """Return the newest version of a thread that was told."""
    rows = run(connection, _current, {"thread_id": thread_id}).all()
    return next(iter(_versions(connection, rows)), None)


def unrouted(connection: Connection, *, before: datetime, most: int) -> list[tuple[str, int]]:
    """Return the verdicts, as (message, revision), decided before `before` and not routed; oldest first."""
    rows = run(connection, _unrouted, {"before": before, "most": most})
    return [(row.message_id, row.revision) for row in rows]


def awaits_routing(connection: Connection, message_id: str, *, revision: int) -> Version | None:
    """Return one verdict if it is not routed yet."""
    rows = run(connection, _awaiting, {"message_id": message_id, "revision": revision}).all()
    return next(iter(_versions(connection, rows)), None)


def page(connection: Connection, *, after: int, most: int, filters: Filters) -> Page:
    """Return classified messages decided behind the cursor `after` (0 = from the beginning).

    Who may see each of them is for the caller to say; an empty page means that there is no more.
    """
    query = _filtered(filters).where(verdicts.c.decision > after).order_by(verdicts.c.decision).limit(most)
    rows = connection.execute(query).all()
    return Page(versions=tuple(_versions(connection, rows)), cursor=rows[-1].decision if rows else after)


def newest(connection: Connection, *, before: int, most: int) -> Page:
    """Return what was told, newest decision first, below the cursor `before` (0 = from the newest).

    Who may see each of them is for the caller to say. The page's cursor is 0 where there is nothing older.
    """
    query = _newest.where(verdicts.c.silent.is_(False)).order_by(verdicts.c.decision.desc()).limit(most)
    if before:
        query = query.where(verdicts.c.decision < before)
    rows = connection.execute(query).all()
    cursor = rows[-1].decision if len(rows) == most else 0
    return Page(versions=tuple(_versions(connection, rows)), cursor=cursor)


def _filtered(filters: Filters) -> Select[Any]:
    query: Select[Any] = _listed
    if filters.sender_id is not None:
        query = query.where(receipts.c.sender_id == filters.sender_id)
    if filters.country is not None:
        query = query.where(verdicts.c.country == filters.country)
    if filters.category is not None:
        query = query.where(verdicts.c.categories.contains(f" {filters.category} ", autoescape=True))
    if filters.severity is not None:
        query = query.where(verdicts.c.level == filters.severity)
    if filters.thread_state is not None:
        query = query.join(threads, threads.c.id == verdicts.c.thread_id).where(
            threads.c.state == filters.thread_state
        )
    return query


def _versions(connection: Connection, rows: Sequence[Any]) -> list[Version]:
    found = thread_rows.many(connection, (row.thread_id for row in rows))
    return [_version_of(row, thread=found[row.thread_id]) for row in rows]


def _version_of(row: Any, *, thread: Thread) -> Version:
    return Version(
        message=receipt_rows.to_message(row),
        thread=thread,
        thread_version=row.thread_version,
        revision=row.revision,
        cause=row.cause,
        silent=row.silent,
        classification=Classification.model_validate_json(row.classification),
        correlation=Correlation.model_validate_json(row.correlation),
        decided_at=row.decided_at,
        alert_size=len(row.body),
    )
