"""The tables that the documentation holds: settings and metrics, made of what the code says of itself."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from pydantic.fields import FieldInfo

from services.commands.configuration import shown
from services.metrics import balance
from services.metrics.instruments import Instruments as MetricsInstruments
from services.notify.instruments import Instruments as NotifyInstruments
from services.runtime import settings
from services.runtime.instruments import Instruments as TransportInstruments
from services.upkeep.instruments import Instruments as UpkeepInstruments

_OF_BUCKETS = frozenset({"le"})


def settings_table() -> str:
    """Return the Markdown table of all settings, in their order."""
    rows = (
        f"| `{name}` | {_code(shown(default))} | {_described(field)} |"
        for name, field, default in settings.described()
    )
    return "\n".join(("| setting | default | what it is |", "|---|---|---|", *rows))


def metrics_table() -> str:
    """Return the Markdown table of all metrics, by name."""
    rows = sorted(_metrics())
    head = ("| metric | kind | labels | what it is |", "|---|---|---|---|")
    return "\n".join(
        (*head, *(f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in rows))
    )


def _metrics() -> Iterator[tuple[str, str, str, str]]:
    registry = CollectorRegistry()
    for instruments in (MetricsInstruments, NotifyInstruments, TransportInstruments, UpkeepInstruments):
        instruments(registry)
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield name, family.type, _labels(family), family.documentation
    for gauge in balance.GAUGES:
        yield gauge.name, "gauge", _code(gauge.label or ""), gauge.help


def _labels(family: Metric) -> str:
    names = {name: None for sample in family.samples for name in sample.labels if name not in _OF_BUCKETS}
    return " ".join(_code(name) for name in names)


def _described(field: FieldInfo) -> str:
    found = settings.choices(field)
    return f"{field.description} ({found})" if found else str(field.description)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
