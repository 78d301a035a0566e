"""What the sender keeps in memory never tells of what was closed since (P3), and stays bounded."""

from typing import Any

from schemas.classifications import Correlation, RelatedAlert
from schemas.vocabularies import CorrelationLevel
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


class Sending:
    """A sender that keeps the letters it wrote."""

    def __init__(self, rig: Rig) -> None:
        self.letters: list[Letter] = []
        self._rig = rig
        self.sender = Sender(
            rig.deliveries,
            Took(),
            Channels(webhook=Took(), email=None),
            Renderers(webhook=self._write, email=None),
            addressing=Addressing(
                base_url="https://relay.example.org", keys=LinkKeys(keys={1: b"k" * 32}, current=1)
            ),
        )

    def _write(self, letter: Letter) -> bytes:
        self.letters.append(letter)
        return b"{}"

    async def send_due(self) -> Letter:
        """Send the only notification that is due, and return its letter."""
        (claim,) = await self._rig.deliveries.claim(now=self._rig.now, limit=10)
        await self.sender.send(claim, await self._rig.deliveries.directory(), now=self._rig.now)
        return self.letters[-1]


def _about(message_id: str) -> Correlation:
    related = RelatedAlert(
        id=message_id,
        relay_id="SATA-UY-2026-000001",
        level=CorrelationLevel.SAME_THREAT,
        reason="same_substance",
    )
    return Correlation(level=CorrelationLevel.SAME_THREAT, related=(related,))


async def test_an_alert_that_was_closed_since_is_not_named_from_memory(rig: Rig) -> None:
    await rig.direct(make_recipient(channels=(webhook(),)))
    other = await rig.issue(make_alert(national_ref="other"), thread="other")
    sending = Sending(rig)
    await sending.send_due()  # its content is kept from here on
    await rig.issue(make_alert(national_ref="a"), thread="a", correlation=_about(other))
    named = (await sending.send_due()).correlation
    assert named is not None
    assert [one.id for one in named.related] == [other]
    # Another process classifies and routes this one; here nobody hears of it.
    await rig.classify(make_alert(national_ref="other", message_type="update", tlp="TLP:RED"), thread="other")
    await rig.issue(make_alert(national_ref="b"), thread="b", correlation=_about(other))
    closed = (await sending.send_due()).correlation
    assert closed is not None
    assert [one.id for one in closed.related] == []
