"""Member states, observers and territories."""

import pytest

from services.reference.places import country_name, subdivision_name
from services.reference.states import Participation, States, load_states
from services.reference.terms import LANGUAGES


@pytest.fixture(scope="module")
def states() -> States:
    return load_states()


def test_there_are_thirty_two_active_member_states(states: States) -> None:
    assert len(states.active()) == 32


@pytest.mark.parametrize(
    ("code", "participation"),
    [
        ("UY", Participation.ACTIVE),
        ("NI", Participation.WITHDRAWN),
        ("CU", Participation.NOT_PARTICIPATING),
        ("VE", Participation.DISPUTED),
        ("ES", Participation.OBSERVER),
        ("PR", Participation.ACTIVE),
        ("GP", Participation.OBSERVER),
        ("ZZ", Participation.UNKNOWN),
    ],
)
def test_a_code_takes_part_as_its_state_does(states: States, code: str, participation: Participation) -> None:
    assert states.participation(code) is participation


def test_a_territory_counts_as_its_sovereign_state(states: States) -> None:
    assert [states.sovereign(code) for code in ("PR", "MQ", "AW", "KY", "UY", "ZZ")] == [
        "US",
        "FR",
        "NL",
        "GB",
        "UY",
        "ZZ",
    ]


def test_each_sovereign_is_listed_and_each_state_is_told_in_a_language_of_the_relay(states: States) -> None:
    for state in states:
        assert state.sovereign is None or states.get(state.sovereign) is not None
        assert state.notify_in
        assert set(state.notify_in) <= set(LANGUAGES)


def test_each_state_has_a_name_in_every_language(states: States) -> None:
    for state in states:
        assert all(country_name(state.code, language) != state.code for language in LANGUAGES)


def test_places_are_named_in_the_language_of_the_reader() -> None:
    assert [country_name("BR", language) for language in LANGUAGES] == [
        "Brazil",
        "Brasil",
        "Brésil",
        "Brasil",
    ]
    assert subdivision_name("UY-MO", "es") == "Montevideo"
    assert subdivision_name("XX-1", "es") == "XX-1"
