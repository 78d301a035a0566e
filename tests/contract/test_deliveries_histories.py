"""Promises P2, P3, P4 and P8 over random histories: versions, labels, recipients, failures, in any order."""

import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, example, given, settings

from schemas.vocabularies import Tlp
from services.disclosure import Content, disclose
from services.notify import composing
from services.storage.delivery_records import (
    Claim,
    Deferred,
    Delivered,
    Moved,
    Outcome,
    Rejected,
    Settlement,
    Withheld,
)
from services.storage.records import Channel, Participation, Recipient
from tests.builders import make_alert
from tests.databases import SqlitePlace
from tests.deliveries_rig import Rig, email, make_recipient, open_rig, webhook

_TLPS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:RED")
_KINDS = ("alert", "update", "correction", "retraction", "closure", "dispute")
_PEOPLE = ("a-focal", "b-focal", "c-focal")
_OUTCOMES: dict[str, Outcome] = {
    "delivered": Delivered(),
    "lost": Deferred(reason="unreachable"),
    "unknown": Deferred(reason="timeout", maybe=True),
    "refused": Rejected(reason="refused_by_server"),
}

say = st.tuples(st.just("say"), st.sampled_from(_KINDS), st.sampled_from(_TLPS))
leave = st.tuples(st.just("leave"), st.sampled_from(_PEOPLE), st.none())
come = st.tuples(st.just("come"), st.sampled_from(_PEOPLE), st.none())
claim = st.tuples(st.just("claim"), st.integers(1, 4), st.none())
settle = st.tuples(st.just("settle"), st.sampled_from(sorted(_OUTCOMES)), st.none())
die = st.tuples(st.just("die"), st.none(), st.none())
histories = st.lists(st.one_of(say, say, claim, settle, settle, leave, come, die), min_size=3, max_size=25)


@dataclass(slots=True)
class World:
    """What really happened: who received what, in which order, under which id."""

    rig: Rig
    away: set[str] = field(default_factory=set)
    held: list[Claim] = field(default_factory=list)
    received: list[tuple[str, str, int, str, str]] = field(
        default_factory=list
    )  # who, where, version, id, content
    kinds: dict[int, str] = field(default_factory=dict)

    def people(self) -> list[Recipient]:
        return [
            make_recipient(
                name,
                country=name[0].upper() + "R",
                channels=_channels(name),
                participation=Participation.WITHDRAWN if name in self.away else Participation.ACTIVE,
            )
            for name in _PEOPLE
        ]

    async def step(self, act: str, what: Any, how: Any) -> None:
        await getattr(self, f"_{act}")(what, how)
        self.rig.pass_time(seconds=1)
        assert await self.rig.deliveries.violations(now=self.rig.now) == 0  # P8, at every moment

    async def _say(self, kind: str, tlp: str) -> None:
        first = not self.kinds
        if "retraction" in self.kinds.values():
            return  # what is retracted stays retracted: classification lets nothing more through
        kind = "alert" if first else "update" if kind == "alert" else kind
        await self.rig.issue(make_alert(message_type=kind, tlp=tlp))
        self.kinds[len(self.kinds) + 1] = kind

    async def _leave(self, name: str, _: Any) -> None:
        self.away.add(name)
        await self.rig.direct(*self.people())

    async def _come(self, name: str, _: Any) -> None:
        self.away.discard(name)
        await self.rig.direct(*self.people())

    async def _claim(self, limit: int, _: Any) -> None:
        self.held += await self.rig.deliveries.claim(now=self.rig.now, limit=limit)

    async def _settle(self, name: str, _: Any) -> None:
        claims, self.held = self.held, []
        for one in claims:
            outcome, content = await self._attempt(one, _OUTCOMES[name])
            await self.rig.deliveries.settle([_settlement(self.rig, one, outcome, content)], now=self.rig.now)

    async def _die(self, _what: Any, _how: Any) -> None:
        self.held = []
        self.rig.pass_time(minutes=3)
        await self.rig.deliveries.expire(now=self.rig.now)

    async def _attempt(self, one: Claim, outcome: Outcome) -> tuple[Outcome, str]:
        """Do what the sender does, with its own pure functions, against receivers that behave as told."""
        row = one.notification
        recipient = (await self.rig.deliveries.directory()).recipients[row.recipient_id]
        channel = composing.address_of(row, recipient)
        assert channel is not None
        version = await self.rig.deliveries.version(row.message_id, revision=0)
        assert version is not None
        reader = composing.reader_of(recipient, channel)
        told = await self.rig.deliveries.thread_told(row.thread_id)
        allowed = composing.permit(
            one, version, reader, had_earlier=composing.last_sent(told, row) is not None
        )
        if allowed.content is Content.NOTHING:
            return Withheld(reason=allowed.reason), row.content
        if allowed.content is not Content.GONE:  # P3, at the moment of sending
            later = [Tlp(tlp) for tlp in one.later_tlps]
            now = disclose(version.alert, reader, sender_id="uy-ndo", later_tlps=later)
            assert now.content is allowed.content
            assert recipient.participation is Participation.ACTIVE
        arrived = isinstance(outcome, Delivered) or (isinstance(outcome, Deferred) and outcome.maybe)
        if arrived:
            who = (row.recipient_id, row.channel.value, row.thread_version, row.id, allowed.content.value)
            self.received.append(who)
        return outcome, allowed.content.value

    async def drain(self) -> None:
        """Let everything arrive that is still to come."""
        await self._settle("delivered", None)
        for _ in range(200):
            self.rig.pass_time(hours=2)
            await self.rig.deliveries.expire(now=self.rig.now)
            claims = await self.rig.deliveries.claim(now=self.rig.now, limit=50)
            if not claims:
                if not [row for row in await self.rig.rows() if row.state in ("pending", "claimed")]:
                    return
                continue
            self.held = claims
            await self._settle("delivered", None)
        raise AssertionError("the queue does not drain")


def _channels(name: str) -> tuple[Channel, ...]:
    return {
        "a-focal": (webhook(name),),
        "b-focal": (webhook(name), email(name)),
        "c-focal": (email(name),),
    }[name]


def _settlement(rig: Rig, one: Claim, outcome: Outcome, content: str) -> Settlement:
    assert not isinstance(outcome, Moved)
    return Settlement(
        notification_id=one.notification.id,
        token=one.token,
        outcome=outcome,
        content=content,
        began_at=rig.now,
        ended_at=rig.now,
        draw=0.0,
        country="CO",
    )


@settings(max_examples=60, deadline=timedelta(seconds=20), suppress_health_check=list(HealthCheck))
@given(history=histories)
@example(  # the correction, on its way to a state that has left, is replaced by an update that it may not see
    history=[
        ("say", "alert", "TLP:CLEAR"),
        *[("claim", 1, None)] * 4,
        ("leave", "a-focal", None),
        ("say", "correction", "TLP:CLEAR"),
        ("say", "alert", "TLP:CLEAR"),
        ("come", "a-focal", None),
    ]
)
async def test_the_promises_hold_over_random_histories(history: list[tuple[str, Any, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = open_rig(SqlitePlace(Path(folder) / "ledger.sqlite3"))
        try:
            world = World(rig=rig)
            await rig.direct(*world.people())
            for act, what, how in history:
                await world.step(act, what, how)
            await world.drain()
            rows = await rig.rows()
            for promise in (_seen_once, _in_order, _corrected, _settled):
                promise(world, rows)
        finally:
            await rig.ledger.close()


def _seen_once(world: World, _rows: list[Any]) -> None:
    """P2: one version, recipient and channel has one id, however often it came."""
    ids: dict[tuple[str, str, int], set[str]] = {}
    for who, where, version, row, _ in world.received:
        ids.setdefault((who, where, version), set()).add(row)
    assert all(len(one) == 1 for one in ids.values())


def _in_order(world: World, _rows: list[Any]) -> None:
    """P4: what changes a version never comes before it: an older one is not first seen after a newer one."""
    newest: dict[tuple[str, str], int] = {}
    seen: set[tuple[str, str, int]] = set()
    for who, where, version, _, _ in world.received:
        first_time = (who, where, version) not in seen
        seen.add((who, where, version))
        if first_time:
            assert version > newest.get((who, where), 0)
            newest[(who, where)] = version


def _corrected(world: World, rows: list[Any]) -> None:
    """P4: who received any version before the last retraction or correction got that, or what replaced it."""
    changes = [version for version, kind in world.kinds.items() if kind in ("correction", "retraction")]
    if not changes:
        return
    last = max(changes)
    got: dict[str, set[int]] = {}
    for who, _, version, _, _ in world.received:
        got.setdefault(who, set()).add(version)
    failed = {row.recipient_id for row in rows if row.state == "failed"}
    for who, versions in got.items():
        if min(versions) >= last or who in failed:
            continue
        told = max(versions) >= last
        replaced = [row for row in rows if row.recipient_id == who and row.thread_version > last]
        assert told or replaced, (who, versions, last)


def _settled(_world: World, rows: list[Any]) -> None:
    """P8: nothing is left open."""
    assert {row.state for row in rows} <= {"delivered", "failed", "superseded", "withheld"}
