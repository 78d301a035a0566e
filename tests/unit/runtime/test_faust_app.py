"""What is relied on of Faust's inner parts: each test fails where another release does otherwise."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from faust.transport.consumer import Consumer as ShippedConsumer
from faust.types import TP, Message
from hypothesis import given
from hypothesis import strategies as st
from mode.supervisors import CrashingSupervisor

from services.errors import Misconfigured
from services.runtime import faust_app
from services.runtime.faust_app import App, Event, assigned, build, next_offset
from services.storage.kafka_connection import KafkaConnection

TOPIC = "alerts.v1"
ONE = TP(TOPIC, 0)
CONNECTION = KafkaConnection(servers="127.0.0.1:1, 127.0.0.1:2", client_id="test")


class Taken:
    """Events that were given to the stage, which acknowledges none by itself."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fault: Exception | None = None

    async def take(self, event: Event) -> None:
        if self.fault is not None:
            raise self.fault
        self.events.append(event)


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
async def app(taken: Taken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    monkeypatch.chdir(tmp_path)
    yield build(CONNECTION, group="classify", topics=[TOPIC], take=taken.take)
    assert list(tmp_path.iterdir()) == []


def message(offset: int) -> Any:
    return Message(TOPIC, 0, offset, 0.0, 0, [], b"k", b"v", None, tp=ONE)


def acknowledged(app: App, *offsets: int) -> Any:
    """Return the app's consumer after these offsets were acknowledged by hand, in this order."""
    consumer = app.consumer
    app.topics._acking_topics.add(TOPIC)
    for offset in offsets:
        one = message(offset)
        consumer.track_message(one)
        assert consumer.ack(one)
    return consumer


def committable(consumer: Any) -> dict[Any, int]:
    """Return what Faust's own path to a commit would commit now."""
    found: dict[Any, int] = consumer._filter_committable_offsets([ONE])
    return found


async def test_only_what_is_contiguous_is_committed(app: App) -> None:
    consumer = acknowledged(app, 0, 1, 3, 4)
    assert committable(consumer) == {ONE: 2}
    consumer._committed_offset[ONE] = 2
    assert committable(consumer) == {}
    consumer = acknowledged(app, 2)
    assert committable(consumer) == {ONE: 5}


@pytest.mark.parametrize("committed", [None, 7])
async def test_the_first_in_line_holds_back_all_others(app: App, committed: int | None) -> None:
    first = committed or 0
    app.consumer._committed_offset[ONE] = committed
    consumer = acknowledged(app, first + 1, first + 2)
    assert committable(consumer) == {}
    shipped = ShippedConsumer._new_offset(consumer, ONE)
    assert shipped == first + 3, "as shipped, Faust commits past a record that nobody acknowledged"


async def test_what_faust_takes_for_a_gap_is_not_believed(app: App) -> None:
    consumer = acknowledged(app, 0, 3)
    await consumer._add_gap(ONE, 1, 2)
    assert committable(consumer) == {ONE: 1}
    consumer._acked[ONE] = [0, 3]
    await consumer._add_gap(ONE, 1, 2)
    assert ShippedConsumer._new_offset(consumer, ONE) == 4, "as shipped, Faust commits past its gaps"


async def test_a_log_that_retention_has_cut_begins_where_it_begins(app: App) -> None:
    consumer = acknowledged(app, 100, 101)
    assert committable(consumer) == {}
    consumer._log_starts[ONE] = 100
    assert committable(consumer) == {ONE: 102}


async def test_what_was_committed_is_forgotten(app: App) -> None:
    consumer = acknowledged(app, *range(100))
    await consumer._add_gap(ONE, 20, 30)
    assert committable(consumer) == {ONE: 100}
    assert consumer._acked[ONE] == []
    assert consumer._acked_index[ONE] == set()
    assert not consumer._gap[ONE]


@given(st.sets(st.integers(min_value=0, max_value=50)), st.integers(min_value=0, max_value=50))
def test_the_next_offset_is_the_first_that_is_missing(done: set[int], start: int) -> None:
    offset = next_offset(list(done), start=start)
    assert offset >= start
    assert offset not in done
    assert done.issuperset(range(start, offset))


async def test_no_event_is_acknowledged_but_by_hand(app: App, taken: Taken) -> None:
    agent = app.agents["classify"]
    async with agent.test_context() as stage:
        await stage.put(b"one")
        await stage.put(b"two")
        one, two = taken.events
        assert one.message.value == b"one"
        assert [event.message.acked for event in (one, two)] == [False, False]
        two.ack()
        assert [event.message.acked for event in (one, two)] == [False, True]


async def test_a_payload_that_is_no_json_reaches_the_stage_as_it_is(app: App, taken: Taken) -> None:
    async with app.agents["classify"].test_context() as stage:
        await stage.put(b"\xff{")
        assert taken.events[0].message.value == b"\xff{"


async def test_a_fault_of_the_stage_crashes_the_agent(app: App, taken: Taken) -> None:
    taken.fault = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        async with app.agents["classify"].test_context() as stage:
            await stage.put(b"one")


async def test_a_service_that_crashes_takes_the_app_with_it(app: App) -> None:
    supervisor = CrashingSupervisor(beacon=app.beacon)
    consumer = app.consumer
    supervisor.add(consumer)
    await consumer.crash(ValueError("broken"))
    assert app.crashed
    assert isinstance(app.crash_reason, ValueError)
    async with asyncio.timeout(5):
        await app.wait_until_stopped()


async def test_the_app_is_set_as_the_measurements_ask(app: App) -> None:
    conf = app.conf
    assert [str(url) for url in conf.broker] == ["kafka://127.0.0.1:1", "kafka://127.0.0.1:2"]
    assert conf.id == "classify"  # the group: without a version of Faust's own behind it
    assert conf.agent_supervisor is CrashingSupervisor
    assert conf.stream_wait_empty
    assert conf.stream_buffer_maxsize == conf.broker_max_poll_records == 64  # of 4 MB each, at most
    assert conf.broker_commit_interval == 0.3
    assert conf.broker_session_timeout == faust_app.SESSION == 10.0
    assert conf.broker_request_timeout >= conf.broker_session_timeout
    assert conf.consumer_auto_offset_reset == "earliest"
    assert conf.topic_disable_leader
    assert not conf.topic_allow_declare
    assert not conf.web_enabled
    assert conf.processing_guarantee.value == "at_least_once"
    assert not app.tables
    assert app.agents["classify"].concurrency == 1


async def test_the_consumer_is_the_strict_one_and_its_thread_ends_with_the_process(app: App) -> None:
    consumer = app.consumer
    assert isinstance(consumer, faust_app.StrictConsumer)
    assert "_new_offset" in vars(faust_app.StrictConsumer)
    assert "self._new_offset(" in inspect.getsource(ShippedConsumer._filter_committable_offsets)
    thread = consumer._thread
    assert thread.Worker(thread).daemon


async def test_nothing_is_assigned_before_the_start(app: App) -> None:
    assert assigned(app) == frozenset()
    app.rebalancing = True
    assert assigned(app) == frozenset()


async def test_another_release_of_faust_is_refused(monkeypatch: pytest.MonkeyPatch, taken: Taken) -> None:
    monkeypatch.setattr(faust_app, "RELEASE", "0.15.2")
    with pytest.raises(Misconfigured, match="faust-streaming"):
        build(CONNECTION, group="classify", topics=[TOPIC], take=taken.take)


async def test_faust_without_its_c_extension_is_refused(
    monkeypatch: pytest.MonkeyPatch, taken: Taken
) -> None:
    monkeypatch.setattr("faust.streams._CStreamIterator", None)
    with pytest.raises(Misconfigured, match="C extension"):
        build(CONNECTION, group="classify", topics=[TOPIC], take=taken.take)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_login_reaches_the_client_under_faust(taken: Taken, mechanism: Any) -> None:
    connection = KafkaConnection(
        servers="127.0.0.1:1", protocol="SASL_SSL", mechanism=mechanism, username="relay", password="secret"
    )
    app = build(connection, group="classify", topics=[TOPIC], take=taken.take)
    client = app.consumer._thread._create_worker_consumer(app.transport)
    assert client._client._security_protocol == "SASL_SSL"
    assert client._client._sasl_mechanism == mechanism
    assert client._client._sasl_plain_username == "relay"
    assert client._client._ssl_context is not None
