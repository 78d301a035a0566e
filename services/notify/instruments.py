"""What the notifier counts: on a registry that is passed in, labels from enums, each value there from the start."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from schemas.vocabularies import Severity
from services.storage.records import ChannelKind

_FAST: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    120,
    300,
    600,
    1800,
    3600,
    86400,
)
_SEVERITIES: Final = tuple(Severity)
_PUSHED: Final = (ChannelKind.EMAIL, ChannelKind.WEBHOOK)


class Instruments:
    """Counters of the notifier."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.routed = Counter(
            "relay_notify_routed", "Versions whose recipients were decided", registry=registry
        )
        self.planned = Counter(
            "relay_notify_planned", "Notifications that routing wrote, withheld ones too", registry=registry
        )
        self.delay = Histogram(
            "relay_notify_delivery_seconds",
            "From the decision to tell a recipient to the channel taking it",
            ("channel", "urgency"),
            buckets=_FAST,
            registry=registry,
        )
        self.in_flight = Gauge(
            "relay_notify_in_flight", "Notifications that are being tried now", registry=registry
        )
        self.reminders = Counter(
            "relay_notify_reminders", "Reminders and deputies called in", registry=registry
        )
        self.fallbacks = Counter(
            "relay_notify_fallbacks", "Emails sent because a webhook stayed silent", registry=registry
        )
        for channel in _PUSHED:
            for urgency in Severity:
                self.delay.labels(channel.value, urgency.value)

    def observe_delay(self, channel: str, urgency: int, seconds: float) -> None:
        """Count how long one notification took from the decision to the channel."""
        self.delay.labels(channel, _SEVERITIES[urgency].value).observe(seconds)
