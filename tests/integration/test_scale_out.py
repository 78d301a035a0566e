"""The scale-out relay: each service a process of its own, on a real broker and a real database."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest

from services.demo.cluster import Cluster
from tests.e2e.stage import Stage, alert, institution, staged, until

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka"), pytest.mark.needs("postgresql")]

PEOPLE = [institution("bo-1"), institution("bo-2")]
LONG = 120.0  # seconds: sessions and claims of the dead have to end


def told(stage: Stage, recipient: str) -> set[str]:
    return {one.national_ref for one in stage.webhooks.taken(recipient)}


async def everywhere(stage: Stage, names: set[str]) -> None:
    await until(lambda: all(told(stage, one["id"]) == names for one in PEOPLE), within=LONG)


def ids_are_unique(stage: Stage) -> bool:
    ids = [(one.recipient, one.id) for one in stage.webhooks.taken()]
    return len(ids) == len(set(ids))


async def test_alerts_are_accepted_while_the_broker_is_away_and_told_when_it_is_back(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=PEOPLE, build=partial(Cluster, supervised=True)) as stage:
        assert await stage.post_all([alert(number) for number in range(3)]) == [202] * 3
        await everywhere(stage, {f"E2E-{number:06}" for number in range(3)})
        await asyncio.to_thread(stage.relay.kafka.kill)
        began = time.monotonic()
        for number in range(3, 23):
            assert (await stage.post(alert(number))).status_code == 202
            await asyncio.sleep(0.25)
        assert time.monotonic() - began < 15
        await stage.relay.processes["ingest", 0].kill()  # what waits in its memory is the sweeper's now
        await asyncio.to_thread(stage.relay.kafka.start)
        await everywhere(stage, {f"E2E-{number:06}" for number in range(23)})
        await until(stage._is_at_rest, every=0.25, within=LONG)
        assert ids_are_unique(stage)


async def test_two_of_each_share_the_work_and_none_of_it_is_lost_or_doubled_when_they_are_killed(
    tmp_path: Path,
) -> None:
    counts = {"classify": 2, "notify": 2}
    build = partial(Cluster, counts=counts, supervised=True)
    async with staged(tmp_path, recipients=PEOPLE, build=build) as stage:
        posting = asyncio.create_task(_post(stage, 150))
        for place in (("classify", 0), ("notify", 0), ("upkeep", 0), ("notify", 1)):
            await asyncio.sleep(1.5)
            await stage.relay.processes[place].kill()
        assert await posting == {202}
        await everywhere(stage, {f"E2E-{number:06}" for number in range(150)})
        await until(stage._is_at_rest, every=0.25, within=LONG)
        assert await stage.metric("relay_alerts", state="classified") == 150
        told_by = {(one.recipient, one.national_ref, one.id) for one in stage.webhooks.taken()}
        assert len(told_by) == 150 * len(PEOPLE)  # again under the same id is allowed, another id is not


async def test_a_correction_never_overtakes_its_original_over_partitions_and_restarts(tmp_path: Path) -> None:
    counts = {"classify": 2, "notify": 2}
    build = partial(Cluster, counts=counts, supervised=True)
    async with staged(tmp_path, recipients=PEOPLE, build=build) as stage:
        events = 15
        first = [alert(number) for number in range(events)]
        posting = asyncio.create_task(_in_order(stage, [*first, *map(_corrected, first)]))
        await asyncio.sleep(1)
        await stage.relay.processes["classify", 1].kill()
        await stage.relay.processes["notify", 0].kill()
        assert set(await posting) == {202}
        await until(lambda: all(_last_version(stage, one["id"], events) for one in PEOPLE), within=LONG)
        await until(stage._is_at_rest, every=0.25, within=LONG)
        for person in PEOPLE:
            seen: dict[str, list[int]] = {}
            for one in stage.webhooks.taken(person["id"]):
                versions = seen.setdefault(one.national_ref, [])
                if one.data["alert"]["version"] not in versions:
                    versions.append(one.data["alert"]["version"])
            assert all(versions == sorted(versions) for versions in seen.values()), seen


async def test_every_process_says_whether_it_is_ready_and_ends_in_good_order(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=PEOPLE, build=Cluster) as stage:
        assert (await stage.post(alert(1))).status_code == 202
        await everywhere(stage, {"E2E-000001"})
        for port in stage.relay.ports.values():
            page = (await stage.client.get(f"http://127.0.0.1:{port}/readyz")).json()
            assert page == {"status": "ready", "checks": {"ledger": True, "topics": True}}
            assert (await stage.client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
            assert (
                "relay_publisher_published_total"
                in (await stage.client.get(f"http://127.0.0.1:{port}/metrics")).text
            )
        assert await stage.relay.stop() == 0
        written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.log")}
        assert len(written) == 5
        assert not any("Traceback" in text for text in written.values()), written


async def _post(stage: Stage, count: int) -> set[int]:
    statuses = set()
    for number in range(count):
        statuses.add((await stage.post(alert(number))).status_code)
        await asyncio.sleep(0.03)
    return statuses


async def _in_order(stage: Stage, alerts: list[dict]) -> list[int]:
    return [(await stage.post(one)).status_code for one in alerts]


def _corrected(first: dict) -> dict:
    """Return the correction of an alert."""
    return first | {"message_type": "correction", "version": 2, "summary": "Corrected (exercise)."}


def _last_version(stage: Stage, recipient: str, events: int) -> bool:
    newest = {
        one.national_ref for one in stage.webhooks.taken(recipient) if one.data["alert"]["version"] == 2
    }
    return len(newest) == events
