"""What was answered with 202 survives whatever ends the process (P1), and is told once (P2)."""

import asyncio
import time
from pathlib import Path

from benchmarks import kill
from tests.e2e.stage import alert, institution, staged, until


async def test_kill_9_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    account = await kill.run(rounds=3, seed=20261121, folder=tmp_path, per_second=30)
    assert len(account.accepted) > 60
    assert account.lost == set()
    assert account.doubled == 0
    assert account.classified == len(account.accepted), account.closing_line()


async def test_sigterm_drains_and_a_restart_delivers_the_rest(tmp_path: Path) -> None:
    people = [institution("bo-1"), institution("bo-2")]
    drain = {"RELAY_DRAIN": "PT2S"}
    async with staged(tmp_path, recipients=people, settings=drain) as stage:
        stage.webhooks.hanging.add("bo-2")
        names = [f"E2E-{number:06}" for number in range(60)]
        assert set(await stage.post_all([alert(number) for number in range(60)])) == {202}
        began = time.monotonic()
        assert await stage.relay.stop() == 0
        assert time.monotonic() - began < 2 + 3  # the drain, and what ending takes on a busy machine
        stage.webhooks.hanging.clear()
        await stage.relay.start()
        await until(lambda: len({one.national_ref for one in stage.webhooks.taken("bo-2")}) == len(names))
        await stage.at_rest()
        for recipient in ("bo-1", "bo-2"):
            assert sorted(one.national_ref for one in stage.webhooks.taken(recipient)) == names
        assert await stage.relay.stop() == 0


async def test_an_alert_posted_while_the_relay_stops_is_accepted_or_refused_never_lost(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        posting = asyncio.gather(
            *(stage.post(alert(number)) for number in range(150)), return_exceptions=True
        )
        await until(lambda: len(stage.accepted) > 20)
        assert await stage.relay.stop() == 0
        await posting
        accepted = set(stage.accepted)
        await stage.relay.start()
        await until(lambda: accepted <= {one.national_ref for one in stage.webhooks.taken()})
        await stage.at_rest()
        ids = [one.id for one in stage.webhooks.taken()]
        assert len(ids) == len(set(ids))
