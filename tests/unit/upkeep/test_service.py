"""The loops on a ledger: what each leaves behind, who runs it, what happens while the ledger is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, func, select, update

from schemas.alerts import canonical_json
from services.errors import Transient
from services.storage import outbox as outbox_rows
from services.storage.adapters import LedgerAudit, LedgerLeases, LedgerOutbox, LedgerReceipts
from services.storage.receipt_records import TOPIC, Submission, event_payload
from services.storage.records import Event, Message
from services.storage.sqlite import SqliteLedger
from services.storage.tables import audit, metadata, outbox, receipts
from services.upkeep.deadlines import Policy
from services.upkeep.instruments import Ended, Instruments, Task
from services.upkeep.service import Upkeep
from tests.builders import make_alert

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
POLICY = Policy(
    every=timedelta(seconds=10),
    reconcile_after=timedelta(seconds=30),
    keep_outbox=timedelta(days=7),
    keep_keys=timedelta(days=7),
    most=3,
)


class Threads:
    """Two verdicts that nobody routes, and held messages that expire."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.never_routed = ["one", "routed meanwhile"]

    async def expire_held(self, *, most: int, **_asked: object) -> int:
        return most

    async def unrouted(self, *, most: int, **_asked: object) -> list[tuple[str, int]]:
        return [(name, 0) for name in self.never_routed[:most]]

    async def announce_again(self, message_id: str, _revision: int, **_asked: object) -> bool:
        self.announced.append(message_id)
        return message_id != "routed meanwhile"


class Deliveries:
    """Promise P8, kept or broken."""

    def __init__(self) -> None:
        self.found = 0
        self.asked = asyncio.Event()

    async def violations(self, **_asked: object) -> int:
        self.asked.set()
        return self.found


class Site:
    """A ledger and its upkeep, with a clock that the test moves."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self.ledger = ledger
        self.now = START
        self.threads = Threads()
        self.deliveries = Deliveries()
        self.registry = CollectorRegistry()
        self.upkeep = self.another("first", registry=self.registry)

    def another(
        self, holder: str, *, registry: CollectorRegistry | None = None, leases: Any = None
    ) -> Upkeep:
        threads: Any = self.threads  # of each port, what is asked here
        deliveries: Any = self.deliveries
        return Upkeep(
            receipts=LedgerReceipts(self.ledger),
            threads=threads,
            deliveries=deliveries,
            outbox=LedgerOutbox(self.ledger),
            audit=LedgerAudit(self.ledger),
            leases=leases or LedgerLeases(self.ledger),
            instruments=Instruments(registry or CollectorRegistry()),
            policy=POLICY,
            groups=("classify", "notify", "metrics"),
            holder=holder,
            clock=lambda: self.now,
        )

    async def accept(self, number: int) -> None:
        alert = make_alert(national_ref=f"SAT-{number}")
        message = Message(
            id=f"message-{number}",
            sender_id="uy",
            sender_country="UY",
            can_amend=False,
            reference_key="0" * 64,
            received_at=self.now,
            content_sha256="0" * 64,
            alert=alert,
        )
        body = canonical_json(alert).decode()
        event = Event(topic=TOPIC, event_id=message.id, key="k", payload=event_payload(message, body=body))
        await LedgerReceipts(self.ledger).accept(Submission(message=message, body=body, event=event))

    async def read_up(self, *groups: str) -> None:
        def unit(connection: Connection) -> None:
            last = connection.execute(select(func.max(outbox.c.id))).scalar() or 0
            for group in groups:
                outbox_rows.move(connection, group, to=last)

        await self.ledger.write(unit)

    async def count(self, table: Any) -> int:
        return await self.ledger.read(
            lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
        )

    async def attempts(self, message_id: str) -> int:
        asked = select(receipts.c.attempt).where(receipts.c.id == message_id)
        return await self.ledger.read(lambda connection: connection.execute(asked).scalar_one())

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    ledger = SqliteLedger(tmp_path / "relay.sqlite3")
    await ledger.write(metadata.create_all)
    yield Site(ledger)
    await ledger.close()


async def test_a_receipt_that_nobody_took_is_published_again(site: Site) -> None:
    await site.accept(1)
    await site.read_up("classify")
    site.now += timedelta(seconds=31)
    assert await site.upkeep.round(Task.RECONCILE) == (Ended.DONE, 1)
    assert await site.count(outbox) == 2
    assert await site.upkeep.round(Task.RECONCILE) == (Ended.DONE, 0)
    assert site.metric("relay_upkeep_handled_total", task="reconcile") == 1


async def test_a_receipt_is_not_published_again_before_its_deadline(site: Site) -> None:
    site.now += timedelta(minutes=5)
    await site.accept(1)
    await site.read_up("classify")
    site.now += timedelta(seconds=30)
    assert await site.upkeep.round(Task.RECONCILE) == (Ended.DONE, 0)


async def test_nothing_is_published_again_while_the_reader_is_behind(site: Site) -> None:
    await site.accept(1)
    site.now += timedelta(minutes=5)
    assert await site.upkeep.round(Task.RECONCILE) == (Ended.WAITING, 0)
    assert await site.count(outbox) == 1


async def test_what_came_within_reach_only_now_has_its_time_from_there(site: Site) -> None:
    """As after an outage of the brokers: all of it was accepted long ago, and all of it can be read at once."""
    await site.accept(1)
    site.now += timedelta(minutes=5)
    await site.upkeep.round(Task.RECONCILE)
    await site.read_up("classify")
    for _ in range(4):
        site.now += POLICY.every
        assert await site.upkeep.round(Task.RECONCILE) == (Ended.WAITING, 0)
    site.now += POLICY.every
    assert await site.upkeep.round(Task.RECONCILE) == (Ended.DONE, 1)


async def test_a_round_is_bounded(site: Site) -> None:
    for number in range(5):
        await site.accept(number)
    await site.read_up("classify")
    site.now += timedelta(seconds=31)
    assert [await site.upkeep.round(Task.RECONCILE) for _ in range(2)] == [(Ended.DONE, 3), (Ended.DONE, 2)]


async def test_what_can_never_be_classified_does_not_keep_newer_messages_from_being_published_again(
    site: Site,
) -> None:
    """More than a round may handle fail each time, and soon wait for long: what stands behind them has its turn."""
    poison = POLICY.most + 2
    for number in range(poison):
        await site.accept(number)
    await site.read_up("classify")
    for _ in range(40):  # rounds: by then each poison waits for minutes
        site.now += POLICY.every
        await site.upkeep.round(Task.RECONCILE)
        await site.read_up("classify")
    await site.accept(100)
    await site.read_up("classify")
    site.now += POLICY.reconcile_after + timedelta(seconds=1)
    before = await site.count(outbox)
    await site.upkeep.round(Task.RECONCILE)
    assert await site.attempts("message-100") == 1
    assert await site.count(outbox) - before <= POLICY.most


async def test_versions_that_can_never_be_routed_do_not_keep_newer_ones_from_being_announced(
    site: Site,
) -> None:
    site.threads.never_routed = [f"poison {number}" for number in range(POLICY.most + 2)]
    for _ in range(40):
        site.now += POLICY.every
        await site.upkeep.round(Task.REROUTE)
    site.threads.never_routed.append("newer")
    site.threads.announced.clear()
    for _ in range(2):
        await site.upkeep.round(Task.REROUTE)
    assert "newer" in site.threads.announced


async def test_what_was_classified_long_ago_is_left_alone(site: Site) -> None:
    await site.accept(1)
    await site.read_up("classify")
    await site.ledger.write(
        lambda connection: connection.execute(update(receipts).values(state="classified"))
    )
    site.now += timedelta(seconds=31)
    assert await site.upkeep.round(Task.RECONCILE) == (Ended.DONE, 0)


async def test_an_unrouted_version_is_announced_again_with_growing_patience(site: Site) -> None:
    site.now += timedelta(minutes=1)
    assert await site.upkeep.round(Task.REROUTE) == (Ended.DONE, 1)
    site.now += timedelta(seconds=10)
    assert await site.upkeep.round(Task.REROUTE) == (Ended.DONE, 0)
    site.now += timedelta(seconds=20)
    assert await site.upkeep.round(Task.REROUTE) == (Ended.DONE, 1)
    assert site.threads.announced == ["one", "routed meanwhile"] * 2


async def test_one_process_runs_a_loop_and_another_takes_over_when_it_dies(site: Site) -> None:
    second = site.another("second")
    assert (await site.upkeep.round(Task.EXPIRE_HELD))[0] is Ended.DONE
    assert (await second.round(Task.EXPIRE_HELD))[0] is Ended.ELSEWHERE
    site.now += POLICY.lease + timedelta(seconds=1)
    assert (await second.round(Task.EXPIRE_HELD))[0] is Ended.DONE
    assert (await site.upkeep.round(Task.EXPIRE_HELD))[0] is Ended.ELSEWHERE
    assert site.metric("relay_upkeep_rounds_total", task="expire_held", outcome="elsewhere") == 1


async def test_a_broken_promise_shows_until_it_is_kept(site: Site) -> None:
    site.deliveries.found = 2
    assert await site.upkeep.round(Task.AUDIT_DELIVERIES) == (Ended.DONE, 2)
    assert site.metric("relay_upkeep_violations") == 2
    site.deliveries.found = 0
    await site.upkeep.round(Task.AUDIT_DELIVERIES)
    assert site.metric("relay_upkeep_violations") == 0


async def test_the_audit_is_chained_and_a_changed_record_is_noticed(site: Site) -> None:
    records = LedgerAudit(site.ledger)
    for number in range(4):
        await records.record(
            actor="operator", act="key.created", subject=str(number), detail={}, now=site.now
        )
    assert await site.upkeep.round(Task.CHAIN_AUDIT) == (Ended.DONE, 3)
    assert site.metric("relay_audit_chain_broken") == 0
    await site.ledger.write(
        lambda connection: connection.execute(update(audit).where(audit.c.id == 2).values(act="key.revoked"))
    )
    fresh = CollectorRegistry()
    site.now += POLICY.lease + timedelta(seconds=1)
    await site.another("restarted", registry=fresh).round(Task.CHAIN_AUDIT)
    assert fresh.get_sample_value("relay_audit_chain_broken") == 1


async def test_only_old_records_that_every_group_has_read_are_pruned(site: Site) -> None:
    await site.accept(1)
    await site.read_up("classify", "notify")
    site.now += timedelta(days=8)
    assert await site.upkeep.round(Task.RETENTION) == (Ended.DONE, 0)
    await site.read_up("metrics")
    assert await site.upkeep.round(Task.RETENTION) == (Ended.DONE, 1)
    assert (await site.count(outbox), await site.count(receipts)) == (0, 1)


class Away:
    """Leases of a ledger that is out of reach."""

    async def acquire(self, *_asked: object, **_more: object) -> bool:
        raise Transient("the disk is full")

    async def held(self) -> dict[str, datetime]:
        raise Transient("the disk is full")


async def test_a_ledger_out_of_reach_ends_a_round_and_starts_the_deadlines_anew(site: Site) -> None:
    await site.accept(1)
    await site.read_up("classify")
    upkeep = site.another("alone", leases=Away())
    site.now += timedelta(minutes=5)
    assert await upkeep.round(Task.RECONCILE) == (Ended.UNREACHABLE, 0)
    upkeep._leases = LedgerLeases(site.ledger)
    assert await upkeep.round(Task.RECONCILE) == (Ended.WAITING, 0)
    site.now += timedelta(seconds=31)
    assert await upkeep.round(Task.RECONCILE) == (Ended.DONE, 1)


async def test_the_loops_end_when_they_are_told_to(site: Site) -> None:
    stop = asyncio.Event()
    loops = site.upkeep.loops
    assert [name for name, _ in loops] == [f"upkeep {task}" for task in Task]
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop(stop)) for _, loop in loops]
        await site.deliveries.asked.wait()
        stop.set()
    assert all(task.done() for task in tasks)


def test_a_policy_can_be_changed_by_one_value() -> None:
    assert replace(POLICY, every=timedelta(seconds=1)).lease == timedelta(seconds=3)
