"""A name that says that something was not found is no finding of it, in whatever words and marks."""

from collections.abc import Callable

import pytest

from schemas.vocabularies import Outcome
from services.classify.identify import identify
from services.classify.identities import Identity
from services.reference.catalogue import Catalogue

ByName = Callable[[str], Identity]


@pytest.fixture
def by_name(catalogue: Catalogue) -> ByName:
    return lambda name: identify(name=name, catalogue=catalogue, structures=None)


@pytest.mark.parametrize(
    "named", ["fentanyl", "nitazenos", "opioïdes", "cannabinoides sintéticos", "fentanilo"]
)
@pytest.mark.parametrize(
    "denial",
    [
        *("non retrouvé", "non décelé", "non objectivé", "no hallados", "no evidenciados", "no se hallaron"),
        *("no analizado", "not tested", "not seen", "non recherchés", "não encontrados", "niet aangetoond"),
        *(
            "(neg)",
            "neg.",
            "(-)",
            "[–]",
            ": nd",
            "n.d.",
            "<LOQ",
            "descartado",
            "écarté",
            "ruled out",
            "excluded",
        ),
    ],
)
def test_a_negation_behind_a_name_denies_it(by_name: ByName, named: str, denial: str) -> None:
    found = by_name(f"{named} {denial}")
    assert (found.outcome, found.family, found.effect_group) == (Outcome.UNKNOWN, None, None)


@pytest.mark.parametrize(
    "name",
    [
        *("se descarta fentanilo", "cero fentanilo", "zero fentanil", "fake fentanyl", "falso fentanilo"),
        *("ruled-out nitazenes", "fentanyl (-), xylazine (+)"),
    ],
)
def test_a_denial_in_front_leaves_no_hint(by_name: ByName, name: str) -> None:
    found = by_name(name)
    assert (found.outcome, found.family, found.effect_group) == (Outcome.UNKNOWN, None, None)


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("opioides no fentanilo", "opioid"),  # leaves a class out, or a substance
        ("opioid, not morphine", "opioid"),
        ("opioides no prescritos", "opioid"),  # says what kind of use, control or certainty
        ("nitazenos no confirmados", "synthetic_opioid"),
        ("nitazeen (niet nader bepaald)", "synthetic_opioid"),
        ("cannabinoide no sintético", "cannabinoid"),
        ("benzodiacepinas sin receta", "sedative_hypnotic"),
    ],
)
def test_a_negation_that_denies_no_detection_leaves_the_class(
    by_name: ByName, name: str, effect: str
) -> None:
    assert by_name(name).effect_group == effect


@pytest.mark.parametrize("name", ["(-)-ephedrine", "(-)-cathinone"])
def test_in_front_the_mark_is_an_enantiomer(by_name: ByName, name: str) -> None:
    assert by_name(name).outcome is Outcome.RESOLVED


@pytest.mark.parametrize("name", ["Cathinne", "DL-Cathinne", "cathinna"])
def test_a_slip_between_two_endings_is_only_suggested(by_name: ByName, name: str) -> None:
    assert by_name(name).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "name",
    [
        *("fentanyl -", "fentanyl: -", "fentanyl-", "heroin +/fentanyl -", "fentanyl -, heroin +"),
        *("THC: 0%", "alcohol: 0 g/L", "fentanyl <0 mg", "fentanyl 0.0 mg", "fentanyl (0)", "nitazenes: -"),
        *("nitazenes (0)", "nitazenes (n/d)", "nitazenes (false positive)", "nitazenos (falso positivo)"),
    ],
)
def test_a_sign_or_a_zero_behind_a_name_denies_it(by_name: ByName, name: str) -> None:
    found = by_name(name)
    assert (found.outcome, found.family, found.effect_group) == (Outcome.UNKNOWN, None, None)


@pytest.mark.parametrize("name", ["THC 0.3%", "fentanyl 0,05 mg", "fentanyl <0.5 mg", "fentanyl - 2 mg"])
def test_a_small_amount_is_no_denial(by_name: ByName, name: str) -> None:
    assert by_name(name).entry is not None
