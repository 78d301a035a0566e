"""What the sender reads for a correction: the version that it replaces, for who was sent none."""

from typing import Any

import pytest

from services.notify.body.changed import told_changes
from services.notify.channels.sending import Addressing, Channels, Renderers, Sender
from services.notify.letters import Letter
from services.notify.links import LinkKeys
from services.storage.delivery_records import Delivered, Outcome
from tests.builders import make_alert
from tests.deliveries_rig import Rig, make_recipient, webhook


class Took:
    """A webhook channel and the secrets for it; takes everything."""

    async def send(self, url: str, body: bytes, **_: Any) -> Outcome:
        return Delivered(status_code=200)

    async def valid(self, institution_id: str, *, now: Any) -> list[bytes]:
        return [b"s" * 32]


def _harmed(deaths: int, **fields: Any) -> Any:
    return make_alert(harms=[{"deaths": deaths, "attribution": "suspected"}], **fields)


async def _letter(rig: Rig) -> Letter:
    letters: list[Letter] = []

    def write(letter: Letter) -> bytes:
        letters.append(letter)
        return b"{}"

    channel = Took()
    sender = Sender(
        rig.deliveries,
        channel,
        Channels(webhook=channel, email=None),
        Renderers(webhook=write, email=None),
        addressing=Addressing(
            base_url="https://relay.example.org", keys=LinkKeys(keys={1: b"k" * 32}, current=1)
        ),
    )
    (claim,) = await rig.deliveries.claim(now=rig.now, limit=10)
    await sender.send(claim, await rig.deliveries.directory(), now=rig.now)
    return letters[0]


@pytest.mark.parametrize(
    ("audiences", "told"),
    [
        (["law_enforcement"], [(None, 0)]),  # the first was not for this reader: only what is right now
        (["health"], [(1, 0)]),  # this one was sent it
    ],
)
async def test_a_correction_tells_what_was_wrong_only_to_who_was_sent_it(
    rig: Rig, audiences: list[str], told: list[tuple[int | None, int]]
) -> None:
    await rig.direct(make_recipient(channels=(webhook(),)))
    await rig.issue(_harmed(1, releasable_to=audiences))
    if await rig.rows():
        await _letter(rig)
        rig.pass_time(minutes=10)
        await rig.deliveries.expire(now=rig.now)  # nobody settled it: it may have been received
    await rig.issue(_harmed(0, message_type="correction"))
    rig.pass_time(minutes=10)
    letter = await _letter(rig)
    assert letter.message_type == "correction"
    assert [(one.before, one.after) for one in told_changes(letter)] == told
