"""What the transport of the scale-out runtime counts, on a registry passed in."""

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

GROUPS = ("classify", "metrics", "notify")  # of consumers


class Path(StrEnum):
    """How a record of the outbox came to its topic."""

    DIRECT = "direct"  # from the process that committed it
    SWEPT = "swept"


class Instruments:
    """Counters and gauges of the publisher, the sweeper and the feeds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every metric and create the series that are known at zero."""
        self._published = Counter(
            "relay_publisher_published_total", "records put on their topics", ("path",), registry=registry
        )
        self.failures = Counter(
            "relay_publisher_failures_total",
            "calls after which records were not on their topics; they are tried again",
            registry=registry,
        )
        self.refused = Counter(
            "relay_publisher_refused_total", "records that the brokers refuse to take", registry=registry
        )
        self.left = Counter(
            "relay_publisher_left_total",
            "records left to the sweeper, because as many as may wait were waiting",
            registry=registry,
        )
        self.waiting = Gauge(
            "relay_publisher_waiting", "records that wait in this process to be published", registry=registry
        )
        self.oldest = Gauge(
            "relay_publisher_unpublished_age_seconds",
            "age of the oldest record that is not on its topic, as the sweeper saw it; 0 where there is none",
            registry=registry,
        )
        self._lag = Gauge(
            "relay_feed_lag",
            "records of its partitions that this process has still to acknowledge",
            ("group",),
            registry=registry,
        )
        self._silence = Gauge(
            "relay_feed_silence_seconds",
            "time since the brokers last answered a fetch of this process",
            ("group",),
            registry=registry,
        )
        for path in Path:
            self._published.labels(path)
        for group in GROUPS:
            self.watch(group, lag=lambda: 0.0, silence=lambda: 0.0)

    def published(self, path: Path, count: int) -> None:
        """Count records that are on their topics."""
        self._published.labels(path).inc(count)

    def watch(self, group: str, *, lag: Callable[[], float], silence: Callable[[], float]) -> None:
        """Ask a feed whenever the metrics are read."""
        self._lag.labels(group).set_function(lag)
        self._silence.labels(group).set_function(silence)
