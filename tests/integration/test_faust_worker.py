"""A worker of Faust on a real broker: whatever ends it, every record is handled, and none is committed before."""

import asyncio
import signal
import time
from pathlib import Path

import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition

from services.demo.kafka_server import KafkaServer
from services.runtime.fence import TEMPORARY_FAILURE
from services.runtime.stall import Limits
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_topics import Topic, create_topics
from tests.e2e.stage import until
from tests.worker_rig import PARTITIONS, Rig
from tests.worker_rig import rig as rig

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka")]


def names(count: int) -> list[str]:
    return [f"e-{number:03}" for number in range(count)]


async def test_records_are_handled_once_and_committed(rig: Rig) -> None:
    await rig.worker()
    await rig.send(*names(100))
    await until(lambda: len(rig.done()) == 100)
    assert sorted(rig.done()) == names(100)
    await until(lambda: _is(rig, 100))


async def test_sigterm_finishes_what_is_in_flight_and_repeats_nothing(rig: Rig) -> None:
    process = await rig.worker(SLOW="1.5")
    await rig.send("slow-1", payload="slow", partition=0)
    await until(lambda: "begun slow-1" in rig.lines())
    await rig.send(*names(20), partition=0)
    process.terminate()
    assert await process.wait() == 0
    await rig.worker()
    await until(lambda: set(rig.done()) == {"slow-1", *names(20)})
    await until(lambda: _is(rig, 21))
    assert rig.done().count("slow-1") == 1


async def test_sigterm_ends_a_worker_that_cannot_finish_what_is_in_flight(rig: Rig) -> None:
    process = await rig.worker(SLOW="1.5")
    await rig.send("kept-1", payload="unreachable", partition=0)
    await until(lambda: "begun kept-1" in rig.lines())
    process.terminate()
    assert await asyncio.wait_for(process.wait(), timeout=20) == TEMPORARY_FAILURE


async def test_kill_9_with_records_in_flight_loses_none(rig: Rig) -> None:
    process = await rig.worker(SLOW="60")
    await rig.send(*names(3), partition=0)
    await until(lambda: len(rig.done()) == 3)
    await until(lambda: _is(rig, 3))
    await rig.send("slow-1", payload="slow", partition=0)
    await rig.send("after-1", "after-2", partition=0)
    await until(lambda: {"after-1", "after-2"} <= set(rig.done()))
    await asyncio.sleep(1)  # three commits
    assert await rig.committed() == 3
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await rig.worker(SLOW="0")
    await until(lambda: "slow-1" in rig.done())
    await until(lambda: _is(rig, 6))


async def test_two_workers_that_are_killed_and_stopped_by_turns_lose_nothing(rig: Rig) -> None:
    workers = [await rig.worker(), await rig.worker()]
    sent: list[str] = []

    async def send() -> None:
        for number in range(600):
            sent.append(f"e-{number:03}")
            await rig.send(sent[-1])
            await asyncio.sleep(0.01)

    sending = asyncio.create_task(send())
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        await asyncio.sleep(1.2)
        ended = workers.pop(0)
        ended.send_signal(number)
        await ended.wait()
        workers.append(await rig.worker())
    await sending
    await until(lambda: set(rig.done()) == set(sent), within=60)
    await until(lambda: _is(rig, 600), within=60)


async def test_a_worker_that_stood_still_past_half_its_session_ends(rig: Rig) -> None:
    process = await rig.worker()
    process.send_signal(signal.SIGSTOP)
    await rig.send("e-1")
    await asyncio.sleep(6)  # the session is 10 s
    process.send_signal(signal.SIGCONT)
    async with asyncio.timeout(5):
        assert await process.wait() == TEMPORARY_FAILURE
    assert rig.done() == []


async def test_a_poison_record_is_a_dead_letter_and_the_others_go_on(rig: Rig) -> None:
    await rig.worker()
    await rig.send("e-1", payload="poison", partition=0)
    await rig.producer.send_and_wait(rig.topic, value=b"\xff", partition=0)
    await rig.producer.send_and_wait(rig.topic, value=None, key=b"k", partition=0)
    await rig.send("e-2", partition=0)
    await until(lambda: _is(rig, 4))
    assert rig.done() == ["e-2"]
    dead = [line.split()[-1] for line in rig.lines() if line.startswith("dead ")]
    assert sorted(dead) == ["not_an_event", "poison", "tombstone"]


async def test_a_dead_letter_that_cannot_be_kept_ends_the_process_uncommitted(rig: Rig) -> None:
    process = await rig.worker()
    await rig.send("unkept-1", payload="poison", partition=0)
    await rig.send("e-1", partition=0)
    async with asyncio.timeout(10):
        assert await process.wait() not in (0, TEMPORARY_FAILURE)
    assert await rig.committed() == 0


async def test_a_record_that_is_passed_over_ends_the_process_and_comes_again(rig: Rig) -> None:
    process = await rig.worker(SWALLOWS="1")
    await rig.send("e-1", partition=0)
    await rig.send("e-2", payload="swallowed", partition=0)
    await rig.send("e-3", partition=0)
    began = time.monotonic()
    async with asyncio.timeout(
        Limits().stall.total_seconds()
    ):  # a later one is done with: it need not wait so long
        assert await process.wait() == TEMPORARY_FAILURE
    assert time.monotonic() - began > Limits().passed_over.total_seconds()
    assert await rig.committed() == 1
    await rig.worker()
    await until(lambda: _is(rig, 3))


async def test_a_log_that_was_cut_is_read_from_its_beginning(rig: Rig) -> None:
    await rig.send(*names(5), partition=0)
    await rig.admin.delete_records({TopicPartition(rig.topic, 0): RecordsToDelete(before_offset=3)})
    await rig.worker()
    await rig.send("e-5", partition=0)
    await until(lambda: _is(rig, 6))
    assert sorted(rig.done()) == ["e-003", "e-004", "e-5"]


async def test_a_worker_waits_for_its_topic_and_is_not_ready(rig: Rig) -> None:
    rig.topic = f"{rig.topic}-missing"
    process = await rig.worker(ready=False)
    await until(lambda: "topics that do not exist" in rig.log.read_text(encoding="utf-8"))
    assert rig.lines() == [f"not ready {process.pid}"]
    await rig.make(partitions=1)
    await rig.send("e-1")
    await until(lambda: rig.is_ready(process))
    await until(lambda: rig.done() == ["e-1"])


async def test_a_worker_beyond_the_number_of_partitions_is_ready(rig: Rig) -> None:
    rig.topic = f"{rig.topic}-one"
    await rig.make(partitions=1)
    workers = [await rig.worker(), await rig.worker()]
    await until(
        lambda: all(map(rig.is_ready, workers))
    )  # in a rebalance Faust passes over what it fetched before
    await rig.send(*names(20))
    await until(lambda: set(rig.done()) == set(names(20)))
    assert all(map(rig.is_ready, workers))
    # one of the two holds the partition: the other had a place without any
    for worker in workers:
        worker.terminate()
    assert [await worker.wait() for worker in workers] == [0, 0]


async def test_a_worker_whose_rebalance_never_ends_is_not_ready_and_ends(rig: Rig) -> None:
    process = await rig.worker(ready=False, STUCK="1", UNPLACED="2")
    async with asyncio.timeout(30):
        assert await process.wait() == TEMPORARY_FAILURE
    assert rig.lines() == [f"not ready {process.pid}"]
    assert "no place in the group" in rig.log.read_text(encoding="utf-8")


async def test_a_broker_that_cannot_be_reached_at_the_start_is_waited_for(
    own_kafka: KafkaServer, tmp_path: Path
) -> None:
    rig = Rig(own_kafka, tmp_path)
    await asyncio.to_thread(own_kafka.stop)
    process = await rig.worker(ready=False)
    try:
        await until(lambda: "do not answer" in rig.log.read_text(encoding="utf-8"))
        await asyncio.to_thread(own_kafka.start)
        connection = KafkaConnection(servers=own_kafka.servers)
        await create_topics(
            connection, [Topic(name=rig.topic, partitions=PARTITIONS, replication=1, config={})]
        )
        await until(lambda: rig.is_ready(process))
    finally:
        process.kill()
        await process.wait()


async def _is(rig: Rig, count: int) -> bool:
    return await rig.committed() == count
