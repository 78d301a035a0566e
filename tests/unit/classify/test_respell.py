"""Other ways to write the same name: what they are, and what they never change."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classify.identify import identify
from services.classify.respell import perhaps, respelt
from services.reference.catalogue import Catalogue


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("5-MeO-DMT", "5-methoxy-DMT"),
        ("4F-α-PVP", "4-fluoro-α-PVP"),
        ("4-cloro-α-PVP", "4-chloro-α-PVP"),
        ("mCPP", "m-CPP"),
        ("p-CPP", "pCPP"),
        ("aPVP", "alpha-PVP"),
        ("a-methylfentanyl", "alpha-methylfentanyl"),
        ("d9-THC", "delta-9-THC"),
        ("para-chloromethcathinone", "4-chloromethcathinone"),
        ("4-cloroanfetamina", "para-cloroanfetamina"),
        ("DL-amphetamine", "amphetamine"),
        ("ketamine (racemate)", "ketamine"),
        ("(S)-ketamine", "ketamine"),
        ("N-methyl-N-ethyltryptamine", "N-ethyl-N-methyltryptamine"),
    ],
)
def test_a_name_has_other_spellings(name: str, other: str) -> None:
    assert other in set(respelt(name))


@pytest.mark.parametrize(
    "name",
    [
        "2C-B",  # no group behind a locant
        "4-fluorofentanyl",  # two rings and a piperidine: 4 need not be para
        "2-methyl-4-chloroamphetamine",
        "(1R,2S)-ephedrine",  # another row of the catalogue is its epimer
        "dl-",
        "",
    ],
)
def test_where_two_things_may_be_meant_nothing_is_respelt(name: str) -> None:
    assert not {re.sub("[^a-z]", "", other) for other in respelt(name)} & {"parafluorofentanyl", "ephedrine"}


@given(name=st.text(max_size=60))
def test_spellings_are_few_distinct_and_never_empty(name: str) -> None:
    others = list(respelt(name))
    assert len(others) == len(set(others)) <= 40
    assert name not in others
    assert all(others)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bromazolam (benzodiazepine)", "bromazolam"),
        ("bromazolam (nitazeno)", None),
        ("“JWH-018”", "JWH-018"),
        ("cocaine x HCl", "Cocaine"),
        ("tramadol.HCl", "Tramadol"),
        ("cocaína, sal de clorhidrato", "Cocaine"),
        ("ketamine monohydrochloride", "Ketamine"),
        ("4-acetoxi-N,N-dimetiltriptamina", "4-acetoxy DMT"),
        ("etizolán", "Etizolam"),
        ("seudoefedrina", "Pseudoephedrine"),
        ("tyramine", None),
        ("MDMB 4en PINACA", "MDMB-4en-PINACA"),
        ("2 CB", "2C-B"),
        ("αPVP", "alpha-PVP"),
    ],
)
def test_forms_of_names_in_alerts(name: str, expected: str | None, catalogue: Catalogue) -> None:
    entry = identify(name=name, catalogue=catalogue, structures=None).entry
    assert (entry.preferred_name if entry else None) == expected


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("4-methoxyfentanyl", "para-methoxyfentanyl"),
        ("2-metilfentanilo", "ortho-metilfentanilo"),
        ("4'-methylfentanyl", None),
        ("4-fluoro-3-methylfentanyl", None),
        ("fentanyl", None),
    ],
)
def test_a_number_on_a_fentanyl_is_only_perhaps_that_of_its_aniline(name: str, other: str | None) -> None:
    assert perhaps(name) == other
