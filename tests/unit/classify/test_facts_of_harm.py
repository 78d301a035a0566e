"""Which harm counts, how much of it, and with what it goes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Alert
from services.classify.harms import recent_statements, severe_in_72_hours, total
from tests.unit.classify.conftest import Classify, alert_with

NITAZENE = {"name": "isotonitazene", "confirmation": "confirmed"}
COCAINE = {"name": "cocaine", "confirmation": "confirmed"}


def _harm(**counts: Any) -> dict[str, Any]:
    return {"attribution": "suspected", **counts}


def _deaths(*harms: dict[str, Any], **fields: Any) -> float:
    return total(recent_statements(alert_with(harms=list(harms), **fields)), lambda one: one.deaths)


def _only(alert: Alert) -> Any:
    (statement,) = recent_statements(alert)
    return statement


def test_a_window_that_ended_31_days_before_sending_counts() -> None:
    assert _deaths(_harm(deaths=2, window_start="2026-10-01", window_end="2026-10-14")) == 2


def test_a_window_that_ended_32_days_before_sending_does_not() -> None:
    assert _deaths(_harm(deaths=2, window_start="2026-10-01", window_end="2026-10-13")) == 0


def test_without_a_window_harm_is_as_old_as_the_event() -> None:
    assert _deaths(_harm(deaths=2), event_start="2026-09-01") == 0
    assert _deaths(_harm(deaths=2), event_start="2026-09-01", event_end="2026-11-01") == 2


def test_a_count_over_years_without_a_window_is_a_statistic() -> None:
    assert _deaths(_harm(deaths=40), event_start="2018", event_end="2026-11-01") == 0


LONG = {"event_start": "2026-06", "event_end": "2026-11-13"}


@pytest.mark.parametrize(
    ("attribution", "event", "deaths"),
    [
        ("suspected", "adulteration", 38),
        ("confirmed", "adulteration", 38),
        ("associated", "death", 38),
        ("associated", "intoxication_cluster", 38),
        ("associated", "adulteration", 0),  # a bulletin's statistic
        ("background", "death", 0),
    ],
)
def test_without_a_window_the_deaths_of_a_long_event_are_its_own(
    attribution: str, event: str, deaths: int
) -> None:
    harm = {"attribution": attribution, "deaths": 38}

    assert _deaths(harm, **LONG, event_types=[event]) == deaths


def test_a_series_that_nobody_ended_went_on_until_it_was_counted_or_noticed() -> None:
    open_event = {"event_start": "2026-09-01", "detected_at": "2026-11-12"}
    counted = _harm(deaths=5, as_of="2026-10-30T12:00:00Z")

    assert _deaths(_harm(deaths=5), **open_event) == 5
    assert _deaths(counted, **open_event) == 5
    assert _deaths({**counted, "as_of": "2026-10-01T12:00:00Z"}, **open_event) == 0
    assert _deaths(_harm(deaths=5), event_start="2026-09-01", detected_at="2026-09-20") == 0
    assert _deaths(_harm(deaths=5), event_start="2023-09-01", detected_at="2026-11-12") == 0


def test_a_cluster_without_an_end_and_without_numbers_is_recent(classify: Classify) -> None:
    fields = {"event_types": ["intoxication_cluster"], "event_start": "2026-08-01"}

    assert classify(**fields, findings=[{"substances": []}]).severity.reason == "H5.unknown_agent"


def test_a_single_death_is_as_old_as_its_event() -> None:
    assert _deaths(_harm(deaths=1, as_of="2026-11-12T12:00:00Z"), event_start="2026-09-01") == 0


def test_background_never_counts() -> None:
    assert _deaths({"attribution": "background", "deaths": 40}) == 0


def test_a_window_known_by_its_year_is_not_recent() -> None:
    assert _deaths(_harm(deaths=9, window_start="2026", window_end="2026")) == 0


@pytest.mark.parametrize(
    ("count", "least"),
    [
        (4, 4),
        ({"value": 4, "qualifier": "at_least"}, 4),
        ({"value": 4, "qualifier": "about"}, 4),
        ({"value": 4, "qualifier": "at_most"}, 0),
        ({"qualifier": "several"}, 2),
    ],
)
def test_an_inexact_number_counts_by_its_lower_bound(count: Any, least: int) -> None:
    assert _deaths(_harm(deaths=count)) == least


def test_several_cases_are_three_and_one_severe() -> None:
    one = _only(alert_with(harms=[_harm(cases={"qualifier": "several"})]))

    assert (one.cases, one.severe) == (3, 1)


def test_several_cases_with_severe_ones_counted_add_none() -> None:
    one = _only(alert_with(harms=[_harm(cases={"qualifier": "several"}, hospitalised=2)]))

    assert (one.cases, one.severe) == (3, 2)


def test_severe_counts_overlap_and_are_not_added() -> None:
    one = _only(alert_with(harms=[_harm(hospitalised=4, icu=3, naloxone_given=2)]))

    assert one.severe == 4


def test_a_total_and_a_part_of_it_are_not_added() -> None:
    assert _deaths(_harm(deaths=5), _harm(deaths=2, attribution="confirmed")) == 5


def test_deaths_of_two_findings_are_added() -> None:
    findings = [{"substances": [COCAINE]}, {"substances": [NITAZENE]}]

    assert _deaths(_harm(deaths=2, finding=0), _harm(deaths=2, finding=1), findings=findings) == 4


def test_deaths_of_disjoint_windows_are_added() -> None:
    first = _harm(deaths=2, window_start="2026-11-01", window_end="2026-11-03")
    second = _harm(deaths=2, window_start="2026-11-04", window_end="2026-11-05")

    assert _deaths(first, second) == 4
    assert _deaths(first, {**second, "window_start": "2026-11-03"}) == 2


def test_inclusive_days_make_the_window() -> None:
    three_days = _harm(hospitalised=5, window_start="2026-11-08", window_end="2026-11-10")
    four_days = {**three_days, "window_end": "2026-11-11"}

    assert severe_in_72_hours(recent_statements(alert_with(harms=[three_days]))) == 5
    assert severe_in_72_hours(recent_statements(alert_with(harms=[four_days]))) == 3


def test_a_death_that_names_a_finding_goes_with_that_finding_alone(classify: Classify) -> None:
    findings = [{"substances": [COCAINE]}, {"substances": [{**NITAZENE, "first": ["known"]}]}]

    assert classify(findings=findings, harms=[_harm(deaths=1, finding=0)]).severity.reason == "H1"
    assert classify(findings=findings, harms=[_harm(deaths=1)]).severity.reason == "C1.opioid"


def test_an_alert_that_calls_itself_a_death_counts_one(classify: Classify) -> None:
    assert classify(event_types=["death"]).severity.reason == "H1"


def test_a_stated_zero_is_believed(classify: Classify) -> None:
    assert classify(event_types=["death"], harms=[_harm(deaths=0)]).severity.reason == "I1"


def test_a_cluster_without_numbers_is_a_series(classify: Classify) -> None:
    verdict = classify(event_types=["intoxication_cluster"], findings=[{"substances": []}])

    assert verdict.severity.reason == "H5.unknown_agent"


def test_deaths_of_another_place_by_hearsay_do_not_count_here(classify: Classify) -> None:
    mentioned = {"presence": "mentioned", "origin": {"country": "BR"}, "substances": [NITAZENE]}

    assert classify(findings=[mentioned], harms=[_harm(deaths=3)]).severity.reason == "I1"


def test_the_facts_are_scalars(classify: Classify) -> None:
    facts = classify().severity.facts

    assert all(value is None or isinstance(value, str | int | float | bool) for value in facts.values())


SUBSTANCES = st.sampled_from(
    [
        [],
        [COCAINE],
        [NITAZENE],
        [{"name": "an unlisted name", "confirmation": "unverified"}],
        [COCAINE, {"name": "xylazine", "confirmation": "presumptive_lab", "role": "adulterant"}],
        [{"name": "nitazenes", "confirmation": "clinical_suspected"}],
    ]
)
COUNTS = st.fixed_dictionaries(
    {
        "deaths": st.integers(0, 4),
        "cases": st.integers(0, 12),
        "hospitalised": st.integers(0, 8),
        "window_hours": st.sampled_from([12, 72, 300]),
    }
)
ALERTS = st.fixed_dictionaries(
    {
        "findings": st.lists(
            st.fixed_dictionaries(
                {
                    "substances": SUBSTANCES,
                    "sold_as": st.sampled_from([None, "cocaine", "oxycodone", "gomitas", "tusi"]),
                    "presence": st.sampled_from(["detected_here", "not_detected_here", "mentioned"]),
                }
            ),
            min_size=1,
            max_size=3,
        ),
        "event_types": st.lists(
            st.sampled_from(
                ["death", "intoxication_cluster", "counterfeit_pharmaceutical", "first_detection"]
            ),
            min_size=1,
            unique=True,
        ),
    }
)


@given(fields=ALERTS, counts=COUNTS)
def test_a_further_death_never_lowers(
    classify: Classify, fields: dict[str, Any], counts: dict[str, int]
) -> None:
    fewer = classify(**fields, harms=[_harm(**counts)]).severity.level
    more = classify(**fields, harms=[_harm(**{**counts, "deaths": counts["deaths"] + 1})]).severity.level

    assert more.rank <= fewer.rank


@given(fields=ALERTS, counts=COUNTS)
def test_a_further_severe_case_never_lowers(
    classify: Classify, fields: dict[str, Any], counts: dict[str, int]
) -> None:
    fewer = classify(**fields, harms=[_harm(**counts)]).severity.level
    more = classify(**fields, harms=[_harm(**{**counts, "hospitalised": counts["hospitalised"] + 1})])

    assert more.severity.level.rank <= fewer.rank


@given(fields=ALERTS, counts=COUNTS)
def test_what_is_not_found_here_is_at_most_moderate(
    classify: Classify, fields: dict[str, Any], counts: dict[str, int]
) -> None:
    foreign = [{**one, "presence": "not_detected_here"} for one in fields["findings"]]

    assert classify(**{**fields, "findings": foreign}, harms=[_harm(**counts)]).severity.level in {
        "moderate",
        "info",
    }
