"""What follows in the same transaction: claiming what was just routed, and, where one writer runs everything,
routing what was just decided and claiming the next when one is settled.

Each step stays the idempotent unit that it is by itself, and whoever reads the topic later finds it done. What is
saved are the commits between them, which are most of an alert's way through an idle relay.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, true

from services.errors import Invalid
from services.storage import deliveries_routing
from services.storage.deliveries_routing import is_later
from services.storage.deliveries_states import PENDING
from services.storage.delivery_records import Claim, Decide, Followed, Routed, Settled, Settlement
from services.storage.driver import run
from services.storage.records import Directory, Event
from services.storage.repeating import repeatable
from services.storage.statements import padded
from services.storage.tables import notifications

Claiming = Callable[[Connection], list[Claim]]

_ended = notifications.alias()
_due_there = (  # with a limit it is never joined: of each endpoint one row is looked for, however many wait there
    select(true())
    .where(
        notifications.c.endpoint_id == _ended.c.endpoint_id,
        notifications.c.state == PENDING,
        notifications.c.next_at <= bindparam("at"),
    )
    .limit(1)
    .scalar_subquery()
)
_any_due = (
    select(_ended.c.id)
    .where(_ended.c.id.in_(bindparam("rows", expanding=True)), _due_there.is_(True))
    .limit(1)
)


def route_and_claim(
    connection: Connection,
    *,
    events: Sequence[Event],
    decide: Decide,
    directory: Callable[[Connection], Directory],
    claim: Claiming,
    now: datetime,
) -> Followed:
    """Route what these events of `classified.v1` tell of, then claim what is due.

    Raises what routing raises, and `Invalid` where one of them cannot be routed: then none of it is kept, and each
    is routed by itself when it is read from its topic.
    """
    wanted = [(json.loads(event.payload)["message_id"], now) for event in events]
    routed: list[Routed] = []
    for answer in deliveries_routing.route_all(connection, wanted=wanted, decide=decide, directory=directory):
        if isinstance(answer, Invalid):
            raise answer
        routed.append(answer)
    return Followed(
        event_ids=tuple(event.event_id for event in events),
        routed=tuple(routed),
        claims=claim(connection),
        directory=directory(connection),
    )


@repeatable
def route_then_claim(
    connection: Connection,
    *,
    route: Callable[[Connection], list[Routed | Invalid]],
    directory: Callable[[Connection], Directory],
    claim: Claiming,
) -> tuple[list[Routed | Invalid], Followed | None]:
    """Route, then claim what is due; None: nothing was claimed, because it was not safe, or there was nothing.

    Only what opens its thread is followed by a claim here: whoever routes a later version holds rows that a
    settlement may wait for, and shall not wait in the line of those who claim. What was routed before may be what an
    earlier run of this very unit committed: its claim is asked for again.
    """
    answers = route(connection)
    routed = tuple(answer for answer in answers if isinstance(answer, Routed))
    versions = [version for one in routed for version in one.versions]
    if any(map(is_later, versions)) or (versions and not any(one.ready for one in routed)):
        return answers, None
    claims = claim(connection)
    if not claims:
        return answers, None
    return answers, Followed(event_ids=(), routed=routed, claims=claims, directory=directory(connection))


@repeatable
def settle_and_look(
    connection: Connection,
    *,
    settle: Callable[[Connection], Settled],
    settlements: Sequence[Settlement],
    now: datetime,
) -> Settled:
    """Settle attempts, then look whether more is due at their endpoints, which took as many as they may at a time."""
    settled = settle(connection)
    ids = padded([one.notification_id for one in settlements])
    waits = not settled.ready and bool(ids) and run(connection, _any_due, {"rows": ids, "at": now}).all()
    return replace(settled, ready=True) if waits else settled


def settle_and_claim(
    connection: Connection, *, settle: Callable[[Connection], Settled], claim: Claiming
) -> Settled:
    """Settle attempts, then claim what is due: the room that they leave is filled at once."""
    settled = settle(connection)
    return replace(settled, claims=claim(connection))
