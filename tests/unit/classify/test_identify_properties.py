"""What holds for every name: the catalogue finds itself, and a slip never names another substance."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.vocabularies import Outcome
from services.classify.identify import identify
from services.reference.catalogue import Catalogue
from services.reference.loader import load_catalogue
from services.reference.names import fold_key, loose_key
from services.reference.tables import DATA, items, rows

_CATALOGUE = load_catalogue()
_NAMES = sorted(
    {
        (name, row["inchikey"])
        for row in rows(DATA / "substances.csv")
        for name in (row["preferred_name"], *items(row["synonyms"]))
        if row["inchikey"] in _CATALOGUE.names.find(name)
    }
)
_SALTS = (
    "{} hydrochloride",
    "{} HCl",
    "clorhidrato de {}",
    "chlorhydrate de {}",
    "cloridrato de {}",
    "citrato de {}",
    "sulfate de {}",
    "{} sulfato",
    "{} fumarate",
    "{} base",
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return _CATALOGUE


def test_every_preferred_name_leads_to_its_own_substance_or_says_why_not(catalogue: Catalogue) -> None:
    lost = []
    for entry in catalogue.entries:
        found = identify(name=entry.preferred_name, catalogue=catalogue, structures=None)
        if found.entry is not entry and found.reason not in {"name_ambiguous", "class_named"}:
            lost.append(entry.preferred_name)
    assert lost == []


def test_positional_isomers_stay_apart(catalogue: Catalogue) -> None:
    for names in (
        ("ortho-fluorofentanyl", "meta-fluorofentanyl", "para-fluorofentanyl"),
        ("2-MMC", "3-MMC", "4-MMC"),
        ("2-CMC", "3-CMC", "4-CMC"),
        ("2-FMA", "3-FMA", "4-FMA"),
        ("2-fluoroanfetamina", "3-fluoroanfetamina", "4-fluoroanfetamina"),
    ):
        found = [identify(name=name, catalogue=catalogue, structures=None).inchikey for name in names]
        assert len(set(found)) == len(names)
        assert None not in found


@settings(max_examples=400, deadline=None)
@given(
    named=st.sampled_from(_NAMES),
    place=st.integers(0, 60),
    kind=st.sampled_from(["drop", "change", "insert", "swap"]),
    letter=st.sampled_from(string.ascii_lowercase + string.digits + "'"),
)
def test_a_slip_of_the_pen_never_names_another_substance(
    named: tuple[str, str], place: int, kind: str, letter: str
) -> None:
    name, key = named
    slip = _with_slip(name, place=place % len(name), kind=kind, letter=letter)
    found = identify(name=slip, catalogue=_CATALOGUE, structures=None)
    if found.entry is None or found.entry.key == key:
        return
    exact = loose_key(slip) in _CATALOGUE.names.loose or found.step == "salt"
    assert exact or fold_key(slip) in _CATALOGUE.names.folded or found.reason == "name_respelt"


@settings(max_examples=200, deadline=None)
@given(named=st.sampled_from(_NAMES), form=st.sampled_from(_SALTS))
def test_a_salt_is_its_parent_or_nothing(named: tuple[str, str], form: str) -> None:
    name, key = named
    found = identify(name=form.format(name), catalogue=_CATALOGUE, structures=None)
    assert found.entry is None or found.entry.key == key


@settings(max_examples=300, deadline=None)
@given(name=st.text(max_size=250))
def test_no_text_is_an_error(name: str) -> None:
    found = identify(name=name, catalogue=_CATALOGUE, structures=None)
    assert found.outcome in Outcome
    assert found.outcome is Outcome.RESOLVED or found.entry is None


def test_hostile_names_are_answered() -> None:
    draw = random.Random(20261120)
    alphabet = "fentanyl 0123456789+/,()[]-'·’\u0000\u202e\u0301ΔαßЖ中\t\n"
    for _ in range(500):
        name = "".join(draw.choices(alphabet, k=draw.randrange(200)))
        found = identify(name=name, one_of=[name[::-1]], cas=None, catalogue=_CATALOGUE, structures=None)
        # A mixture has the codes of each part, and E4 is a name of RCS-4.
        assert found.codes <= {"NPS", "PHA", "PHA.NAR", "SYN", "SYN.FRS", "SYN.NSO", "SYN.OTH"}


def _with_slip(name: str, *, place: int, kind: str, letter: str) -> str:
    before, here, after = name[:place], name[place], name[place + 1 :]
    if kind == "drop":
        return before + after
    if kind == "insert":
        return before + letter + here + after
    if kind == "swap" and after:
        return before + after[0] + here + after[1:]
    return before + letter + after


_WORDS = sorted({word for row in rows(DATA / "words.csv") for word in row["words"].split()})
_MARKS = [*"-()[/+,;:.®%03x=\"'", "--", "(-)", "4-", "/mL"]
_LETTERS = st.sampled_from("\u0130\u0131\u017f\u212aßéÉñ αβ")
_PIECES = st.one_of(
    st.sampled_from(_WORDS), st.sampled_from(_MARKS), st.sampled_from([name for name, _ in _NAMES]), _LETTERS
)


@settings(max_examples=1500)
@given(
    pieces=st.lists(_PIECES, min_size=1, max_size=6),
    joiner=st.sampled_from([" ", "", "-"]),
    upper=st.booleans(),
)
def test_whatever_is_put_together_of_our_own_words_is_answered(
    pieces: list[str], joiner: str, upper: bool
) -> None:
    name = joiner.join(pieces)
    identify(name=name.upper() if upper else name, catalogue=_CATALOGUE, structures=None)


@pytest.mark.parametrize(
    "name", ["acid-", "free-", "perillic acid(-)", "4-İodo-X", "METİL FENTANİL", "ſulfate", "3-K"]
)
def test_a_name_that_is_hardly_one_is_answered(name: str) -> None:
    assert identify(name=name, catalogue=_CATALOGUE, structures=None).entry is None
