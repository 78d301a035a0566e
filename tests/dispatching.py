"""A dispatcher over a ledger of the tests, whose letters are the ids of their notifications."""

from datetime import timedelta
from typing import Protocol

from prometheus_client import CollectorRegistry

from services.notify.channels.sending import Addressing, Channels, Mail, Renderers, Secrets, Sender, Webhooks
from services.notify.dispatch import Dispatcher
from services.notify.instruments import Instruments
from services.notify.links import LinkKeys
from tests.deliveries_rig import Rig

ADDRESSING = Addressing(base_url="https://relay.example.org", keys=LinkKeys(keys={1: b"k" * 32}, current=1))
_DRAIN = timedelta(milliseconds=50)


class Receivers(Webhooks, Secrets, Protocol):
    """Webhooks, and the secrets for them."""


def make_sender(rig: Rig, receivers: Receivers, *, mail: Mail | None = None) -> Sender:
    """Return a sender over two channels."""
    return Sender(
        rig.deliveries,
        receivers,
        Channels(webhook=receivers, email=mail),
        Renderers(
            webhook=lambda letter: letter.notification_id.encode(),
            email=None if mail is None else lambda letter, *_: letter.notification_id.encode(),
        ),
        addressing=ADDRESSING,
    )


def make_dispatcher(rig: Rig, sender: Sender, *, most: int = 256, drain: timedelta = _DRAIN) -> Dispatcher:
    """Return a dispatcher that looks often, and by the clock of the rig."""
    return Dispatcher(
        rig.deliveries,
        sender,
        instruments=Instruments(CollectorRegistry()),
        clock=lambda: rig.now,
        draw=lambda: 0.5,
        most=most,
        drain=drain,
        poll=timedelta(milliseconds=20),
    )
