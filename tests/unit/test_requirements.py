"""What is missing is skipped by name, and fails where it is required."""

import pytest

from tests import requirements
from tests.requirements import Need, Verdict


@pytest.mark.parametrize("need", Need)
def test_what_is_missing_is_skipped_by_name(need: Need) -> None:
    decided = requirements.decide(need, found=None, must=frozenset())
    assert decided.verdict is Verdict.SKIP
    assert need in decided.reason


@pytest.mark.parametrize("need", Need)
def test_what_is_required_and_missing_fails_by_name(need: Need) -> None:
    decided = requirements.decide(need, found=None, must=frozenset({need}))
    assert decided.verdict is Verdict.FAIL
    assert need in decided.reason
    assert requirements.VARIABLE in decided.reason


def test_requiring_one_thing_requires_no_other() -> None:
    decided = requirements.decide(Need.PROMTOOL, found=None, must=frozenset({Need.BROWSER}))
    assert decided.verdict is Verdict.SKIP


@pytest.mark.parametrize("must", [frozenset[Need](), frozenset(Need)])
def test_what_is_there_runs(must: frozenset[Need]) -> None:
    decided = requirements.decide(Need.BROWSER, found="/usr/bin/chromium", must=must)
    assert decided.verdict is Verdict.RUN


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("", set()),
        ("browser", {Need.BROWSER}),
        ("browser,promtool", {Need.BROWSER, Need.PROMTOOL}),
        (" kafka  postgresql ", {Need.KAFKA, Need.POSTGRESQL}),
    ],
)
def test_the_variable_lists_what_is_required(text: str, needs: set[Need]) -> None:
    assert requirements.required({requirements.VARIABLE: text}) == needs


def test_a_word_that_would_require_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="brouser is none of browser"):
        requirements.required({requirements.VARIABLE: "brouser"})


def test_without_the_variable_nothing_is_required() -> None:
    assert requirements.required({}) == frozenset()
