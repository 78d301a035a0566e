"""A property: messages decided in any order, some of them twice, leave the same threads.

Promised whatever the order: the state of each thread, whether it is disputed, whose content stands, what is
seen where, and that nothing stays behind. Not promised: how many messages die of a retraction (those that come
after it do), and levels where an update that would have raised one came too late.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from schemas.alerts import Alert
from schemas.events import CLASSIFIED
from services.reference.catalogue import Catalogue
from services.reference.plan import PlanBasis
from services.storage.records import Message
from services.storage.tables import sightings, spread
from tests.builders import make_alert, make_finding
from tests.databases import SqlitePlace
from tests.ledger import Relay

LATER = ("update", "correction", "closure", "retraction")
SENDERS = ("uy-observatory", "uy-police", "uy-health")
FOUND = {
    "uy-observatory": ("isotonitazene", "ketamine"),
    "uy-police": ("isotonitazene", "bromazolam"),
    "uy-health": ("protonitazene", "mephedrone"),
}

Sent = tuple[str, Alert]


def version(sender: str, number: int, kind: str) -> Sent:
    """Return one version of the sender's alert; odd and even ones differ in what was found."""
    content: dict[str, Any] = {"findings": [make_finding(FOUND[sender][number % 2])]}
    if kind in {"closure", "retraction"}:
        content = {"findings": []}
    return sender, make_alert(
        national_ref=f"{sender}-1",
        version=number,
        message_type=kind,
        title=f"[EJERCICIO] {sender}",
        event_types=["collected_sample"],
        **content,
    )


def dispute(of: str, by: str) -> Sent:
    references = [{"ref": f"UY:{of}-1", "relation": "disputes"}]
    return by, make_alert(national_ref=f"D-{of}", message_type="dispute", references=references, findings=[])


@st.composite
def stories(draw: st.DrawFn) -> list[Sent]:
    """Draw what some senders say: an alert each, what follows it, and perhaps a dispute."""
    story: list[Sent] = []
    for sender in SENDERS[: draw(st.integers(1, len(SENDERS)))]:
        story.append(version(sender, 1, "alert"))
        kinds = draw(st.lists(st.sampled_from(LATER), max_size=3))
        story += [version(sender, number, kind) for number, kind in enumerate(kinds, 2)]
        if draw(st.booleans()) and not {"correction", "retraction"} & set(kinds):
            by = SENDERS[(SENDERS.index(sender) + 1) % len(SENDERS)]
            story.append(dispute(sender, by))
    return story


class Ending:
    """What is left when everything was decided."""

    def __init__(self, relay: Relay) -> None:
        self.states = relay.states()
        self.threads = {
            row.sender_id: (
                row.state,
                row.disputed,
                None if row.state == "retracted" else row.message_id,
            )
            for row in relay.threads().values()
        }
        self.told = len(relay.records(CLASSIFIED))
        seen = select(sightings.c.sender_id, sightings.c.key).where(sightings.c.current)
        self.seen = sorted(tuple(row) for row in relay.connection.execute(seen))
        places = select(spread.c.key, spread.c.market, spread.c.country, spread.c.admin1)
        self.places = sorted(tuple(row) for row in relay.connection.execute(places))


def play(relay: Relay, story: list[Sent], order: list[int]) -> Ending:
    """Accept all of `story`, decide it in `order` (which may repeat), then let every patience end."""
    messages: list[Message] = [relay.post(alert, sender_id=sender) for sender, alert in story]
    for index in order:
        relay.settle(messages[index])
    relay.drain()
    for _ in range(2):
        relay.expire(after=timedelta(days=8))
    return Ending(relay)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_decisions_leaves_the_same_threads(
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
    catalogue: Catalogue,
    plan: Mapping[str, PlanBasis],
) -> None:
    story = data.draw(stories())
    every = list(range(len(story)))
    mixed = data.draw(st.permutations(every + data.draw(st.lists(st.sampled_from(every), max_size=4))))
    opened = partial(Relay, catalogue=catalogue, plan=plan)
    folder: Path = tmp_path_factory.mktemp("order")
    straight, shuffled = (opened(SqlitePlace(folder / name)) for name in ("straight.db", "shuffled.db"))
    try:
        expected, ending = play(straight, story, every), play(shuffled, story, mixed)
    finally:
        straight.close()
        shuffled.close()

    for one in (expected, ending):
        assert sum(one.states.values()) == len(story)
        assert set(one.states) <= {"classified", "dead"}
        assert one.states["classified"] == one.told
        assert {key for key, *_ in one.places} <= {key for _, key in one.seen}
    assert ending.threads == expected.threads
    assert ending.seen == expected.seen
    assert ending.places == expected.places
