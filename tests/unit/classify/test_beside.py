"""Words beside a name: what kind of substance it is, how sure the sender is, or another substance."""

import pytest

from services.classify.identify import identify
from services.reference.catalogue import Catalogue


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("benzodiacepina bromazolam", "bromazolam"),
        ("cannabinoide sintético MDMB-4en-PINACA", "MDMB-4en-PINACA"),
        ("opioide sintético: protonitazeno", "protonitazene"),
        ("carfentanil (opioide sintético)", "Carfentanil"),
        ("nitazenos (isotonitazeno)", "isotonitazene"),
        ("3-MMC catinona sintética", "3-MMC"),
        ("possible carfentanil", "Carfentanil"),
        ("sospecha de fentanilo", "Fentanyl"),
        ("Bromazolam, 2 mg", "bromazolam"),
        ("nitazeno bromazolam", None),  # they disagree
        ("ketamine MXE", None),  # two substances
        ("análogo de isotonitazeno", None),
        ("posible análogo de fentanilo", None),
        ("metanfetamina (cristal)", "Methamphetamine"),
        ("metanfetamina (Tesla)", None),
        ("cocaína (crack)", "Cocaine"),
        ("cocaína/crack", "Cocaine"),
        ("MDMA – ecstasy", "MDMA"),
        ("MDMA (ecstasy, molly)", "MDMA"),
        ("carfentanil (elephant tranquilizer)", "Carfentanil"),
        ("carfentanil (ecstasy)", None),  # the street's name of another substance
        ("BTMPS (bis(2,2,6,6-tetramethyl-4-piperidyl) sebacate, Tinuvin 770)", "BTMPS"),
        ("4-anilinopiperidine (4-AP)", "4-AP"),  # one of two meanings is this one
        ("opioide (posible carfentanilo)", "Carfentanil"),
        ("opioide sin identificar (posible carfentanilo)", None),
        ("fentanyl (analogue)", None),
        ("fentanyl (metabolite)", None),
        ("fentanyl (metabolite of fentanyl)", None),
        ("6-MAM (metabolito de heroína)", "6-Acetylmorphine"),
        ("fentanyl (fentanyl test strip positive)", "Fentanyl"),
        ("polvo blanco (cocaína)", "Cocaine"),
        ("MDMB-4en-PINACA (K9)", "MDMB-4en-PINACA"),  # K9 promises this effect and names nothing
        ("bromazolam (K9)", None),
        ("cocaine (angel dust)", None),  # a name of another
        ("cocaína rosada (2C-B)", None),  # a name of its own
        ("fentanyl (4-ANPP)", None),  # they disagree
    ],
)
def test_what_stands_beside_a_name_must_agree_with_it(
    name: str, expected: str | None, catalogue: Catalogue
) -> None:
    entry = identify(name=name, catalogue=catalogue, structures=None).entry
    assert (entry.preferred_name if entry else None) == expected


@pytest.mark.parametrize(
    ("name", "reason", "candidates"),
    [
        ("3-MMC o 4-MMC", "either_or", ["3-MMC", "Mephedrone"]),
        ("amphétamine ou méthamphétamine", "either_or", ["Amphetamine", "Methamphetamine"]),
        ("anfetamina/metanfetamina", "mixture", ["Amphetamine", "Methamphetamine"]),
        ("tusi (ketamina + MDMA)", "mixture", ["Ketamine", "MDMA"]),
        ("XYZ-1 (ketamina, MDMA)", "mixture", ["XYZ-1", "Ketamine", "MDMA"]),
        ("heroína cortada con fentanilo", "mixture", ["Heroin", "Fentanyl"]),
    ],
)
def test_two_substances_are_both_shown(
    name: str, reason: str, candidates: list[str], catalogue: Catalogue
) -> None:
    found = identify(name=name, catalogue=catalogue, structures=None)
    assert (found.reason, [one.preferred_name for one in found.candidates]) == (reason, candidates)


def test_a_name_with_brackets_that_are_not_understood_is_suggested(catalogue: Catalogue) -> None:
    found = identify(name="carfentanilo (Tesla)", catalogue=catalogue, structures=None)
    assert [(one.preferred_name, one.reason) for one in found.candidates] == [("Carfentanil", "part_of_name")]
    assert (found.codes, found.effect_group) == (frozenset(), "synthetic_opioid")  # a hint, as of an ending


@pytest.mark.parametrize(
    "name",
    [
        *("benzodiazepine not specified", "fentanyl or analogue", "other fentanyl", "fentanil e análogos"),
        *("fentanyl (other)", "fentanyl (unspecified)", "fentanilo (sin identificar)"),
        *(
            "suspected synthetic opioid",
            "presunto nitaceno",
            "possível canabinoide sintético",
            "nitazène présumé",
        ),
        *(
            "nitazenos (tira reactiva)",
            "nitazenes (Nox)",
            "opioide sintético (nitazeno?)",
            "synthetic cannabinoids (K2/spice)",
        ),
        *("canabinoide sintético (K9)", "K4 (maconha sintética)"),
        *("methylfentanyl-related drug", "análogo de fluorofentanilo", "metilfentanilo, derivado"),
    ],
)
def test_a_class_stays_a_class(name: str, catalogue: Catalogue) -> None:
    assert identify(name=name, catalogue=catalogue, structures=None).outcome == "class_only"
