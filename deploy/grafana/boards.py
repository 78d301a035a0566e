"""The dashboards: `python -m deploy.grafana.boards` writes them, and a test compares what is committed.

Counters and histograms are those of the process that reads the topics, so sums over processes are right; gauges of
the ledger are exported by several, so the worst counts.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from deploy.grafana.panels import Panel, board, lines, number, query, text, times, within

FOLDER = Path(__file__).parent / "dashboards"
_CAUTIONS = """**How to read it.** Every percentile stands beside its *n*: of few alerts it says little. Exercises
and back-filled alerts are left out (the balance counts them). A date without a time yields days, never hours. A 2xx of
a webhook is delivery, not acknowledgement. Figures of one state go to that state and the secretariat; they are no
league table."""


def documents() -> dict[str, dict[str, Any]]:
    """Return every board by the name of its file."""
    return {
        "balance.json": board("relay-balance", "Relay: what came in, what came out", _balance(), since="24h"),
        "times.json": board("relay-times", "Relay: response times", _times(), since="30d"),
        "deliveries.json": board("relay-deliveries", "Relay: deliveries", _deliveries(), since="24h"),
        "endpoints.json": board("relay-endpoints", "Relay: endpoints", _endpoints(), since="24h"),
        "transport.json": board("relay-transport", "Relay: transport", _transport(), since="6h"),
        "upkeep.json": board("relay-upkeep", "Relay: upkeep", _upkeep(), since="6h"),
    }


def written(document: dict[str, Any]) -> str:
    """Return a board as it is committed: a panel a line, so that a change shows as what it is."""
    head = {name: value for name, value in document.items() if name != "panels"}
    panels = ",\n".join(f"  {json.dumps(panel, ensure_ascii=False)}" for panel in document["panels"])
    opened = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{opened},\n "panels": [\n{panels}\n ]\n}}\n'


def _worst(metric: str, *, by: str = "") -> str:
    return f"max by ({by}) ({metric})" if by else f"max({metric})"


def _made(metric: str, *, by: str) -> str:
    return f"sum by ({by}) (increase({metric}[$__rate_interval]))"


def _late() -> Iterable[Panel]:
    """Yield what must be seen first on any board: what is late."""
    yield number(
        "Oldest undelivered", query(_worst("relay_oldest_undelivered_age_seconds")), unit="s", bad_above=300
    )
    yield number(
        "Oldest unacknowledged",
        query(_worst("relay_oldest_unacknowledged_age_seconds")),
        unit="s",
        bad_above=14400,
    )


def _balance() -> Iterator[Panel]:
    yield number("Unaccounted, always 0", query(_worst("relay_alerts_unaccounted")), bad_above=1)
    yield number("Dead letters", query(_worst("relay_dead_letters")), bad_above=1)
    yield from _late()
    yield number(
        "Oldest unread record", query("max(relay_outbox_oldest_age_seconds)"), unit="s", bad_above=60
    )
    yield number("Ledger answers", query("min(relay_ledger_up)"))
    yield lines(
        "Accepted, by state", query(_worst("relay_alerts", by="state"), "{{state}}"), stacked=True, width=12
    )
    yield lines(
        "In and out",
        query("sum(increase(relay_alerts_accepted_total[$__rate_interval]))", "accepted"),
        query("sum(increase(relay_alerts_classified_total[$__rate_interval]))", "classified"),
    )
    yield lines(
        "Records that a service has still to read",
        query(_worst("relay_outbox_backlog", by="group"), "{{group}}"),
    )
    yield lines(
        "Age of the oldest of them",
        query(_worst("relay_outbox_oldest_age_seconds", by="group"), "{{group}}"),
        unit="s",
    )
    yield lines(
        "Classified, by urgency", query(_made("relay_alerts_classified_total", by="severity"), "{{severity}}")
    )
    yield lines(
        "Classified, by how they relate to others",
        query(_made("relay_alerts_classified_total", by="correlation"), "{{correlation}}"),
    )
    yield lines(
        "Categories",
        query(f"topk(10, {_made('relay_alert_categories_total', by='category')})", "{{category}}"),
    )
    yield lines(
        "Exercises and back-filled, not in the response times",
        query(_made("relay_alerts_left_out_total", by="reason"), "{{reason}}"),
        query(_made("relay_alerts_accepted_total", by="status"), "accepted: {{status}}"),
    )


def _kept(title: str, metric: str, matchers: str, edge: str, target: float) -> Panel:
    """Return the share of a histogram within one of its edges: exact, where a percentile is a guess between two."""
    joined = f"{matchers}, " if matchers else ""
    count = f"sum(increase({metric}_count{{{matchers}}}[$__range]))"
    inside = f'sum(increase({metric}_bucket{{{joined}le="{edge}"}}[$__range]))'
    return within(title, share=f"{inside} / {count}", count=count, target=target)


def _times() -> Iterator[Panel]:
    seconds, days = "relay_response_seconds", "relay_response_days"
    yield text(_CAUTIONS)
    yield _kept("First sent ≤ 60 s", "relay_pipeline_seconds", 'measure="processing"', "60.0", 0.95)
    yield _kept("Delivered ≤ 5 min", "relay_delivery_seconds", "", "300.0", 0.95)
    yield _kept("Correction there ≤ 60 s", "relay_correction_seconds", "", "60.0", 0.95)
    yield _kept("Response ≤ 7 d", seconds, 'measure="response"', "604800.0", 0.5)
    grave = 'measure="notification", severity=~"critical|high"'
    yield _kept("Sender told us ≤ 24 h, grave", seconds, grave, "86400.0", 0.95)
    critical, high = (f'measure="acknowledgement", severity="{one}"' for one in ("critical", "high"))
    yield _kept("Critical answered ≤ 4 h", seconds, critical, "14400.0", 0.5)
    yield _kept("Critical answered ≤ 24 h", seconds, critical, "86400.0", 0.9)
    yield _kept("High answered ≤ 48 h", seconds, high, "172800.0", 0.9)
    yield times("The relay itself", "relay_pipeline_seconds", by=("measure", "severity"))
    yield times("First attempt to delivered", "relay_delivery_seconds", by=("channel", "severity"))
    yield times(
        "Reach of corrections and retractions", "relay_correction_seconds", by=("message_type", "channel")
    )
    yield times(
        "Decision to the channel, as the notifier sees it", "relay_notify_delivery_seconds", by=("channel",)
    )
    yield times("Between people, known to the second", seconds, by=("measure", "severity"))
    yield times("Between people, known to the day", days, by=("measure", "severity"), unit="d")
    for title, metric in (
        ("First attempt to delivered", "relay_delivery_seconds"),
        ("Corrections and retractions", "relay_correction_seconds"),
    ):
        buckets = f"sum by (le) (increase({metric}_bucket[$__rate_interval]))"
        yield lines(
            f"{title}: p95 over time",
            query(f"histogram_quantile(0.95, {buckets})", "p95"),
            unit="s",
            width=8,
        )
        yield lines(f"{title}: n", query(f"sum(increase({metric}_count[$__rate_interval]))", "n"), width=4)


def _deliveries() -> Iterator[Panel]:
    yield from _late()
    yield number("Violations, always 0", query(_worst("relay_delivery_violations")), bad_above=1)
    yield number("Given up", query('max(relay_notifications{state="failed"})'))
    yield number("Open", query('max(sum without (state) (relay_notifications{state=~"pending|claimed"}))'))
    yield number("Being tried", query("sum(relay_notify_in_flight)"))
    yield lines("Open and failed", query(_worst("relay_notifications", by="state"), "{{state}}"))
    yield lines(
        "How notifications end",
        query(_made("relay_notifications_settled_total", by="state"), "{{state}}"),
    )
    yield lines(
        "Attempts by channel and outcome",
        query(_made("relay_delivery_attempts_total", by="channel, outcome"), "{{channel}} {{outcome}}"),
    )
    yield lines(
        "Routing",
        query("sum(increase(relay_notify_routed_total[$__rate_interval]))", "versions routed"),
        query("sum(increase(relay_notify_planned_total[$__rate_interval]))", "notifications written"),
    )
    yield lines("Answers", query(_made("relay_acknowledgements_total", by="state"), "{{state}}"))
    yield lines(
        "Reminders and fallbacks",
        query("sum(increase(relay_notify_reminders_total[$__rate_interval]))", "reminders and deputies"),
        query("sum(increase(relay_notify_fallbacks_total[$__rate_interval]))", "email for a silent webhook"),
    )


def _endpoints() -> Iterator[Panel]:
    unhealthy = "relay_unhealthy_endpoints"
    yield number("Backing off", query(f'max({unhealthy}{{state="failing"}})'), bad_above=1)
    yield number("Take nothing any more", query(f'max({unhealthy}{{state="disabled"}})'), bad_above=1)
    yield from _late()
    yield number("Being tried", query("sum(relay_notify_in_flight)"))
    yield lines("Unhealthy", query(_worst(unhealthy, by="state"), "{{state}}"), width=24)
    for channel in ("webhook", "email"):
        yield lines(
            f"Attempts by {channel}",
            query(
                f'sum by (outcome) (increase(relay_delivery_attempts_total{{channel="{channel}"}}[$__rate_interval]))',
                "{{outcome}}",
            ),
        )


def _upkeep() -> Iterator[Panel]:
    yield number("Audit chain broken", query(_worst("relay_audit_chain_broken")), bad_above=1)
    yield number("Violations, last audit", query(_worst("relay_upkeep_violations")), bad_above=1)
    yield number("Least lease left", query("min(max by (lease) (relay_lease_remaining_seconds))"), unit="s")
    yield lines(
        "Time left of each lease; below 0 nobody runs it",
        query(_worst("relay_lease_remaining_seconds", by="lease"), "{{lease}}"),
        unit="s",
        width=24,
    )
    yield lines(
        "Since a loop last ended a round",
        query(
            "time() - max by (task) (relay_upkeep_last_done_timestamp_seconds > 0)",
            "{{task}}",
        ),
        unit="s",
    )
    yield lines(
        "Rounds", query(_made("relay_upkeep_rounds_total", by="task, outcome"), "{{task}} {{outcome}}")
    )
    yield lines("Handled", query(_made("relay_upkeep_handled_total", by="task"), "{{task}}"), width=24)


def _transport() -> Iterator[Panel]:
    yield text("The scale-out mode only: embedded there is no broker, and this board is empty.", height=2)
    unpublished = query(_worst("relay_publisher_unpublished_age_seconds"))
    yield number("Oldest not on its topic", unpublished, unit="s", bad_above=60)
    yield number("Refused by the brokers", query("sum(relay_publisher_refused_total)"), bad_above=1)
    yield number("Wait in processes", query("sum(relay_publisher_waiting)"))
    yield lines(
        "Published", query(_made("relay_publisher_published_total", by="path"), "{{path}}"), stacked=True
    )
    yield lines(
        "Calls that failed, records left to the sweeper",
        query("sum(increase(relay_publisher_failures_total[$__rate_interval]))", "failed"),
        query("sum(increase(relay_publisher_left_total[$__rate_interval]))", "left"),
    )
    yield lines("Still to acknowledge", query("sum by (group) (relay_feed_lag)", "{{group}}"))
    yield lines(
        "Since the brokers last answered",
        query(_worst("relay_feed_silence_seconds", by="group"), "{{group}}"),
        unit="s",
    )


if __name__ == "__main__":
    for name, document in documents().items():
        (FOLDER / name).write_text(written(document), encoding="utf-8")
