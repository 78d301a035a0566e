"""What several readers share is worked out once, and only so much of it is remembered."""

from functools import partial

from services.notify.once import once


def test_an_answer_is_worked_out_once_for_the_same_value_and_again_when_it_was_forgotten() -> None:
    asked: list[object] = []

    @partial(once, most=2)
    def answer(value: object) -> object:
        asked.append(value)
        return value

    one, two, three = object(), object(), object()
    for value in (one, one, two, three, one):
        assert answer(value) is value
    assert asked == [one, two, three, one]


def test_one_large_answer_takes_the_place_of_many_small_ones() -> None:
    asked: list[object] = []

    @partial(once, most_bytes=10, weigh=lambda size: size)
    def answer(value: tuple[int]) -> int:
        asked.append(value)
        return value[0]

    small, large, huge = (2,), (9,), (11,)
    for value in (small, large, large, small, small, huge, huge):
        assert answer(value) == value[0]
    assert asked == [small, large, small, huge, huge]
