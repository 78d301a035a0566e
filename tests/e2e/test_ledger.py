"""The ledger of a running relay: its balance, its copies, and a disk that is full (P1, P7, P8)."""

import asyncio
import json
import resource
from pathlib import Path

from tests.e2e.stage import Ended, Stage, alert, command, institution, staged, total, until

_EVERY_SECOND = {"RELAY_UPKEEP__EVERY": "PT1S"}


async def test_what_went_in_is_accounted_for_and_nobody_was_forgotten(tmp_path: Path) -> None:
    people = [institution("bo-1"), institution("bo-2", email=True)]
    async with staged(tmp_path, recipients=people, settings=_EVERY_SECOND) as stage:
        fine = [alert(number) for number in range(20)]
        unknown = alert(50, message_type="correction", version=3, references=_elsewhere())
        assert await stage.post_all([*fine, unknown]) == [202] * 21
        assert (await stage.post(fine[0])).status_code == 200
        assert (await stage.post({**fine[1], "title": "Something else"})).status_code in (409, 422)
        await stage.at_rest()
        await _audited(stage)
        page = await stage.metrics()
        states = {state: total(page, "relay_alerts", state=state) for state in ("classified", "held", "dead")}
        assert states == {"classified": 20, "held": 1, "dead": 0}
        assert total(page, "relay_alerts_accepted_total") == sum(states.values())
        assert total(page, "relay_alerts_unaccounted") == 0
        assert total(page, "relay_delivery_violations") == 0
        assert total(page, "relay_upkeep_violations") == 0
        assert total(page, "relay_audit_chain_broken") == 0
        assert total(page, "relay_dead_letters") == 0
        assert total(page, "relay_oldest_undelivered_age_seconds") == 0
        delivered = total(page, "relay_notifications_settled_total", state="delivered")
        assert delivered == len(stage.webhooks.taken()) + len(stage.mails.letters) == 60


async def test_a_copy_taken_while_alerts_come_in_is_one_moment_and_serves_again(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        await stage.post_all([alert(number) for number in range(30)])
        coming_in = asyncio.create_task(stage.post_all([alert(number) for number in range(100, 160)]))
        early = tmp_path / "early.sqlite3"
        assert (await _relay(stage, "backup", str(early))).status == 0
        assert set(await coming_in) == {202}
        await stage.at_rest()
        late = tmp_path / "late.sqlite3"
        assert (await _relay(stage, "backup", str(late))).status == 0
        lists = await _lists(stage)
        refused = await _relay(stage, "restore", str(early), "--force")
        assert refused.status == 2, "the relay is running"
        told = len(stage.webhooks.taken())

        assert await stage.relay.stop() == 0
        assert (await _relay(stage, "restore", str(early), "--force")).status == 0
        kept = {one["id"] for one in await _list(stage, "alerts")}
        assert {one["id"] for one in lists[0] if one["national_ref"] < "E2E-000030"} <= kept
        assert kept <= {one["id"] for one in lists[0]}

        assert (await _relay(stage, "restore", str(late), "--force")).status == 0
        assert await _lists(stage) == lists
        await stage.relay.start()
        await stage.at_rest()
        assert len(stage.webhooks.taken()) == told, "a restored relay repeats nothing"


async def test_a_full_disk_refuses_alerts_and_loses_none(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        assert set(await stage.post_all([alert(number) for number in range(10)])) == {202}
        _fill_disk(stage)
        statuses = [(await stage.post(alert(number))).status_code for number in range(100, 110)]
        assert 503 in statuses
        assert set(statuses) <= {202, 503}
        refused = await stage.post(alert(150))
        assert refused.status_code == 503
        assert refused.json()["status"] == 503
        assert int(refused.headers["retry-after"]) >= 1
        accepted = set(stage.accepted)

        await stage.relay.kill()
        await stage.relay.start()  # a new process has no limit
        assert set(await stage.post_all([alert(number) for number in range(100, 110)])) <= {200, 202}
        await stage.at_rest()
        told = [one.national_ref for one in stage.webhooks.taken()]
        assert accepted <= set(told)
        assert set(told) == set(stage.accepted)
        assert len({one.id for one in stage.webhooks.taken()}) == len(set(told))


async def test_a_relay_goes_on_by_itself_once_the_disk_has_room(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        assert (await stage.post(alert(1))).status_code == 202
        before = _fill_disk(stage)
        await until(lambda: _is_refused(stage, 2))
        resource.prlimit(stage.relay.pid, resource.RLIMIT_FSIZE, before)
        assert (await stage.post(alert(3))).status_code == 202
        await stage.at_rest()
        assert set(stage.accepted) == {one.national_ref for one in stage.webhooks.taken()}


async def _is_refused(stage: Stage, number: int) -> bool:
    return (await stage.post(alert(number))).status_code == 503


def _fill_disk(stage: Stage) -> tuple[int, int]:
    """Let no file of the relay grow any further, as on a full disk; return the limits before."""
    log = stage.relay.ledger.with_name(stage.relay.ledger.name + "-wal")
    before = resource.prlimit(stage.relay.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(stage.relay.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, before[1]))
    return before


async def _audited(stage: Stage) -> None:
    """Wait for a whole round of the auditor that began after now."""
    done = {"task": "audit_deliveries", "outcome": "done"}
    before = await stage.metric("relay_upkeep_rounds_total", **done)

    async def again() -> bool:
        return await stage.metric("relay_upkeep_rounds_total", **done) >= before + 2

    await until(again, every=0.25)


async def _lists(stage: Stage) -> list[list[dict[str, object]]]:
    return list(await asyncio.gather(_list(stage, "alerts"), _list(stage, "deliveries")))


async def _list(stage: Stage, what: str) -> list[dict[str, object]]:
    ended = await _relay(stage, what, "list", "--json", "--limit", "1000")
    assert ended.status == 0, ended.err
    rows: list[dict[str, object]] = json.loads(ended.out)
    return rows


async def _relay(stage: Stage, *arguments: str) -> Ended:
    return await command(stage.relay.environment, *arguments)


def _elsewhere() -> list[dict[str, object]]:
    return [{"ref": "E2E-NOWHERE", "relation": "corrects"}]
