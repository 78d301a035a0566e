"""What the parser accepts, keeps and reports."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import Alert, canonical_json, content_sha256, stored_json
from schemas.vocabularies import Audience, Language, Severity
from services.ingest.validation import InvalidAlert, alert_from_json, parse_alert, pointer, read_body
from tests.bad_values import full_alert_json
from tests.builders import NOW, minimal_alert_body, minimal_alert_json

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


_LINES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)
_JSON_SAFE = (
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | _LINES | st.lists(_LINES, max_size=3)
)
_COUNTS = st.one_of(
    st.none(),
    st.integers(0, 10**6),
    st.just({"qualifier": "several"}),
    st.fixed_dictionaries(
        {
            "value": st.integers(0, 10**6),
            "qualifier": st.sampled_from(["exact", "at_least", "about", "at_most"]),
        }
    ),
)


def test_the_least_alert_is_accepted_with_its_defaults() -> None:
    alert = parse_alert(minimal_alert_body(), now=NOW)
    assert (alert.version, alert.message_type, alert.releasable_to, alert.references) == (
        1,
        "alert",
        None,
        (),
    )


def test_several_faults_are_reported_at_once() -> None:
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(minimal_alert_body(tlp="red", title="", tytle=1), now=NOW)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("/tlp", "not_in_vocabulary"),
        ("/title", "blank"),
        ("/tytle", "unknown_field"),
    ]


def test_at_most_a_hundred_faults_are_reported() -> None:
    body = json.dumps(minimal_alert_json() | {f"a{number}": 1 for number in range(500)}).encode()
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(body, now=NOW)
    assert len(refused.value.faults) == 100


def test_own_fields_are_kept_at_every_level() -> None:
    body = minimal_alert_body(x_desk=7, location={"country": "UY", "x_grid": {"a": [1]}})
    alert = parse_alert(body, now=NOW)
    kept = json.loads(canonical_json(alert))
    assert kept["x_desk"] == 7
    assert kept["location"]["x_grid"] == {"a": [1]}


def test_thirty_two_levels_are_accepted_and_one_more_is_not() -> None:
    def nested(levels: int) -> bytes:
        return minimal_alert_body()[:-1] + b', "x_a": ' + b"[" * levels + b"]" * levels + b"}"

    assert parse_alert(nested(31), now=NOW).version == 1
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(nested(32), now=NOW)
    assert (refused.value.status, refused.value.faults[0].code) == (400, "too_deep")


def test_sending_may_be_ten_minutes_ahead_of_the_clock() -> None:
    edge = NOW + timedelta(minutes=10)
    assert parse_alert(minimal_alert_body(sent_at=edge.isoformat()), now=NOW).sent_at == edge
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(minimal_alert_body(sent_at=(edge + timedelta(seconds=1)).isoformat()), now=NOW)
    assert refused.value.faults[0].pointer == "/sent_at"


def test_a_web_form_s_line_ends_are_accepted_in_prose() -> None:
    assert parse_alert(minimal_alert_body(summary="a\r\nb\tc\n"), now=NOW).summary == "a\r\nb\tc\n"


def test_an_entry_of_a_batch_has_its_own_pointers() -> None:
    whole = read_body(b'{"alerts": [' + minimal_alert_body() + b', {"title": "a", "title": "b"}]}')
    first, second = whole["alerts"]
    assert alert_from_json(first, now=NOW).language is Language.ES
    with pytest.raises(InvalidAlert) as refused:
        alert_from_json(second, now=NOW)
    assert refused.value.faults[0].pointer == "/title"


def test_a_pointer_is_escaped_and_cut() -> None:
    assert pointer(("a/b~c", 0, "\ud800")) == "/a~1b~0c/0/?"
    assert len(pointer(("k" * 10_000,))) == 101


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_faults(body: bytes) -> None:
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(body, now=NOW)
    assert refused.value.faults
    assert refused.value.status in {400, 422}


@settings(max_examples=300)
@given(st.sampled_from(sorted(Alert.model_fields)), _JSON)
def test_any_value_in_any_field_is_accepted_or_refused_below_that_field(name: str, value: object) -> None:
    wire = Alert.model_fields[name].alias or name
    body = json.dumps(minimal_alert_json() | {wire: value}).encode()
    outcome = _outcome(body)
    if isinstance(outcome, Alert):
        assert Alert.model_validate_json(canonical_json(outcome)) == outcome
        assert Alert.model_validate_json(stored_json(outcome)) == outcome
    else:
        assert outcome.status in {400, 422}
        json.dumps([fault.model_dump() for fault in outcome.faults], ensure_ascii=False).encode()


def test_the_full_alert_of_the_bad_inputs_is_good() -> None:
    alert = parse_alert(json.dumps(full_alert_json()).encode(), now=NOW)
    assert parse_alert(canonical_json(alert), now=NOW) == alert
    assert parse_alert(stored_json(alert).encode(), now=NOW) == alert


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "x_own": _JSON_SAFE,
            "title": _LINES,
            "narrative": st.none() | _LINES,
            "event_start": st.dates(date(1900, 1, 1), date(2026, 1, 1)).map(lambda day: day.isoformat()[:7]),
            "releasable_to": st.none() | st.lists(st.sampled_from(Audience), max_size=3),
            "harms": st.lists(st.fixed_dictionaries({"attribution": st.just("suspected"), "cases": _COUNTS})),
            "severity_reported": st.none() | st.sampled_from(Severity),
        },
    )
)
def test_what_is_written_is_read_as_the_same_alert(parts: dict[str, object]) -> None:
    alert = parse_alert(minimal_alert_body(**parts), now=NOW)
    for written in (canonical_json(alert), stored_json(alert).encode()):
        again = parse_alert(written, now=NOW)
        assert again == alert
        assert canonical_json(again) == canonical_json(alert)
        assert content_sha256(stored_json(again)) == content_sha256(stored_json(alert))


def _outcome(body: bytes) -> Alert | InvalidAlert:
    try:
        return parse_alert(body, now=NOW)
    except InvalidAlert as refused:
        return refused


@pytest.mark.parametrize(
    ("parts", "words"),
    [({"event_types": []}, "At least 1 entries"), ({"event_types": ["death"] * 500}, "At most")],
)
def test_the_length_of_a_list_is_told_in_words_of_ours(parts: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(minimal_alert_body(**parts), now=NOW)
    (fault,) = refused.value.faults
    assert fault.detail.startswith(words)
    assert fault.detail.endswith("entries")
