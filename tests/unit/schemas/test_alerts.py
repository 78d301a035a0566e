"""The alert as a value: what it keeps, how it is written, what makes two of them the same."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from schemas.alerts import Alert, Count, canonical_json, content_sha256, stored_json
from schemas.vocabularies import Qualifier
from tests.builders import make_alert, make_finding, make_sender, make_substance, minimal_alert_json


def _alert(**overrides: object) -> Alert:
    return Alert.model_validate(minimal_alert_json(**overrides))


def _harm(cases: object) -> Alert:
    return _alert(harms=[{"attribution": "suspected", "cases": cases}])


@pytest.mark.parametrize(
    ("written", "value", "qualifier"),
    [
        (0, 0, Qualifier.EXACT),
        (5, 5, Qualifier.EXACT),
        ({"value": 4, "qualifier": "at_least"}, 4, Qualifier.AT_LEAST),
        ({"qualifier": "several"}, None, Qualifier.SEVERAL),
    ],
)
def test_a_count_is_read_and_written_in_its_own_form(
    written: object, value: int | None, qualifier: Qualifier
) -> None:
    alert = _harm(written)
    assert alert.harms[0].cases == Count(value=value, qualifier=qualifier)
    assert json.loads(canonical_json(alert))["harms"][0]["cases"] == written


def test_a_count_keeps_its_own_fields() -> None:
    written = {"value": 5, "qualifier": "exact", "x_note": "a"}
    assert json.loads(canonical_json(_harm(written)))["harms"][0]["cases"] == written


def test_canonical_json_has_defaults_sorted_keys_and_no_spaces() -> None:
    written = canonical_json(_alert())
    assert list(json.loads(written)) == sorted(json.loads(written))
    assert b'"version":1' in written
    assert b'"schema":"1.0"' in written
    assert "éxtasis".encode() in written


@pytest.mark.parametrize(
    "same",
    [
        {"version": 1},
        {"releasable_to": None},
        {"references": []},
        {"schema": "1.0"},
        {"publish_ok": False},
        {"narrative": None},
    ],
)
def test_a_default_that_is_written_out_changes_no_content(same: dict[str, object]) -> None:
    assert content_sha256(stored_json(_alert(**same))) == content_sha256(stored_json(_alert()))
    assert canonical_json(_alert(**same)) == canonical_json(_alert())


@pytest.mark.parametrize(
    "other", [{"title": "b"}, {"releasable_to": []}, {"detected_at": "2026-11"}, {"x_a": 1}, {"version": 2}]
)
def test_another_content_has_another_hash(other: dict[str, object]) -> None:
    assert content_sha256(stored_json(_alert(**other))) != content_sha256(stored_json(_alert()))


def test_an_alert_is_frozen() -> None:
    alert = _alert()
    with pytest.raises(ValidationError):
        setattr(alert, "title", "b")  # noqa: B010 - mypy would refuse the assignment


def test_the_sender_of_the_key_replaces_what_was_stated() -> None:
    alert = make_alert().with_sender(make_sender(organisation="B"))
    assert alert.sender is not None
    assert alert.sender.organisation == "B"
    assert alert.national_ref == make_alert().national_ref


@pytest.mark.parametrize("kind", ["closure", "retraction", "dispute"])
def test_what_acts_on_another_alert_needs_no_finding(kind: str) -> None:
    assert make_alert(message_type=kind, findings=[]).findings == ()


@pytest.mark.parametrize(
    "event", ["rumour_refutation", "control_change", "modus_operandi", "online_sale", "equipment"]
)
def test_some_events_need_no_finding(event: str) -> None:
    assert make_alert(event_types=[event], findings=[]).findings == ()


def test_a_translation_needs_no_finding() -> None:
    alert = make_alert(message_type="update", update_reason="translation", findings=[])
    assert alert.findings == ()


def test_a_higher_version_may_act_on_a_lower_one_of_its_own_reference() -> None:
    own = [{"ref": "SAT-UY-2026-014", "relation": "update_of"}]
    assert make_alert(message_type="update", version=2, references=own).references[0].relation == "update_of"
    assert make_alert(message_type="correction", version=2, references=[]).references == ()
    with pytest.raises(ValidationError):
        make_alert(message_type="update", version=1, references=own)


def test_named_recipients_and_publication_go_with_their_own_label() -> None:
    assert make_alert(tlp="TLP:RED", named_recipients=["uy-ndo"]).named_recipients == ("uy-ndo",)
    assert make_alert(tlp="TLP:CLEAR", publish_ok=True).publish_ok


def test_the_builders_compose() -> None:
    finding = make_finding("MDMA", make_substance(None, one_of=["a", "b"]), sold_as="éxtasis")
    alert = make_alert(findings=[finding], sent_at=datetime(2026, 11, 15, tzinfo=UTC))
    assert [one.name for one in alert.findings[0].substances] == ["MDMA", None]
