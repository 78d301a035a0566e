"""When to try a failed delivery again, and when to ask a failing endpoint.

Pure: the clock and the dice are arguments, so a test can walk a whole schedule. A message waits by its own
failures; an endpoint that failed `tolerated` times in a row backs off as a whole, and one notification at a
time is its probe.
Source: HPAD-2021:RIME.1.5@L314 (disseminate in the shortest possible time).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.notify.occasions import (
    ISSUE,
    MOST_REMINDERS,
    deputy,
    endpoint_id,
    notification_id,
    reminder,
)
from services.notify.working_time import at_work
from services.storage.delivery_records import Health, Planned
from services.storage.records import ChannelKind, Directory, Notification, NotificationState, Recipient

_MOST_DOUBLINGS = 16  # by then the wait is at its ceiling; unbounded, the product would overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Wait ``first``, then twice as long after each failure, up to ``ceiling``."""

    first: timedelta = timedelta(seconds=1)
    ceiling: timedelta = timedelta(hours=1)
    give_up_after: timedelta = timedelta(days=7)  # counted from the first attempt
    longest_retry_after: timedelta = timedelta(minutes=15)  # a receiver may ask for more; it does not get it

    def wait(self, *, failures: int, draw: float) -> timedelta:
        """Return how long to wait after failure number ``failures`` (1 or more).

        ``draw``, in [0, 1), spreads recipients that failed together over the second half.
        """
        doublings = min(max(failures, 1) - 1, _MOST_DOUBLINGS)
        return min(self.first * (1 << doublings), self.ceiling) * (0.5 + draw / 2)

    def exhausted(self, *, began_at: datetime, next_at: datetime) -> bool:
        """Return whether an attempt at ``next_at`` comes too late to be worth making."""
        return next_at > began_at + self.give_up_after

    def retry_at(
        self, *, failures: int, began_at: datetime, now: datetime, draw: float, retry_after: timedelta | None
    ) -> datetime | None:
        """Return when to try again, not before ``retry_after`` (clamped); None: give up."""
        wait = max(self.wait(failures=failures, draw=draw), self.clamped(retry_after))
        next_at = now + wait
        return None if self.exhausted(began_at=began_at, next_at=next_at) else next_at

    def clamped(self, retry_after: timedelta | None) -> timedelta:
        """Return what is granted of a ``Retry-After``: never negative, never beyond the longest."""
        if retry_after is None:
            return timedelta(0)
        return min(max(retry_after, timedelta(0)), self.longest_retry_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """How often a failing endpoint is asked: quickly at first, once a minute after ``eager``, later less often.

    With 12 attempts in flight when it fails, at most 8 probes follow in the first 20 seconds, so that an
    outage costs its receiver no more than 20 requests in that time.
    """

    tolerated: int = 3  # failures in a row before back-off begins
    eager: timedelta = timedelta(seconds=20)
    shortest: timedelta = timedelta(seconds=1)
    steady: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(minutes=15)
    slowing: int = 60  # after an hour of failure the steady wait begins to grow with its length

    def wait(self, *, failing_for: timedelta, draw: float) -> timedelta:
        """Return how long to wait before the next probe; ``draw`` in [0, 1) only ever lengthens it."""
        if failing_for < self.eager:
            base = max(self.shortest, failing_for / 2)
        else:
            base = min(max(self.steady, failing_for / self.slowing), self.longest)
        return base * (1 + draw / 5)

    def after_failure(
        self,
        health: Health,
        *,
        now: datetime,
        draw: float,
        retry_after: timedelta | None,
        policy: RetryPolicy,
    ) -> Health:
        """Return the health after one more failure; a ``Retry-After`` is a wish of the whole endpoint."""
        failures = health.failures + 1
        since = health.failing_since or now
        asked = policy.clamped(retry_after)
        if failures < self.tolerated and not asked:
            return replace(health, failures=failures, failing_since=since)
        wait = max(self.wait(failing_for=now - since, draw=draw), asked)
        at = now + wait
        if health.next_probe_at is not None and health.next_probe_at > now and not asked:
            # What was in flight together backs off together; a probe's claim is shorter than its lease.
            at = min(at, health.next_probe_at)
        return replace(health, failures=failures, failing_since=since, next_probe_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """The rules that settling and chasing ask for; see `services.storage.delivery_records.Rules`."""

    policy: RetryPolicy = RetryPolicy()
    back_off: BackOff = BackOff()

    def retry_at(
        self, *, failures: int, began_at: datetime, now: datetime, draw: float, retry_after: timedelta | None
    ) -> datetime | None:
        """Return when to try a notification again; None: give up."""
        return self.policy.retry_at(
            failures=failures, began_at=began_at, now=now, draw=draw, retry_after=retry_after
        )

    def after_failure(
        self, health: Health, *, now: datetime, draw: float, retry_after: timedelta | None
    ) -> Health:
        """Return an endpoint's health after one more failure."""
        return self.back_off.after_failure(
            health, now=now, draw=draw, retry_after=retry_after, policy=self.policy
        )

    def at_work(self, recipient: Recipient, *, now: datetime) -> bool:
        """Return whether it is working time where a recipient is."""
        return at_work(recipient, now)

    def last_reminder(self) -> str:
        """Return the occasion of the last reminder of one message."""
        return reminder(MOST_REMINDERS)

    def fallback(
        self,
        notification: Notification,
        *,
        others: Sequence[Notification],
        directory: Directory,
    ) -> Planned | None:
        """Return the recipient's email, else its first deputy's, where a webhook failed and neither was told."""
        recipient = directory.recipients.get(notification.recipient_id)
        if recipient is None or notification.channel is not ChannelKind.WEBHOOK:
            return None
        ways = [(ISSUE, channel) for channel in recipient.channels if channel.kind is ChannelKind.EMAIL]
        ways += [(deputy(place), channel) for place, channel in enumerate(recipient.deputies, start=1)]
        mailed = [
            one
            for one in others
            if one.channel is ChannelKind.EMAIL and one.state is not NotificationState.FAILED
        ]
        if mailed or not ways:
            return None
        occasion, channel = ways[0]
        return Planned(
            id=notification_id(
                message_id=notification.message_id,
                occasion=notification.occasion if occasion == ISSUE else occasion,
                recipient_id=recipient.id,
                channel=channel.kind,
            ),
            occasion=notification.occasion if occasion == ISSUE else occasion,
            recipient_id=recipient.id,
            channel=channel.kind,
            endpoint_id=endpoint_id(recipient.id, channel),
            content=notification.content,
            why=tuple(dict.fromkeys((*notification.why, "fallback"))),
            state="pending",
            due_at=notification.due_at,
        )
