"""A short, seeded run of the fuzzer of bodies; the long one is `make fuzz`."""

from benchmarks import fuzz


def test_hostile_bodies_are_refused_with_faults_or_classified() -> None:
    tally = fuzz.run(400, seed=7, classify=fuzz.classifier())
    assert tally.accepted + tally.refused == tally.bodies == 400
    assert tally.accepted > 0
    assert tally.refused > 0
