"""Whatever is late raises an alert, and nothing else does: the rules, their tests, and the metrics they ask for."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from services import cli
from tests import deployment
from tests.deployment import DEPLOY

PROMETHEUS = DEPLOY / "prometheus"
TESTS = sorted((PROMETHEUS / "tests").glob("*_test.yml"))
ALERTS = {rule["alert"]: rule for rule in deployment.alerts()}
# What must never be late or lost unseen.
LATE = (
    "relay_oldest_undelivered_age_seconds",
    "relay_oldest_unacknowledged_age_seconds",
    "relay_alerts_unaccounted",
    "relay_dead_letters",
    "relay_delivery_violations",
    "relay_outbox_oldest_age_seconds",
    "relay_ledger_up",
    "relay_lease_remaining_seconds",
    "relay_audit_chain_broken",
    "relay_unhealthy_endpoints",
    "relay_pipeline_seconds_bucket",
    "relay_correction_seconds_bucket",
    "relay_publisher_unpublished_age_seconds",
)


def promtool(*arguments: str | Path) -> str:
    ended = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    shown = ended.stdout + ended.stderr
    assert ended.returncode == 0, shown
    return shown


@pytest.mark.needs("promtool")
def test_the_configuration_is_right() -> None:
    assert "SUCCESS" in promtool("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_fire_when_they_should_and_not_when_they_should_not(path: Path) -> None:
    assert "SUCCESS" in promtool("test", "rules", path)


@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_is_shown_to_fire_and_to_rest(name: str) -> None:
    expected = [fires for alert, fires in _expectations() if alert == name]
    assert True in expected, "nothing shows that it fires"
    assert False in expected, "nothing shows that it does not"


@pytest.mark.parametrize("metric", LATE)
def test_what_is_late_has_a_rule(metric: str) -> None:
    assert any(metric in rule["expr"] for rule in ALERTS.values())


@pytest.mark.parametrize("name", ALERTS)
def test_a_rule_asks_for_what_is_exported_and_says_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert deployment.unmatched(rule["expr"]) == []
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert len(rule["annotations"]["summary"]) > 15
    assert len(rule["annotations"]["description"]) > 15


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("max(relay_dead_letter) > 0", ["relay_dead_letter"]),
        ('relay_alerts{state="lost"}', ['relay_alerts{state="lost"}']),
        ('relay_delivery_seconds_bucket{le="300"}', ['relay_delivery_seconds_bucket{le="300"}']),
        ("max by (recipient) (relay_alerts)", ["recipient"]),
        ('max by (state) (relay_alerts{state=~"held|pending"})', []),
    ],
)
def test_what_is_not_exported_is_noticed(expression: str, found: list[str]) -> None:
    assert deployment.unmatched(expression) == found


def test_a_suggested_command_is_one_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join(rule["annotations"]["description"] for rule in ALERTS.values())
    commands = set(re.findall(r"`relay ([a-z -]+?)`", said))
    assert "deliveries list" in commands
    for command in commands:
        words = command.split()
        assert cli.run([*words, "--help"]) == 0, command
    capsys.readouterr()


def _expectations() -> Iterator[tuple[str, bool]]:
    """Yield what promtool is told to expect: an alert, and whether it fires."""
    for path in TESTS:
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for one in case.get("alert_rule_test", ()):
                yield one["alertname"], bool(one["exp_alerts"])
            for one in case.get("promql_expr_test", ()):
                for alert in re.findall(r'alertname="(\w+)"', one["expr"]):
                    yield alert, any(sample["value"] == 1 for sample in one["exp_samples"])


def test_every_test_file_belongs_to_the_rules() -> None:
    assert TESTS
    for path in TESTS:
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["rule_files"] == ["../rules/late.yml"]
