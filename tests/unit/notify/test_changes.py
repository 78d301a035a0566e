"""Changes between two versions: facts, matched by what they are."""

from typing import Any

from schemas.alerts import Alert
from services.notify.changes import Change, changes, without_before
from tests.letters import example


def _alert(**overrides: Any) -> Alert:
    return example("uy-07", **overrides)


def _finding(*names: str, confirmation: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {"substances": [{"name": name, "confirmation": confirmation} for name in names], **more}


def _changed(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    told = changes(_alert(**before), _alert(**after))
    return [(each.pointer, each.before, each.after) for each in told]


def test_the_same_alert_has_no_changes() -> None:
    assert changes(_alert(), _alert(version=2, message_type="update", update_reason="renewal")) == ()


def test_another_order_of_substances_and_findings_is_no_change() -> None:
    one, other = _finding("a", "b", sold_as="x"), _finding("c", sold_as="y")
    turned = {"findings": [_finding("c", sold_as="y"), _finding("b", "a", sold_as="x")], "harms": []}
    assert _changed({"findings": [one, other], "harms": []}, turned) == []


def test_a_new_substance_has_no_before_and_one_that_is_gone_no_after() -> None:
    before, after = {"findings": [_finding("a", "b")]}, {"findings": [_finding("c", "a")]}
    assert _changed(before, after) == [
        ("/findings/0/substances/0", None, {"name": "c", "confirmation": "confirmed"}),
        ("/findings/0/substances/1", {"name": "b", "confirmation": "confirmed"}, None),
    ]


def test_a_certainty_that_rose_or_was_ruled_out_is_one_fact() -> None:
    before = {"findings": [_finding("a", confirmation="presumptive_field")]}
    after = {"findings": [_finding("a", confirmation="ruled_out")]}
    expected = [("/findings/0/substances/0/confirmation", "presumptive_field", "ruled_out")]
    assert _changed(before, after) == expected


def test_numbers_keep_their_qualifier_and_a_missing_one_is_none() -> None:
    harm = {"finding": 0, "attribution": "suspected"}
    before = {"harms": [{**harm, "cases": 5, "deaths": 0}]}
    after = {"harms": [{**harm, "cases": {"value": 6, "qualifier": "at_least"}}]}
    assert _changed(before, after) == [
        ("/harms/0/cases", 5, {"qualifier": "at_least", "value": 6}),
        ("/harms/0/deaths", 0, None),
    ]


def test_a_background_figure_is_not_compared_with_this_event() -> None:
    this = {"deaths": 1, "attribution": "suspected"}
    background = {"deaths": 40, "attribution": "background"}
    assert _changed({"harms": [this, background]}, {"harms": [background, this]}) == []


def test_a_harm_that_is_no_longer_suspected_is_a_change_by_itself() -> None:
    before, after = ({"harms": [{"deaths": 1, "attribution": each}]} for each in ("suspected", "confirmed"))
    assert _changed(before, after) == [("/harms/0/attribution", "suspected", "confirmed")]


def test_dates_places_and_the_product_are_facts_and_wording_is_not() -> None:
    before = {"findings": [_finding("a", product={"colour": "rojo"})], "title": "uno"}
    after = {
        "findings": [_finding("a", product={"colour": "azul"})],
        "title": "dos",
        "detected_at": "2026-11-13",
        "location": {"country": "UY", "admin1": ["UY-CA"], "setting": "nightlife"},
    }
    assert _changed(before, after) == [
        ("/findings/0/product/colour", "rojo", "azul"),
        ("/location/admin1", ["UY-MO"], ["UY-CA"]),
        ("/detected_at", "2026-11-14", "2026-11-13"),
    ]


def test_a_finding_that_is_gone_tells_its_substances() -> None:
    before = {"findings": [_finding("a"), _finding("b", sold_as="x")], "harms": []}
    assert _changed(before, {"findings": [_finding("a")], "harms": []}) == [
        ("/findings/1/sold_as", "x", None),
        ("/findings/1/substances/0", {"name": "b", "confirmation": "confirmed"}, None),
    ]


def test_without_the_earlier_version_neither_its_values_nor_what_is_gone_are_told() -> None:
    told = (
        Change(pointer="/a", before=1, after=2, label="harm.deaths", about=("confirmed", "suspected")),
        Change(pointer="/b", before="x", after=None, label="sold_as"),
    )
    assert without_before(told) == (
        Change(pointer="/a", before=None, after=2, label="harm.deaths", about=(None, "suspected")),
    )
