"""What stands around a name without changing what is named, and what does change it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.classify.identify import identify
from services.classify.peeling import denied, peeled
from services.reference.catalogue import Catalogue


def _each(text: str) -> list[str]:
    return [" ".join(one.split()) for one in text.split(";")]


_CHANGES_NOTHING = _each("""
    trazas de {}; traces of {}; traços de {}; {} (trace); {} - trace; polvo de {}; {} powder; {}
    (presuntivo); {} (présumé); {} suspected; suspicion de {}; {} (não confirmado); unconfirmed {}; {}
    (non confirmé); {} à confirmer; {} ilícito; illicitly manufactured {}; {} de uso hospitalario; {} 2
    mg; {} 0,05 mg/mL; {} 50 mcg/h; {} 100 mg/10 ml; {} 10-20 mg; {} 10 %; {} (5 mg); 2 mg {}; {} 2 mg
    comprimidos; {} solución inyectable; 10 ampollas de {}; {} 2 mg x 10 tabletas; {} amp.; {} (tira
    reactiva); {} en orina; {} by GC-MS; {} clorhidrato 60 mg; citrate de {} 50 mg/ml ampoule;
    cloridrato de {} monoidratado; {} hemi-hidratado; free base {}; {} base libre; {} para uso
    veterinario; {} (BTNX test strip); {} 60 mg/tableta; {} al 37%; {} (cutting agent)
""")
_CHANGES_IT = _each("""
    no {}; not {}; sin {}; sem {}; non-{}; {} no; {} no detectado; {} (not detected); {} negativo; {}
    (ausente); ausencia de {}; {}-free; libre de {}; opioide sintético (no {}); opioides no {}; otro que
    {}; precursor de {}; metabolite of {}; {} (metabolito); {} (acid); {} ester; {} test strip; {} A;
    counterfeit {}; {} antidote; {} e; de {}; without {}; {} (none); {} (non détecté)
""")
_SOME = ["fentanyl", "3-MMC", "Bromazolam", "etizolam", "cocaína"]


@pytest.mark.parametrize("around", _CHANGES_NOTHING)
def test_what_only_stands_around_a_name_leaves_the_substance(around: str, catalogue: Catalogue) -> None:
    for name in _SOME:
        plain = identify(name=name, catalogue=catalogue, structures=None)
        found = identify(name=around.format(name), catalogue=catalogue, structures=None)
        assert found.entry is plain.entry is not None, around.format(name)


@pytest.mark.parametrize("around", _CHANGES_IT)
def test_what_denies_a_name_or_makes_it_another_resolves_nothing(around: str, catalogue: Catalogue) -> None:
    for name in _SOME:
        found = identify(name=around.format(name), catalogue=catalogue, structures=None)
        assert found.entry is None, around.format(name)


@pytest.mark.parametrize(
    ("name", "family", "effect_group"),
    [
        ("opioides sintéticos (no fentanilo)", "opioid_other", "synthetic_opioid"),
        ("nuevos opioides sintéticos no fentanílicos", "opioid_other", "synthetic_opioid"),
        ("non-fentanyl synthetic opioids", "opioid_other", "synthetic_opioid"),
        ("opioide sintético de uso no médico", "opioid_other", "synthetic_opioid"),
        ("nitazeno (não confirmado)", "nitazene", "synthetic_opioid"),
        ("benzodiacepina no clonazepam", "benzodiazepine", "sedative_hypnotic"),
        ("cannabinoide no sintético", None, "cannabinoid"),
        ("sin fentanilo", None, None),
        ("nitazenes not detected", None, None),
        ("nitazenos (negativo)", None, None),
        ("none (nitazenes)", None, None),
        ("libre de nitazenos", None, None),
        ("antagonista de fentanilo", None, None),
        ("not a synthetic opioid", None, None),
        ("fentanyl test strip", None, None),
    ],
)
def test_a_negation_takes_away_what_it_negates(
    name: str, family: str | None, effect_group: str | None, catalogue: Catalogue
) -> None:
    found = identify(name=name, catalogue=catalogue, structures=None)
    assert (found.entry, found.family, found.effect_group) == (None, family, effect_group)


def test_a_locant_is_no_dose(catalogue: Catalogue) -> None:
    assert peeled("3l-N,N-DMC", catalogue.words) is None
    assert identify(name="3l-N,N-DMC", catalogue=catalogue, structures=None).entry is None
    assert peeled("cocaína 0 %", catalogue.words) is None


def test_words_alone_are_left_as_they_are(catalogue: Catalogue) -> None:
    assert peeled("polvo", catalogue.words) is None
    assert peeled("3-MMC", catalogue.words) is None


@given(name=st.text(max_size=60))
def test_nothing_that_is_written_breaks_it(name: str, catalogue: Catalogue) -> None:
    bare = peeled(name, catalogue.words)
    assert bare is None or len(bare.name.split()) <= len(name) + 1
    assert denied(name, catalogue.words) in {True, False}
