"""What may be committed: never behind a record that is not acknowledged, and in the end all of it."""

from hypothesis import given
from hypothesis import strategies as st

from services.storage.kafka_positions import Positions


def handed_out(*offsets: int) -> Positions[str]:
    positions: Positions[str] = Positions()
    for offset in offsets:
        positions.hand_out("p", offset)
    return positions


def test_nothing_is_committed_before_it_is_acknowledged() -> None:
    assert handed_out(4, 5).to_commit() == {}


def test_a_gap_holds_what_comes_behind_it() -> None:
    positions = handed_out(4, 5, 6)
    positions.acknowledge("p", 5)
    positions.acknowledge("p", 6)
    assert positions.to_commit() == {}
    positions.acknowledge("p", 4)
    assert positions.to_commit() == {"p": 7}


def test_offsets_that_the_log_does_not_have_hold_nothing() -> None:
    positions = handed_out(4, 9)
    for offset in (9, 4):
        positions.acknowledge("p", offset)
    assert positions.to_commit() == {"p": 10}


def test_what_was_committed_is_not_committed_again() -> None:
    positions = handed_out(4, 5)
    positions.acknowledge("p", 4)
    positions.committed(positions.to_commit())
    assert positions.to_commit() == {}
    positions.acknowledge("p", 5)
    assert positions.to_commit() == {"p": 6}


def test_an_acknowledgement_of_what_was_taken_away_changes_nothing() -> None:
    positions = handed_out(4)
    positions.forget()
    positions.acknowledge("p", 4)
    assert positions.to_commit() == {}
    assert positions.reached("p") is None


@given(st.permutations(range(12)), st.integers(0, 12), st.data())
def test_what_may_be_committed_is_the_run_of_acknowledged_records(
    order: list[int], count: int, data: st.DataObject
) -> None:
    positions = handed_out(*range(12))
    acknowledged = set(order[:count])
    for offset in order[:count]:
        positions.acknowledge("p", offset)
        if data.draw(st.booleans()):
            positions.committed(positions.to_commit())
    run = next((n for n in range(12) if n not in acknowledged), 12)
    assert (positions.reached("p") or 0) == run
    assert positions.to_commit() in ({}, {"p": run})
    for offset in range(12):
        positions.acknowledge("p", offset)
    assert positions.reached("p") == 12
