"""One product under the words of four languages."""

import itertools

import pytest

from schemas.findings import Product
from services.classify import looks
from services.classify.keys import product_keys

M30 = {"form": "tablet", "colour": "blue", "shape": "round", "markings": "M / 30"}


def keys(**said: str) -> tuple[str, ...]:
    return product_keys(Product.model_validate(said))


@pytest.mark.parametrize(
    "written",
    [
        {"markings": "M30"},
        {"markings": "M-30", "colour": "azul"},
        {"markings": "m 30", "colour": "Bleue", "shape": "rond"},
        {"markings": "M/30", "colour": "azuis", "shape": "redondo"},
        {"colour": "light blue"},
        {"colour": "celeste"},
        {"colour": "Azul claro"},
    ],
)
def test_one_tablet_is_one_in_every_language(written: dict[str, str]) -> None:
    assert keys(**M30 | written) == keys(**M30)


def test_a_shape_that_is_left_out_keeps_nothing_apart() -> None:
    assert keys(**{name: said for name, said in M30.items() if name != "shape"}) == keys(**M30)


@pytest.mark.parametrize(
    "other",
    [
        {"markings": "M / 50"},
        {"colour": "pink"},
        {"colour": "blue and white"},
        {"form": "capsule"},
        {"markings": "30 / M"},
    ],
)
def test_another_tablet_is_another(other: dict[str, str]) -> None:
    assert keys(**M30 | other) != keys(**M30)


def test_two_colours_are_two_in_any_order() -> None:
    assert looks.colours("celeste y blanco") == looks.colours("white/light blue") == "blue white"


@pytest.mark.parametrize("word", ["turquesa", "fluorescent", "東"])
def test_a_colour_that_is_in_no_table_is_compared_as_it_is_written(word: str) -> None:
    assert looks.colours(f" {word.upper()}. ") == looks.colours(word)
    assert len({looks.colours(one) for one in (word, "blue", None)}) == 3


@pytest.mark.parametrize("text", [None, "", "irregular", "round or oval"])
def test_a_shape_that_is_unclear_is_none(text: str | None) -> None:
    assert looks.shape(text) == ""


@pytest.mark.parametrize(
    ("one", "other"), [*itertools.combinations(["redonda", "ovale", "triangular", "calavera"], 2)]
)
def test_two_shapes_are_two(one: str, other: str) -> None:
    assert looks.shape(one) != looks.shape(other)


def test_without_a_marking_any_tablet_looks_like_any() -> None:
    assert keys(form="tablet", colour="white", shape="round") == ()
    assert keys(markings="M30") == ()
    assert keys(form="tablet", markings=" / ") == ()
