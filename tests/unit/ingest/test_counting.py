"""How many values a text holds, without reading it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest import batches
from services.ingest.counting import exceeds
from services.ingest.validation import MOST_VALUES, InvalidAlert, parse_alert
from tests.bad_values import full_alert_json
from tests.builders import NOW, minimal_alert_body, minimal_alert_json

_VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='a,[{"\\\n'),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(alphabet=',"[x'), inner, max_size=5),
)


def _count(value: Any) -> int:
    match value:
        case list():
            return 1 + sum(map(_count, value))
        case dict():
            return 1 + sum(map(_count, value.values()))
        case _:
            return 1


def _empty(value: Any) -> int:
    """Return how many lists and objects hold nothing: their sign is counted, no value follows."""
    match value:
        case list() | dict():
            items = value.values() if isinstance(value, dict) else value
            return (not value) + sum(map(_empty, items))
        case _:
            return 0


@given(_VALUES)
def test_values_are_counted_and_nothing_that_stands_in_texts(value: Any) -> None:
    signs = _count(value) + _empty(value)
    body = json.dumps(value).encode()
    assert not exceeds(body, signs)
    assert exceeds(body, signs - 1)


def _alert_of(values: int) -> bytes:
    """Return an alert with a list of so many zeros beside what it needs."""
    return json.dumps(minimal_alert_json(x_a=[0] * values)).encode()


def test_an_alert_is_taken_up_to_the_bound_and_refused_beyond_it() -> None:
    room = MOST_VALUES - _count(json.loads(_alert_of(0))) - 1
    assert len(parse_alert(_alert_of(room), now=NOW).model_extra["x_a"]) == room  # type: ignore[index]
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(_alert_of(room + 3), now=NOW)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("", "too_many_values")]
    assert refused.value.status == 413


def test_what_is_refused_for_its_values_is_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    decode = json.JSONDecoder.decode
    monkeypatch.setattr(
        json.JSONDecoder, "decode", lambda self, text: (read.append(text), decode(self, text))[1]
    )
    with pytest.raises(InvalidAlert):
        parse_alert(_alert_of(2 * MOST_VALUES), now=NOW)
    assert read == []
    parse_alert(minimal_alert_body(), now=NOW)
    assert len(read) == 1


def test_prose_full_of_commas_is_no_crowd_of_values() -> None:
    prose = ",[{" * 6_000
    translations = {
        one: {"title": "t", "summary": "s", "narrative": prose, "origin": "human"} for one in ("en", "fr")
    }
    body = json.dumps(minimal_alert_json(narrative=prose, translations=translations)).encode()
    assert body.count(b",") + body.count(b"[") > MOST_VALUES
    assert parse_alert(body, now=NOW).narrative == prose


def test_a_batch_of_whole_alerts_is_far_below_its_bound_and_one_beyond_it_is_refused() -> None:
    whole = json.dumps(full_alert_json()).encode()
    assert len(batches.split(b'{"alerts": [' + b",".join([whole] * batches.MOST) + b"]}")) == batches.MOST
    with pytest.raises(batches.NotABatch) as refused:
        batches.split(b'{"alerts": [[' + b"0," * batches.MOST_VALUES + b"0]]}")
    assert refused.value.code == "too_many_values"
