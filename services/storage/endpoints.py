"""The health of endpoints: what backs off is the endpoint, never the message."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, exists, func, select

from services.storage import audit
from services.storage.delivery_records import Health
from services.storage.driver import run
from services.storage.statements import insert_once, padded
from services.storage.tables import endpoints, notifications

HEALTH_COLUMNS: Final = (
    endpoints.c.failures,
    endpoints.c.failing_since,
    endpoints.c.next_probe_at,
    endpoints.c.disabled_reason,
)
ails: Final = (endpoints.c.failures > 0) | endpoints.c.disabled_reason.is_not(None)
_healths = select(endpoints.c.id, *HEALTH_COLUMNS).where(endpoints.c.id.in_(bindparam("ids", expanding=True)))
_change = (
    endpoints.update()
    .where(endpoints.c.id == bindparam("endpoint"))
    .values(
        failures=bindparam("new_failures"),
        failing_since=bindparam("new_failing_since"),
        next_probe_at=bindparam("new_next_probe_at"),
        disabled_reason=bindparam("new_disabled_reason"),
        changed_at=bindparam("new_changed_at"),
    )
)
_waiting_for = (
    select(notifications.c.id)
    .where(
        notifications.c.endpoint_id == bindparam("endpoint"),
        notifications.c.state == "pending",
        notifications.c.next_at > bindparam("at"),
    )
    .with_for_update(
        skip_locked=True
    )  # a claim that holds one of them may be waiting for this endpoint's row
)
_drain = notifications.update().where(notifications.c.id.in_(_waiting_for)).values(next_at=bindparam("at"))

_last_failed = (
    select(
        notifications.c.recipient_id,
        notifications.c.endpoint_id,
        func.count().label("failed"),
        func.min(notifications.c.settled_at).label("since"),
        func.max(notifications.c.settled_at).label("last"),
        func.max(notifications.c.reason).label("reason"),
    )
    .where(notifications.c.state == "failed")
    .group_by(notifications.c.recipient_id, notifications.c.endpoint_id)
    .subquery()
)
_refusing = (
    select(_last_failed)
    .where(
        ~exists().where(
            notifications.c.recipient_id == _last_failed.c.recipient_id,
            notifications.c.endpoint_id == _last_failed.c.endpoint_id,
            notifications.c.state == "delivered",
            notifications.c.settled_at > _last_failed.c.last,
        )
    )
    .order_by(_last_failed.c.since, _last_failed.c.endpoint_id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusing:
    """An address that takes nothing, though it does not back off."""

    endpoint_id: str
    failed: int  # notifications
    since: datetime
    reason: str | None  # one of them


def healths(connection: Connection, ids: Collection[str]) -> dict[str, Health]:
    """Return what is known of endpoints; one that never failed is not there."""
    return {row.id: to_health(row.id, row) for row in run(connection, _healths, {"ids": padded(list(ids))})}


def to_health(endpoint_id: str, row: Any) -> Health:
    """Return the health in a row selected with `HEALTH_COLUMNS`."""
    return Health(
        id=endpoint_id,
        failures=row.failures,
        failing_since=row.failing_since,
        next_probe_at=row.next_probe_at,
        disabled_reason=row.disabled_reason,
    )


def keep_healths(connection: Connection, changed: Iterable[Health], *, now: datetime) -> None:
    """Write the health of endpoints that changed."""
    for one in changed:
        values = {
            "failures": one.failures,
            "failing_since": one.failing_since,
            "next_probe_at": one.next_probe_at,
            "disabled_reason": one.disabled_reason,
            "changed_at": now,
        }
        connection.execute(insert_once(connection, endpoints), {"id": one.id} | values)
        connection.execute(
            _change, {"endpoint": one.id} | {f"new_{name}": value for name, value in values.items()}
        )


def drain(connection: Connection, endpoint_id: str, *, now: datetime) -> int:
    """Make everything that waits for an endpoint due now: it is well again. Returns how many."""
    return connection.execute(_drain, {"endpoint": endpoint_id, "at": now}).rowcount


def enable(connection: Connection, endpoint_id: str, *, actor: str, now: datetime) -> bool:
    """Clear an endpoint's failures and whatever disabled it, and write down who did.

    Return whether there was anything to clear; where there was not, nothing is changed.
    """
    cleared = connection.execute(
        endpoints.update()
        .where(endpoints.c.id == endpoint_id, ails)
        .values(failures=0, failing_since=None, next_probe_at=None, disabled_reason=None, changed_at=now)
    ).rowcount
    if not cleared:
        return False
    drain(connection, endpoint_id, now=now)
    audit.record(connection, actor=actor, act="endpoint.enabled", subject=endpoint_id, detail={}, now=now)
    return True


def listed(connection: Connection) -> list[Health]:
    """Return every endpoint that is failing or disabled, longest first."""
    rows = connection.execute(
        select(endpoints.c.id, *HEALTH_COLUMNS).where(ails).order_by(endpoints.c.failing_since)
    )
    return [to_health(row.id, row) for row in rows]


def refusing(connection: Connection) -> list[Refusing]:
    """Return the addresses to which something failed for good and nothing was delivered since, longest first.

    A mailbox that its server does not know and a webhook that may not be connected to are refused at the first
    attempt: their endpoints are well. For commands: it reads what was sent to them.
    """
    rows = connection.execute(_refusing).all()
    return [
        Refusing(endpoint_id=row.endpoint_id, failed=row.failed, since=row.since, reason=row.reason)
        for row in rows
    ]


def unwell(connection: Connection) -> tuple[int, int]:
    """Return how many endpoints are failing, and how many are disabled."""
    row = connection.execute(
        select(func.count(endpoints.c.next_probe_at), func.count(endpoints.c.disabled_reason))
    ).one()
    return int(row[0]), int(row[1])
