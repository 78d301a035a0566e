"""How long the brokers have not answered: counted also where they never did."""

import asyncio
from datetime import timedelta
from typing import Any

from services.runtime.faust_app import build, is_member
from services.runtime.faust_worker import FaustWorker
from services.storage.feed_kafka import KafkaFeed
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_reach import Reach

NOBODY = KafkaConnection(servers="127.0.0.1:1")


async def test_a_feed_that_finds_no_broker_is_silent_from_its_beginning() -> None:
    feed = KafkaFeed(NOBODY, most=1)
    stop = asyncio.Event()

    async def read() -> None:
        async for _ in feed.read(["alerts.v1"], group="notify", stop=stop):
            raise AssertionError

    reading = asyncio.create_task(read())
    await asyncio.sleep(1.2)  # longer than the pause before the second membership
    assert timedelta(seconds=1) < feed.silence("notify") < timedelta(seconds=5)
    assert not feed.ready("notify")
    stop.set()
    async with asyncio.timeout(5):
        await reading


async def test_classify_says_how_far_it_is_behind_and_since_when_it_heard_nothing() -> None:
    unused: Any = None
    worker = FaustWorker(unused, NOBODY, dead_letters=unused, clock=unused)
    await asyncio.sleep(0.2)
    worker.note({}, member=False)
    assert worker.silence() >= timedelta(seconds=0.2)
    worker.note({("alerts.v1", n): Reach(committed=5, end=7 + n) for n in range(2)}, member=True)
    assert worker.lag() == 5
    assert worker.silence() < timedelta(seconds=0.2)
    await asyncio.sleep(0.2)
    worker.note({}, member=True)
    assert worker.lag() == 0
    assert worker.silence() < timedelta(seconds=0.2)


async def test_a_place_in_the_group_begins_with_the_first_dealing_out() -> None:
    app = build(NOBODY, group="classify", topics=["alerts.v1"], take=lambda _: asyncio.sleep(0))
    assert not is_member(app)
    app.on_rebalance_start()
    assert not is_member(app)
    app.on_rebalance_end()
    assert is_member(app)
