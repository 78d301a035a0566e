"""Control by date: what was decided, what binds, and what a bare year leaves open."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.reference.catalogue import Catalogue, Control, Entry
from services.reference.controls import DaySpan, Standing, controls_on, nps_strict


def _named(catalogue: Catalogue, name: str) -> Entry:
    (key,) = catalogue.with_name(name)
    return catalogue.by_key[key]


def _day(text: str) -> DaySpan:
    return DaySpan(first=date.fromisoformat(text), last=date.fromisoformat(text))


def _entry(*controls: Control) -> Entry:
    return Entry(
        key="K",
        inchikey="K",
        preferred_name="K",
        cas=None,
        family="fentanyl",
        codes=frozenset(),
        marks=frozenset(),
        effect_group=None,
        chemical_group=None,
        controls=controls,
        plant=False,
    )


def _control(
    decided_on: str, *, effective_on: str | None = None, until: str | None = None, convention: str = "1971"
) -> Control:
    return Control(
        convention=convention,
        schedule="II",
        decided_on=decided_on,
        precision="day" if len(decided_on) > 4 else "year",
        effective_on=effective_on,
        until=until,
        source="test",
    )


def test_bromazolam_was_free_in_2022_and_scheduled_in_2026(catalogue: Catalogue) -> None:
    bromazolam = _named(catalogue, "bromazolam")
    assert nps_strict(bromazolam, _day("2022-06-01")) is True
    assert nps_strict(bromazolam, _day("2026-10-06")) is False


def test_ketamine_is_under_no_convention_at_any_date(catalogue: Catalogue) -> None:
    ketamine = _named(catalogue, "ketamine")
    assert controls_on(ketamine, _day("2026-07-17")).standing is Standing.NONE
    assert nps_strict(ketamine, _day("2026-07-17")) is True


def test_a_precursor_in_table_one_is_not_in_the_schedules_of_drugs(catalogue: Catalogue) -> None:
    piperidone = _named(catalogue, "4-piperidone")
    before = controls_on(piperidone, _day("2024-12-02"))
    after = controls_on(piperidone, _day("2024-12-03"))
    assert before.standing is Standing.DECIDED
    assert after.standing is Standing.IN_FORCE
    assert [(s.convention, s.schedule, s.since) for s in after.schedules] == [
        ("1988", "Table I", "2024-12-03")
    ]
    assert nps_strict(piperidone, _day("2026-01-01")) is True


def test_cannabis_left_schedule_four_but_not_schedule_one(catalogue: Catalogue) -> None:
    cannabis = catalogue.by_key["plant:cannabis"]
    on_the_eve = {s.schedule for s in controls_on(cannabis, _day("2020-12-01")).schedules}
    on_the_day = {s.schedule for s in controls_on(cannabis, _day("2020-12-02")).schedules}
    assert (on_the_eve, on_the_day) == ({"I", "IV"}, {"I"})


def test_poppy_straw_is_in_no_schedule_although_its_trade_is_controlled(catalogue: Catalogue) -> None:
    straw = catalogue.by_key["plant:poppy straw"]
    assert controls_on(straw, _day("2026-01-01")).standing is Standing.IN_FORCE
    assert nps_strict(straw, _day("2026-01-01")) is True


def test_an_event_in_the_year_of_a_decision_without_a_day_is_undetermined() -> None:
    entry = _entry(_control("2026"))
    assert nps_strict(entry, _day("2025-12-31")) is True
    assert nps_strict(entry, _day("2026-01-01")) is None
    assert nps_strict(entry, _day("2026-12-31")) is None
    assert nps_strict(entry, _day("2027-01-01")) is False
    assert controls_on(entry, _day("2026-06-01")).standing is Standing.UNDETERMINED


def test_a_date_known_to_the_month_that_straddles_the_effect_is_undetermined() -> None:
    entry = _entry(_control("2024-03-19", effective_on="2024-12-03"))
    month = DaySpan(first=date(2024, 12, 1), last=date(2024, 12, 31))
    assert nps_strict(entry, month) is None


def test_a_period_that_ended_in_an_unknown_month_is_undetermined_in_that_year_only() -> None:
    entry = _entry(_control("1971-02-21", until="1991"))
    standings = [controls_on(entry, _day(f"{year}-06-01")).standing for year in (1990, 1991, 1992)]
    assert standings == [Standing.IN_FORCE, Standing.UNDETERMINED, Standing.NONE]


def test_the_last_day_of_a_period_is_the_one_before_its_end() -> None:
    entry = _entry(_control("2000-01-01", until="2001-01-01"))
    assert controls_on(entry, _day("2000-12-31")).standing is Standing.IN_FORCE
    assert controls_on(entry, _day("2001-01-01")).standing is Standing.NONE


_DAYS = st.dates(min_value=date(1960, 1, 1), max_value=date(2030, 1, 1))


@given(decided=_DAYS, day=_DAYS)
def test_without_an_end_a_decision_binds_from_its_day_on_for_ever(decided: date, day: date) -> None:
    entry = _entry(_control(decided.isoformat()))
    strict = nps_strict(entry, DaySpan(first=day, last=day))
    assert strict is (day < decided)


@given(year=st.integers(1961, 2026), first=_DAYS, more=st.integers(0, 400))
def test_a_wider_date_never_makes_a_doubtful_control_certain(year: int, first: date, more: int) -> None:
    entry = _entry(_control(str(year)))
    wide = DaySpan(first=first, last=date.fromordinal(first.toordinal() + more))
    ends = {nps_strict(entry, DaySpan(first=day, last=day)) for day in (wide.first, wide.last)}
    strict = nps_strict(entry, wide)
    assert strict is None or ends == {strict}
