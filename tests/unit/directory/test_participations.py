"""How states take part after an import: the ledger's word stands before the table's, the file's before both."""

import pytest

from services.directory.participations import decided, listed
from services.reference.states import load_states
from services.storage.records import Participation

STATES = load_states()
ACTIVE, OBSERVER, WITHDRAWN = Participation.ACTIVE, Participation.OBSERVER, Participation.WITHDRAWN
DISPUTED, NOT_PARTICIPATING = Participation.DISPUTED, Participation.NOT_PARTICIPATING


def of(code: str, *, stated: dict[str, Participation], known: dict[str, Participation]) -> Participation:
    return decided({code}, stated=stated, known=known, states=STATES)[code]


@pytest.mark.parametrize("code", sorted(listed(STATES)))
@pytest.mark.parametrize("known", list(Participation))
def test_what_the_ledger_knows_of_a_state_is_never_put_back_by_the_table(
    code: str, known: Participation
) -> None:
    assert of(code, stated={}, known={code: known}) is known


@pytest.mark.parametrize(
    ("code", "expected"),
    [("HT", ACTIVE), ("VE", DISPUTED), ("NI", WITHDRAWN), ("PR", ACTIVE), ("GF", OBSERVER)],
)
def test_a_state_that_the_ledger_does_not_know_takes_part_as_the_table_says(
    code: str, expected: Participation
) -> None:
    assert of(code, stated={}, known={}) is expected


def test_the_file_wins_over_the_ledger() -> None:
    assert of("HT", stated={"HT": ACTIVE}, known={"HT": WITHDRAWN}) is ACTIVE


def test_a_territory_leaves_with_its_state() -> None:
    assert of("PR", stated={}, known={"US": WITHDRAWN}) is WITHDRAWN
    assert decided((), stated={"US": WITHDRAWN}, known={"US": ACTIVE, "PR": ACTIVE}, states=STATES) == {
        "US": WITHDRAWN,
        "PR": WITHDRAWN,
    }


def test_what_is_said_of_a_territory_itself_stands() -> None:
    stated = {"US": WITHDRAWN, "PR": OBSERVER}
    assert decided((), stated=stated, known={"PR": ACTIVE}, states=STATES) == stated


def test_only_what_is_used_or_said_is_decided() -> None:
    assert decided({"UY"}, stated={}, known={"HT": WITHDRAWN}, states=STATES) == {"UY": ACTIVE}


def test_a_code_that_no_table_lists_takes_no_part() -> None:
    assert of("XX", stated={}, known={}) is NOT_PARTICIPATING
