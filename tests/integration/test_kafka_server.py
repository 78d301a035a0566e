"""The broker of the tests: it starts, keeps its data over a kill, can be halted, and ends with its parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.demo.kafka_server import KafkaServer

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka")]


async def test_what_was_written_outlives_a_kill(own_kafka: KafkaServer) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.servers)
    await admin.start()
    await admin.create_topics([NewTopic("t", num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=own_kafka.servers, acks="all")
    await producer.start()
    await producer.send_and_wait("t", b"kept")
    await producer.stop()
    own_kafka.kill()
    own_kafka.start()
    consumer = AIOKafkaConsumer("t", bootstrap_servers=own_kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        assert (await consumer.getone()).value == b"kept"
    finally:
        await consumer.stop()


def test_a_halted_broker_can_be_ended(own_kafka: KafkaServer) -> None:
    own_kafka.pause()
    own_kafka.stop()
    own_kafka.start()


def test_a_broker_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    source = (
        "import os, pathlib, signal, sys\n"
        "from services.demo.kafka_server import KafkaServer\n"
        "server = KafkaServer(pathlib.Path(sys.argv[1]))\n"
        "server.start()\n"
        "print(server.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    pid = int(ran.stdout)
    deadline = time.monotonic() + 10
    while _runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z" and os.getpgid(pid) > 0
