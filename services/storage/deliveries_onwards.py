"""What follows in the same transaction where one writer runs everything: routing what was just decided, claiming
what became due.

Each step stays the idempotent unit that it is by itself, and whoever reads the topic later finds it done. What is
saved are the commits between them, which are most of an alert's way through an idle relay.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from services.errors import Invalid
from services.storage import deliveries_routing
from services.storage.delivery_records import Claim, Decide, Followed, Routed, Settled
from services.storage.records import Directory, Event

Claiming = Callable[[Connection], list[Claim]]


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


def settle_and_claim(
    connection: Connection, *, settle: Callable[[Connection], Settled], claim: Claiming
) -> Settled:
    """Settle attempts, then claim what is due: the room that they leave is filled at once."""
    settled = settle(connection)
    return replace(settled, claims=claim(connection))
