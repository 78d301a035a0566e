"""What was parsed or written a moment ago is found by its text, and its text by the value itself."""

from services.storage.documents import Documents


class Value:
    """A document that equals every other: only its identity tells it apart."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Value)

    __hash__ = None  # type: ignore[assignment]  # as a contract with a list in it


def documents(*, most: int = 2) -> Documents[Value]:
    return Documents(lambda _: Value(), most=most)


def test_the_text_of_what_was_parsed_or_kept_is_found_by_its_identity() -> None:
    kept, written = documents(), Value()
    parsed = kept.read("parsed")
    kept.keep("written", written)
    assert (kept.text_of(parsed), kept.text_of(written), kept.text_of(Value())) == ("parsed", "written", None)
    assert kept.read("written") is written


def test_what_is_forgotten_has_no_text_any_more() -> None:
    kept = documents(most=2)
    first, second, third = kept.read("1"), kept.read("2"), kept.read("3")
    assert [kept.text_of(one) for one in (first, second, third)] == [None, "2", "3"]


def test_of_two_values_of_one_text_the_newer_has_it() -> None:
    kept, older, newer = documents(), Value(), Value()
    kept.keep("same", older)
    kept.keep("same", newer)
    assert (kept.text_of(older), kept.text_of(newer)) == (None, "same")


def test_a_long_text_is_not_kept() -> None:
    kept, value = documents(), Value()
    kept.keep("x" * 20_000, value)
    assert kept.text_of(value) is None
