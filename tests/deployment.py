"""What the deployment's files say, read as the programs read them that will run them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from services.metrics import balance
from services.metrics.instruments import Instruments as MetricsInstruments
from services.notify.instruments import Instruments as NotifyInstruments
from services.runtime import settings
from services.runtime.assembly import GROUPS
from services.runtime.instruments import Instruments as TransportInstruments
from services.upkeep.instruments import Instruments as UpkeepInstruments
from services.upkeep.instruments import Task

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
COMPOSE = ROOT / "docker-compose.yml"
RULES = DEPLOY / "prometheus" / "rules" / "late.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<operator>:\?|:-|\?|-)?(?P<rest>[^}]*)\}")
_SELECTOR = re.compile(r"\b(relay_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPED = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
_ADDED = frozenset({"job", "instance", "le"})  # by Prometheus, and by histograms


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of the compose file; `operator` is `:?` where it must be given, `:-` where it has a default."""

    name: str
    operator: str
    rest: str


def compose() -> dict[str, Any]:
    """Return the compose file with its merges done and its variables as they are written."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


def relay_services() -> dict[str, dict[str, Any]]:
    """Return the services of the compose file that run our image."""
    return {
        name: service
        for name, service in compose()["services"].items()
        if str(service["image"]).startswith("early-warning-relay:")
    }


def variables(text: str) -> list[Variable]:
    """Return the variables of a text, in order."""
    return [
        Variable(name=one["name"], operator=one["operator"] or "", rest=one["rest"])
        for one in _VARIABLE.finditer(text)
    ]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its variables filled in, as Docker would; `KeyError` for one that must be given."""

    def value(found: re.Match[str]) -> str:
        given = values.get(found["name"], "")
        if given:
            return given
        if found["operator"] == ":-":
            return found["rest"]
        raise KeyError(found["name"])

    return _VARIABLE.sub(value, text)


def environment_file(path: Path) -> dict[str, str]:
    """Return the settings of an environment file."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def known_settings() -> frozenset[str]:
    """Return the name of every setting."""
    return frozenset(name for name, _, _ in settings.described())


def alerts() -> list[dict[str, Any]]:
    """Return every alert rule."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@cache
def samples() -> tuple[tuple[str, Mapping[str, str]], ...]:
    """Return what a relay exports, as (name, labels), when every gauge of the ledger is there."""
    registry = CollectorRegistry()
    for instruments in (MetricsInstruments, NotifyInstruments, UpkeepInstruments):
        instruments(registry)
    transport = TransportInstruments(registry)
    for group in GROUPS:
        transport.watch(group, lag=lambda: 0.0, silence=lambda: 0.0)
    registry.register(_Standing())
    text = generate_latest(registry).decode()
    return tuple(
        (sample.name, sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )


def unmatched(expression: str) -> list[str]:
    """Return the selectors of a PromQL expression that match nothing a relay exports, and labels it has not."""
    found: list[str] = []
    labels = set(_ADDED)
    for selector in _SELECTOR.finditer(expression):
        matchers = _MATCHER.findall(selector[2] or "")
        matched = [own for name, own in samples() if name == selector[1] and _matches(own, matchers)]
        if not matched:
            found.append(selector[0])
        labels.update(*matched)
    for grouped in _GROUPED.finditer(expression):
        found += [name for one in grouped[1].split(",") if (name := one.strip()) not in labels]
    return found


def _matches(labels: Mapping[str, str], matchers: list[tuple[str, str, str]]) -> bool:
    return all(_holds(labels.get(name, ""), operator, value) for name, operator, value in matchers)


def _holds(value: str, operator: str, wanted: str) -> bool:
    match operator:
        case "=":
            return value == wanted
        case "!=":
            return value != wanted
        case "=~":
            return re.fullmatch(wanted, value) is not None
        case _:
            return re.fullmatch(wanted, value) is None


class _Standing(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = datetime(2026, 11, 14, tzinfo=UTC)
        return balance.families(
            balance.Snapshot(
                taken_at=now,
                messages={},
                notifications={},
                oldest_undelivered_at=now,
                oldest_unacknowledged_at=now,
                failing_endpoints=0,
                disabled_endpoints=0,
                backlogs={group: balance.Backlog(records=0, oldest_at=None) for group in GROUPS},
                dead_letters=0,
                violations=0,
                leases={task.value: now for task in Task},
            )
        )
