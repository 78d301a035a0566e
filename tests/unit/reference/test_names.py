"""When two spellings are one name, and when they must stay apart."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reference.names import exact_key, fold_key, is_code, locantless_key, loose_key, positions


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("α-PVP", "alpha-PVP"),
        ("Α-PVP", "alpha-pvp"),
        ("alfa-PVP", "alpha PVP"),
        ("Δ⁹-THC", "delta-9-THC"),
        ("β-keto", "ß-keto"),
        ("4′-methyl", "4'-methyl"),
        ("4’-methyl", "4'-methyl"),
        ("3‑MMC", "3-MMC"),
        ("cocaína", "COCAINA"),
        ("para-fluorofentanyl", "p-fluorofentanyl"),
        ("orto-fluorofentanilo", "ortho fluorofentanilo"),
        ("1-boc-4-AP", "1 boc 4 AP"),
        ("'fentanyl'", "fentanyl"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert loose_key(one) == loose_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("4'-methyl", "4-methyl"),
        ("1,4-x", "14-x"),
        ("2-FMA", "3-FMA"),
        ("o-fluorofentanyl", "m-fluorofentanyl"),
        ("a-PVP", "alpha-PVP"),
        ("fentanyl", "fеntanyl"),  # the second has a Cyrillic letter
        ("fentanyl", "fentanyl中"),
    ],
)
def test_what_a_locant_a_prime_or_a_letter_tells_apart_stays_apart(one: str, other: str) -> None:
    assert loose_key(one) != loose_key(other)


def test_the_strict_key_keeps_the_hyphen_that_tells_two_substances_apart() -> None:
    assert exact_key("ADBICA") != exact_key("ADB-ICA")


@pytest.mark.parametrize(
    ("english", "other"),
    [
        ("amphetamine", "anfetamina"),
        ("xylazine", "xilazina"),
        ("isotonitazene", "isotonitaceno"),
        ("phencyclidine", "fenciclidina"),
        ("methcathinone", "metcatinona"),
    ],
)
def test_four_languages_fold_to_one_spelling(english: str, other: str) -> None:
    assert fold_key(english) == fold_key(other)


@pytest.mark.parametrize("code", ["JWH-018", "3-MMC", "MXE", "MDMB-4en-PINACA", "ADB-INACA", "2C-B"])
def test_codes_never_fold(code: str) -> None:
    assert is_code(code)
    assert fold_key(code) is None


@pytest.mark.parametrize(
    "name",
    [
        "F-phenibut",
        "f phenmetrazine",
        "4F-phenmetrazine",
        "fphenibut",
        "x-xylazine",
        "c-ketamine",
        "H-etizolam",
    ],
)
def test_a_letter_that_folding_would_swallow_stops_it(name: str) -> None:
    assert fold_key(name) is None


@pytest.mark.parametrize("name", ["Fentanyl", "FENTANILO", "4-fluoroanfetamina", "N-Etilpentilona"])
def test_plain_names_are_no_codes(name: str) -> None:
    assert not is_code(name)


def test_numbers_and_positions_are_read_as_data() -> None:
    assert positions(exact_key("N,4'-dimethyl-para-x")) == "4' para"


def test_locants_can_be_taken_off() -> None:
    assert locantless_key("3,4-dimethyl-p-fluorofentanyl") == "dimethylfluorofentanyl"


@given(st.text(alphabet="aeéñçüoxyz αβγΔ-'’ 01234,()", max_size=60))
def test_composed_and_decomposed_accents_capitals_and_spaces_make_no_difference(text: str) -> None:
    decomposed = unicodedata.normalize("NFD", text)
    assert loose_key(decomposed) == loose_key(text) == loose_key(f"  {text.upper()} ")


@given(st.text(max_size=60))
def test_a_key_holds_no_space_hyphen_or_capital(text: str) -> None:
    key = loose_key(text)
    assert not set(key) & set(" -()[]/+_")
    assert key == key.lower()
