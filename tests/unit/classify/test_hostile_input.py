"""A short run of `make fuzz`: hostile names and structures are answered, and soon."""

from benchmarks.fuzz_names import records, run


def test_hostile_names_and_structures_are_answered_in_time() -> None:
    outcome = run(seed=7, count=3000)
    assert (outcome.count, outcome.crashes, outcome.slow) == (3000, 0, 0)


def test_a_seed_gives_the_same_records_again() -> None:
    assert list(records(seed=3, count=200)) == list(records(seed=3, count=200))
