"""A worker of aiokafka on a real broker: it reads in good order, and ends where its client stands still."""

import asyncio

import pytest

from services.runtime.fence import TEMPORARY_FAILURE
from tests.e2e.stage import until
from tests.worker_rig import Rig
from tests.worker_rig import rig as rig

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka")]


async def test_a_worker_reads_commits_and_stops_in_good_order(rig: Rig) -> None:
    names = {f"e-{number}" for number in range(50)}
    process = await rig.worker(WORKER="feed")
    await rig.send(*names)
    await until(lambda: set(rig.done()) == names)
    process.terminate()
    assert await process.wait() == 0
    assert await rig.committed() == 50


async def test_a_worker_whose_client_brings_nothing_ends(rig: Rig) -> None:
    await rig.send("e-1")
    process = await rig.worker(WORKER="feed", DEAF="1", STALL="2")
    async with asyncio.timeout(30):
        assert await process.wait() == TEMPORARY_FAILURE
    assert "reading stands still" in rig.log.read_text(encoding="utf-8")
    assert await rig.committed() == 0


async def test_a_worker_whose_rebalance_never_ends_is_not_ready_and_ends(rig: Rig) -> None:
    process = await rig.worker(ready=False, WORKER="feed", STUCK="1", UNPLACED="2")
    async with asyncio.timeout(30):
        assert await process.wait() == TEMPORARY_FAILURE
    assert rig.lines() == [f"not ready {process.pid}"]
    assert "no place in the group" in rig.log.read_text(encoding="utf-8")
