"""Since when a substance is under international control, and whether it was on a given day.

A decision binds later than it is taken: on the 1961 Convention for each Party on receipt of the
communication, on those of 1971 and 1988 fully 180 days after it. A period therefore covers ``effective_on``,
or ``decided_on`` where that is not known, up to the day before ``until``. Between decision and effect a
substance is not yet controlled. Where only a year is known, an event in that year is undetermined, neither
controlled nor free.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from services.reference.catalogue import Control, Entry

_SCHEDULES_OF_DRUGS = frozenset({"1961", "1971"})
_OUTSIDE_SCHEDULES = frozenset({"Art. 25"})  # poppy straw: its trade is controlled, it is in no schedule


class Days(Protocol):
    """The days that a date of any precision may mean: both ends included, equal for a full date."""

    @property
    def first(self) -> date:
        """The earliest day."""
        ...

    @property
    def last(self) -> date:
        """The latest day."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpan:
    """The plainest :class:`Days`."""

    first: date
    last: date


class Standing(StrEnum):
    """How a period of control stands to a day; the words of the group ``un_control`` in ``terms.csv``."""

    IN_FORCE = "in_force"
    DECIDED = "decided"  # decided, effect follows
    UNDETERMINED = "undetermined"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOn:
    """One schedule that covers a day, or may. ``since`` and ``decided_on`` are ISO days or years."""

    convention: str
    schedule: str
    since: str
    decided_on: str
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class UnControl:
    """Every schedule that matters on a day, by convention and schedule, and their strongest standing."""

    standing: Standing
    schedules: tuple[ControlOn, ...]


def controls_on(entry: Entry, day: Days) -> UnControl:
    """Return the international control of ``entry`` on ``day``. No row means not found listed at any date."""
    schedules = tuple(
        ControlOn(
            convention=control.convention,
            schedule=control.schedule,
            since=control.effective_on or control.decided_on,
            decided_on=control.decided_on,
            standing=standing,
        )
        for control in sorted(entry.controls, key=lambda c: (c.convention, c.schedule, c.decided_on))
        if (standing := _standing(control, day)) is not Standing.NONE
    )
    found = {schedule.standing for schedule in schedules}
    for standing in (Standing.IN_FORCE, Standing.UNDETERMINED, Standing.DECIDED):
        if standing in found:
            return UnControl(standing=standing, schedules=schedules)
    return UnControl(standing=Standing.NONE, schedules=schedules)


def nps_strict(entry: Entry, on: Days) -> bool | None:
    """Return whether ``entry`` was outside the schedules of 1961 and 1971, or None where undetermined.

    The strict reading of "new psychoactive substance" (HPAD-2021:CM.2@L184): not controlled by either
    convention. The tables of 1988 hold precursors and have no say.
    """
    standings = {
        schedule.standing
        for schedule in controls_on(entry, on).schedules
        if schedule.convention in _SCHEDULES_OF_DRUGS and schedule.schedule not in _OUTSIDE_SCHEDULES
    }
    if Standing.IN_FORCE in standings:
        return False
    return None if Standing.UNDETERMINED in standings else True


def _standing(control: Control, day: Days) -> Standing:
    start = _span(control.effective_on or control.decided_on)
    end = _span(control.until) if control.until else None
    if end and day.first >= end.last and day.first >= end.first:
        gone = day.first > end.last or end.first == end.last
        return Standing.NONE if gone else Standing.UNDETERMINED
    if day.last < start.first:
        decided = control.effective_on is not None and day.first >= _span(control.decided_on).last
        return Standing.DECIDED if decided else Standing.NONE
    begun = day.first > start.last or start.first == start.last <= day.first
    lasting = end is None or day.last < end.first
    return Standing.IN_FORCE if begun and lasting else Standing.UNDETERMINED


def _span(written: str) -> DaySpan:
    if len(written) == len("2026"):
        return DaySpan(first=date(int(written), 1, 1), last=date(int(written), 12, 31))
    day = date.fromisoformat(written)
    return DaySpan(first=day, last=day)
