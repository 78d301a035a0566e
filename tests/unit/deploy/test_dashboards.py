"""The dashboards are what the code makes of them, ask for what a relay exports, and hide no small number."""

import json
import re
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana import boards
from tests import deployment
from tests.deployment import DEPLOY

BOARDS = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in boards.FOLDER.glob("*.json")}
_MACROS = {"$__rate_interval": "1m", "$__range": "1d"}


def queries(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for macro, value in _MACROS.items():
                expression = expression.replace(macro, value)
            yield panel["title"], expression


QUERIES = sorted({expression for board in BOARDS.values() for _, expression in queries(board)})


def test_what_is_committed_is_what_the_code_makes() -> None:
    made = {name: boards.written(document) for name, document in boards.documents().items()}
    found = {path.name: path.read_text(encoding="utf-8") for path in boards.FOLDER.glob("*.json")}
    assert found == made, "run `python -m deploy.grafana.boards`"
    assert {name: json.loads(text) for name, text in made.items()} == boards.documents()


@pytest.mark.parametrize("expression", QUERIES)
def test_a_panel_asks_for_what_is_exported(expression: str) -> None:
    assert "$" not in expression
    assert deployment.unmatched(expression) == []


@pytest.mark.needs("promtool")
def test_every_query_is_promql(tmp_path: Path) -> None:
    rules = [{"record": f"query_{place}", "expr": one} for place, one in enumerate(QUERIES)]
    place = tmp_path / "rules.yml"
    place.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    ended = subprocess.run(["promtool", "check", "rules", place], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{len(QUERIES)} rules found" in ended.stdout


@pytest.mark.parametrize("name", BOARDS)
def test_no_percentile_stands_without_its_n(name: str) -> None:
    """In the same panel, or in the one beside it."""
    panels = [panel for panel in BOARDS[name]["panels"] if "targets" in panel]
    for place, panel in enumerate(panels):
        asked = " ".join(target["expr"] for target in panel["targets"])
        near = asked + " ".join(
            one["expr"] for other in panels[place + 1 : place + 2] for one in other["targets"]
        )
        for metric in set(re.findall(r"histogram_quantile\(.*?(relay_\w+)_bucket", asked)):
            assert f"{metric}_count" in near, panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_panels_stand_beside_one_another(name: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[name]["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_boards_and_panels_have_names_of_their_own() -> None:
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS) == 6
    for board in BOARDS.values():
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        assert all(panel["title"] or panel["type"] == "text" for panel in board["panels"])


def test_the_source_that_is_provisioned_is_the_prometheus_of_the_compose_file() -> None:
    folder = DEPLOY / "grafana" / "provisioning"
    source = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"][0]
    services = deployment.compose()["services"]
    assert source["url"] == "http://prometheus:9090"
    assert services["prometheus"]["ports"][0].endswith(":9090")
    provider = yaml.safe_load((folder / "dashboards" / "relay.yaml").read_text())["providers"][0]
    mounted = [one.split(":")[1] for one in services["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted
    for board in BOARDS.values():
        variable = board["templating"]["list"][0]
        assert (variable["type"], variable["query"]) == ("datasource", source["type"])
