"""Records that wait: in order for each key, whatever is put back."""

from hypothesis import given
from hypothesis import strategies as st

from services.runtime.waiting import Waiting
from services.storage.records import Record


def record(number: int, key: str = "k") -> Record:
    return Record(topic="alerts.v1", event_id=f"e-{number}", key=key, payload="12345", position=number)


def positions(records: list[Record]) -> list[int]:
    return [one.position for one in records]


def test_there_is_room_by_number_and_by_size() -> None:
    waiting = Waiting(most=2, most_bytes=100)
    assert [waiting.add(record(n)) for n in range(3)] == [True, True, False]
    waiting = Waiting(most=100, most_bytes=10)
    assert [waiting.add(record(n)) for n in range(3)] == [True, True, False]
    assert waiting.bytes == 10


def test_a_key_that_failed_is_passed_over_until_nothing_else_waits() -> None:
    waiting = Waiting(most=10, most_bytes=100)
    for number, key in enumerate("abab"):
        waiting.add(record(number, key))
    waiting.put_back(waiting.take(most=1, most_bytes=100))
    assert positions(waiting.take(most=10, most_bytes=100)) == [1, 3]
    assert positions(waiting.take(most=10, most_bytes=100)) == [0, 2]
    assert (len(waiting), waiting.bytes) == (0, 0)


def test_it_is_not_passed_over_for_ever() -> None:
    waiting = Waiting(most=10, most_bytes=100)
    for number, key in enumerate("ab"):
        waiting.add(record(number, key))
    waiting.put_back(waiting.take(most=1, most_bytes=100))
    waiting.pass_over_none()
    assert positions(waiting.take(most=10, most_bytes=100)) == [0, 1]


@given(
    st.lists(st.sampled_from("abcd"), max_size=30),
    st.lists(st.tuples(st.integers(1, 5), st.sets(st.sampled_from("abcd"))), max_size=20),
)
def test_the_records_of_a_key_leave_in_order_and_none_is_lost(
    keys: list[str], rounds: list[tuple[int, set[str]]]
) -> None:
    waiting = Waiting(most=100, most_bytes=1000)
    for number, key in enumerate(keys):
        waiting.add(record(number, key))
    left: list[Record] = []
    for most, dead in [*rounds, *[(100, set[str]())] * 2]:
        batch = waiting.take(most=most, most_bytes=1000)
        left += [one for one in batch if one.key not in dead]
        waiting.put_back([one for one in batch if one.key in dead])
    assert sorted(positions(left)) == list(range(len(keys)))
    for key in "abcd":
        own = [one.position for one in left if one.key == key]
        assert own == sorted(own)
    assert waiting.bytes == 0
