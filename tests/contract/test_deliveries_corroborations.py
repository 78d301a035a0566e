"""Who hears of a second report of one event: whoever it tells something that they were not told.

What is grave or tells of harm is held back only where more than place and days says that it is the same event: a
wrong merge would keep it from everybody.
"""

from typing import Any

import pytest

from schemas.classifications import Correlation, FirstSeen, RelatedAlert, SubstanceIdentity
from schemas.vocabularies import CorrelationLevel, First, Outcome, Severity
from tests.builders import make_alert
from tests.deliveries_rig import Rig, make_classification, make_recipient

FIRST_REPORT = "SATA-UY-2026-000001"  # what the rig calls the thread of its first message
ISOTONITAZENE = "OIOQREYBGDAYGT"
MODERATE = make_classification(level=Severity.MODERATE)
SURE = ("same_substance.locality", "reference.same_event_as")
WINDOW_ALONE = ("same_substance", "same_product", "same_adulterant")


@pytest.fixture
async def rig(rig: Rig) -> Rig:
    """A rig whose directory is one focal point with a webhook."""
    await rig.direct(make_recipient())
    return rig


def same_event(reason: str, *, relay_id: str = FIRST_REPORT, **more: Any) -> Correlation:
    other = RelatedAlert(
        id="00000000-0000-5000-8000-000000000001",
        relay_id=relay_id,
        level=CorrelationLevel.SAME_EVENT,
        reason=reason,
    )
    return Correlation(level=CorrelationLevel.SAME_EVENT, related=(other,), **more)


async def second_is_told(rig: Rig, first: dict[str, Any], second: dict[str, Any], **how: Any) -> bool:
    """Return whether who was told of the first report hears of the second."""
    named = {"classification", "correlation"}
    await rig.issue(
        make_alert(**{key: said for key, said in first.items() if key not in named}),
        incident="one event",
        classification=first.get("classification", make_classification()),
    )
    await rig.issue(
        make_alert(national_ref="S", **second),
        thread="second",
        incident="one event",
        **{"correlation": same_event("same_substance.locality")} | how,
    )
    first_row, second_row = await rig.rows()
    assert first_row.state == "pending"
    return bool(second_row.state == "pending")


def harm(**counts: Any) -> dict[str, Any]:
    return {"harms": [{"attribution": "suspected", **counts}]}


def substance(confirmation: str, name: str = "N-etilpentilona") -> dict[str, Any]:
    return {"findings": [{"substances": [{"name": name, "confirmation": confirmation}]}]}


@pytest.mark.parametrize(
    ("second", "how", "told"),
    [
        ({}, {}, False),
        ({}, {"classification": make_classification(level=Severity.CRITICAL)}, True),
        (substance("confirmed"), {}, True),
        (harm(deaths=1), {}, True),
    ],
    ids=["nothing", "severity", "confirmation", "harm"],
)
async def test_it_is_told_again_only_where_something_rises(
    rig: Rig, second: dict[str, Any], how: dict[str, Any], *, told: bool
) -> None:
    first = substance("presumptive_lab")

    assert await second_is_told(rig, first, first | second, **how) is told


# --- what the window alone may hold back -----------------------------------------------------------------------


@pytest.mark.parametrize("level", [Severity.CRITICAL, Severity.HIGH])
@pytest.mark.parametrize("reason", WINDOW_ALONE)
async def test_nothing_grave_is_held_back_by_place_and_days_alone(
    rig: Rig, level: Severity, reason: str
) -> None:
    grave = make_classification(level=level)

    first, correlation = {"classification": grave}, same_event(reason)
    assert await second_is_told(rig, first, {}, classification=grave, correlation=correlation)


@pytest.mark.parametrize("reason", WINDOW_ALONE)
async def test_no_harm_is_held_back_by_place_and_days_alone(rig: Rig, reason: str) -> None:
    first, second = {"classification": MODERATE} | harm(hospitalised=9), harm(hospitalised=1)

    assert await second_is_told(rig, first, second, classification=MODERATE, correlation=same_event(reason))


@pytest.mark.parametrize("reason", WINDOW_ALONE)
async def test_what_is_neither_grave_nor_harm_is_held_back(rig: Rig, reason: str) -> None:
    first = {"classification": MODERATE}

    assert not await second_is_told(rig, first, {}, classification=MODERATE, correlation=same_event(reason))


@pytest.mark.parametrize("reason", SURE)
async def test_the_same_town_or_a_reference_holds_back_what_says_nothing_new(rig: Rig, reason: str) -> None:
    first, second = harm(hospitalised=9, deaths=1), harm(hospitalised=4)

    assert not await second_is_told(rig, first, second, correlation=same_event(reason))


@pytest.mark.parametrize("reason", SURE)
async def test_a_report_that_the_recipient_never_had_supports_nothing(rig: Rig, reason: str) -> None:
    assert await second_is_told(rig, {}, {}, correlation=same_event(reason, relay_id="SATA-UY-2026-000007"))


# --- what rises ------------------------------------------------------------------------------------------------


async def test_a_first_always_goes_out(rig: Rig) -> None:
    first = FirstSeen(scope=First.ADMIN1, country="AR", admin1="AR-M", substance="eutylone")

    assert await second_is_told(rig, {}, {}, correlation=same_event(SURE[0], firsts=(first,)))


@pytest.mark.parametrize(("admin1", "told"), [(["AR-X"], False), (["AR-M", "AR-X"], True), ([], False)])
async def test_a_part_of_the_country_that_was_not_named_is_news(
    rig: Rig, admin1: list[str], *, told: bool
) -> None:
    first, second = ({"location": {"country": "AR", "admin1": codes}} for codes in (["AR-X"], admin1))

    assert await second_is_told(rig, first, second) is told


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ({"window_start": "2026-09-01", "window_end": "2026-09-02"}, False),
        ({"window_start": "2026-09-03", "window_end": "2026-09-03"}, False),
        ({"window_start": "2026-09-06", "window_end": "2026-09-06"}, True),
    ],
    ids=["the same days", "the next day", "days later"],
)
async def test_harm_on_other_days_is_other_harm(rig: Rig, days: dict[str, str], *, told: bool) -> None:
    first = harm(hospitalised=9, window_start="2026-09-01", window_end="2026-09-02")

    assert await second_is_told(rig, first, harm(hospitalised=2, **days)) is told


async def test_one_substance_under_two_names_is_no_news(rig: Rig) -> None:
    names = ("isotonitazène", "Isotonitazeno")
    known = tuple(
        make_classification().model_copy(update={"substances": (identified(name),)}) for name in names
    )
    first, second = (substance("confirmed", name) for name in names)

    assert not await second_is_told(
        rig, first | {"classification": known[0]}, second, classification=known[1]
    )


async def test_another_substance_is_news(rig: Rig) -> None:
    first, second = substance("confirmed", "isotonitazène"), substance("confirmed", "protonitazène")

    assert await second_is_told(rig, first, second)


def identified(name: str) -> SubstanceIdentity:
    return SubstanceIdentity(
        finding=0,
        substance=0,
        name=name,
        outcome=Outcome.RESOLVED,
        inchikey=f"{ISOTONITAZENE}-UHFFFAOYSA-N",
        preferred_name="isotonitazene",
        step="name",
        reason="exact",
    )
