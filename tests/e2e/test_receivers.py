"""Receivers that fail: copies told once (P2), a hanging one delays nobody (P5), an outage is cheap (P9)."""

import random
import time
from collections import Counter
from pathlib import Path

from schemas.vocabularies import Severity
from tests.e2e.stage import Taken, alert, institution, staged, until

_OUTAGE = 6.0  # seconds
_WAITING = 200  # alerts
_IN_FLIGHT = 12  # attempts at a time to one endpoint: what may overtake
_MOST_PROBES = 8


async def test_copies_and_refusals_lose_nothing_and_tell_nothing_twice(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        stage.webhooks.refuse, stage.webhooks.dice = 0.18, random.Random(7)
        copies = [alert(number) for number in range(60) for _ in range(5)]
        statuses = await stage.post_all(copies)
        assert sorted(statuses) == [200] * 240 + [202] * 60
        await until(lambda: len({one.national_ref for one in stage.webhooks.taken()}) == 60)
        await stage.at_rest()
        assert await stage.relay.stop() == 0  # nothing more can come now
        taken = stage.webhooks.taken()
        assert len(taken) == 60
        assert len({one.id for one in taken}) == 60
        assert len(stage.webhooks.all) > 60, "some were refused at first"


async def test_hanging_receivers_delay_nobody_else(tmp_path: Path) -> None:
    people = [institution(f"bo-{number}") for number in range(1, 9)]
    hanging = {"bo-2", "bo-4", "bo-5", "bo-6", "bo-7", "bo-8"}
    async with staged(tmp_path, recipients=people) as stage:
        stage.webhooks.hanging |= hanging
        began = time.monotonic()
        assert set(await stage.post_all([alert(number) for number in range(100)])) == {202}
        await until(lambda: len(stage.webhooks.taken("bo-1")) == len(stage.webhooks.taken("bo-3")) == 100)
        first_given_up = began + 15  # RELAY_NOTIFY__WEBHOOK_TIMEOUT
        assert max(one.at for one in stage.webhooks.taken()) < first_given_up
        open_ones = Counter(one.recipient for one in stage.webhooks.all if one.recipient in hanging)
        assert set(open_ones) == hanging
        assert max(open_ones.values()) <= _IN_FLIGHT
        stage.webhooks.hanging.clear()


async def test_an_outage_costs_few_probes_and_its_queue_drains_most_urgent_first(tmp_path: Path) -> None:
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        stage.webhooks.down_until = time.monotonic() + _OUTAGE
        assert set(await stage.post_all([alert(number) for number in range(_WAITING)])) == {202}
        await until(lambda: len(stage.webhooks.taken()) == _WAITING)
        await stage.at_rest()
        refused = [one for one in stage.webhooks.all if one.status == 503]
        assert 3 <= len(refused) <= _IN_FLIGHT + _MOST_PROBES
        taken = stage.webhooks.taken()
        assert taken[-1].at - taken[0].at < 3
        urgencies = [_urgency(one) for one in taken]
        assert len(set(urgencies)) > 1, "alerts of one urgency show no order"
        for place, urgency in enumerate(
            urgencies[1:], start=1
        ):  # the probe itself was the most urgent of its time
            later = [other for other in urgencies[place + _IN_FLIGHT :] if other < urgency]
            assert later == [], f"at {place}: {len(later)} more urgent ones came later"


async def test_a_receiver_that_is_down_keeps_its_queue_apart(tmp_path: Path) -> None:
    people = [institution("bo-1"), institution("bo-2", email=True)]
    async with staged(tmp_path, recipients=people) as stage:
        stage.webhooks.down.add("bo-2")
        assert set(await stage.post_all([alert(number) for number in range(20)])) == {202}
        await until(lambda: len(stage.webhooks.taken("bo-1")) == 20 and len(stage.mails.to("bo-2")) == 20)
        assert await stage.metric("relay_unhealthy_endpoints", state="failing") == 1
        assert await stage.metric("relay_notifications", state="pending") > 0
        stage.webhooks.down.clear()
        await until(lambda: len(stage.webhooks.taken("bo-2")) == 20)
        await stage.at_rest()


def _urgency(one: Taken) -> int:
    """Return how urgent it is, 0 the most."""
    return list(Severity).index(one.data["classification"]["severity"]["level"])
