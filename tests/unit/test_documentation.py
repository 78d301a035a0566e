"""The tables in ARCHITECTURE.md are what the code says of itself."""

import re
from pathlib import Path

import pytest

from services.commands import documentation

PAGE = Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"


@pytest.mark.parametrize(
    ("mark", "table", "command"),
    [
        ("settings", documentation.settings_table, "relay check-config --table"),
        ("metrics", documentation.metrics_table, "relay check-config --metrics"),
    ],
)
def test_a_table_is_up_to_date(mark: str, table: object, command: str) -> None:
    found = re.search(
        rf"<!-- {mark} -->\n+(.*?)\n+<!-- /{mark} -->", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found is not None, f"ARCHITECTURE.md has no place for {mark}"
    assert callable(table)
    assert found[1] == table(), f"paste the output of `{command}` between the marks"


def test_every_metric_says_what_it_is() -> None:
    rows = [line.strip("| ").split(" | ") for line in documentation.metrics_table().splitlines()[2:]]
    assert len({row[0] for row in rows}) == len(rows)
    for row in rows:
        assert row[0].startswith("`relay_")
        assert len(row[-1]) > 10
        assert row[1] != "counter" or row[0].endswith("_total`")


def test_every_setting_says_what_it_is() -> None:
    for line in documentation.settings_table().splitlines()[2:]:
        assert len(line.strip("| ").split(" | ")[-1]) > 5


def test_a_setting_of_few_words_or_of_time_says_what_may_stand_there() -> None:
    rows = {line.split("`")[1]: line for line in documentation.settings_table().splitlines()[2:]}
    assert "none or starttls or implicit" in rows["RELAY_EMAIL__TLS"]
    assert "json or console" in rows["RELAY_LOG__FORM"]
    assert "PT10S" in rows["RELAY_NOTIFY__WEBHOOK_TIMEOUT"]
