"""Panels of Grafana as plain documents, and how they flow over a board.

Classic JSON (schema version 39), which Grafana 11 and newer read. Pure: names and expressions in, documents out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Panel = dict[str, Any]
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH = 24  # of a board, in the units of Grafana
_SCHEMA = 39


def query(expression: str, legend: str = "", *, at_once: bool = False) -> dict[str, Any]:
    """Return one query; `at_once`: its value at the end of the range, as a row of a table."""
    found = {"datasource": SOURCE, "expr": expression, "legendFormat": legend or "__auto"}
    return {**found, "instant": True, "range": False, "format": "table"} if at_once else found


def lines(
    title: str, *queries: dict[str, Any], unit: str = "short", width: int = 12, stacked: bool = False
) -> Panel:
    """Return a graph over time."""
    drawn = {"fillOpacity": 15 if stacked else 0, "stacking": {"mode": "normal" if stacked else "none"}}
    return _panel(
        "timeseries",
        title,
        queries,
        size=(width, 8),
        defaults={"unit": unit, "min": 0, "custom": drawn},
        options={"tooltip": {"mode": "multi", "sort": "desc"}, "legend": {"displayMode": "list"}},
    )


def number(
    title: str, *queries: dict[str, Any], unit: str = "short", bad_above: float | None = None
) -> Panel:
    """Return the newest value of each query, red above `bad_above`."""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if bad_above is not None:
        steps.append({"color": "red", "value": bad_above})
    return _panel(
        "stat",
        title,
        queries,
        size=(4, 4),
        defaults={"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}},
        options={"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none", "colorMode": "value"},
    )


def within(title: str, *, share: str, count: str, target: float) -> Panel:
    """Return the share that kept to a target, red below it, with the number that it is a share of."""
    steps = [{"color": "red", "value": None}, {"color": "green", "value": target}]
    panel = _panel(
        "stat",
        f"{title}, target {target:.0%}",
        (query(share, "share", at_once=True), query(count, "n", at_once=True)),
        size=(6, 4),
        defaults={"unit": "percentunit", "thresholds": {"mode": "absolute", "steps": steps}},
        options={"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none", "colorMode": "value"},
    )
    for one in panel["targets"]:
        one.pop("format")  # two numbers, not a table
    panel["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byName", "options": "n"},
            "properties": [{"id": "unit", "value": "short"}, {"id": "color", "value": {"mode": "fixed"}}],
        }
    ]
    return panel


def times(title: str, metric: str, *, by: Sequence[str], unit: str = "s", width: int = 12) -> Panel:
    """Return a table of median, 95th percentile and n over the whole range, a row for each value of `by`.

    Without n a percentile says nothing: with three alerts the 95th is the slowest of them.
    """
    labels = ", ".join(by)
    buckets = f"sum by (le, {labels}) (increase({metric}_bucket[$__range]))"
    counted = f"sum by ({labels}) (increase({metric}_count[$__range]))"
    shown = [
        ("median", f"histogram_quantile(0.5, {buckets}) and {counted} > 0"),
        ("p95", f"histogram_quantile(0.95, {buckets}) and {counted} > 0"),
        ("n", f"{counted} > 0"),
    ]
    panel = _panel(
        "table",
        title,
        [query(expression, at_once=True) for _, expression in shown],
        size=(width, 8),
        defaults={"unit": unit},
        options={"showHeader": True},
    )
    names = {f"Value #{one['refId']}": name for one, (name, _) in zip(panel["targets"], shown, strict=True)}
    panel["transformations"] = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": names}},
    ]
    panel["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byName", "options": "n"},
            "properties": [{"id": "unit", "value": "short"}, {"id": "decimals", "value": 0}],
        }
    ]
    return panel


def text(markdown: str, *, height: int = 4) -> Panel:
    """Return a panel of words over the whole width."""
    return {
        "type": "text",
        "title": "",
        "options": {"mode": "markdown", "content": markdown},
        "gridPos": {"w": _WIDTH, "h": height},
    }


def board(uid: str, title: str, panels: Iterable[Panel], *, since: str) -> dict[str, Any]:
    """Return a whole board: panels from left to right, a new row where one does not fit."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["relay"],
        "timezone": "utc",
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": _SCHEMA,
        "refresh": "30s",
        "time": {"from": f"now-{since}", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
            ]
        },
        "links": [{"type": "dashboards", "tags": ["relay"], "title": "Relay", "asDropdown": True}],
        "panels": list(_flow(panels)),
    }


def _panel(
    kind: str,
    title: str,
    queries: Sequence[dict[str, Any]],
    *,
    size: tuple[int, int],
    defaults: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Panel:
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": [{**one, "refId": chr(ord("A") + place)} for place, one in enumerate(queries)],
        "fieldConfig": {"defaults": dict(defaults), "overrides": []},
        "options": dict(options),
    }


def _flow(panels: Iterable[Panel]) -> Iterable[Panel]:
    left = top = height = 0
    for number_, panel in enumerate(panels, start=1):
        size = panel["gridPos"]
        if left + size["w"] > _WIDTH:
            left, top, height = 0, top + height, 0
        yield {"id": number_, **panel, "gridPos": {"x": left, "y": top, "w": size["w"], "h": size["h"]}}
        left, height = left + size["w"], max(height, size["h"])
