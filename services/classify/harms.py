"""How many people were harmed, recently, and by what: the counts behind the severity facts.

Several statements of harm may describe the same people (a total beside a part of it, suspected beside
confirmed), so statements are added only where they cannot overlap: where each names another finding, or where
their windows are stated and disjoint. Everywhere else the largest counts. The result is a lower bound, as is
each count: inexact numbers count by what they are at least. Nothing is added over alerts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from schemas.alerts import Alert, Count, Harm, PartialDate
from schemas.vocabularies import Attribution, DatePrecision, EventType, Qualifier

RECENT = timedelta(days=31)
SERIES = 3  # cases in "several": a cluster whose size was not stated
_SEVERAL = 2  # of anything else
_LONG = timedelta(days=92)  # a count without a window over a longer event must be said to be of it
_ENDLESS = timedelta(days=366)  # and over one that is longer still it is a statistic
_HARMFUL = frozenset({EventType.DEATH, EventType.INTOXICATION_CLUSTER})
_HOURS_PER_DAY = 24
_SEVERE = ("hospitalised", "icu", "naloxone_given", "respiratory_arrest", "overdoses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One recent statement of harm. ``finding`` is None where it speaks of the whole alert.

    ``hours`` is the longest time that its counts can have taken, None where nothing bounds it. ``first_on``
    and ``last_on`` are its stated window, None where it states none.
    """

    finding: int | None
    deaths: int
    severe: int
    cases: int
    hours: float | None
    first_on: date | None
    last_on: date | None


def recent_statements(alert: Alert) -> tuple[Statement, ...]:
    """Return the statements of harm of ``alert`` that are recent and no background, in its order.

    An alert that calls itself a death or a cluster of intoxications and counts nobody states one death, or a
    series of cases: the sender's words count where the numbers are missing.
    """
    stated = [_statement(harm, alert) for harm in alert.harms if is_recent(harm, alert)]
    return (*stated, *_implied(alert))


def is_recent(harm: Harm, alert: Alert) -> bool:
    """Return whether ``harm`` is of the event, and ended within 31 days before the alert was sent."""
    if harm.attribution is Attribution.BACKGROUND:
        return False
    sent_on = alert.sent_at.date()
    ended_on = _ended_on(harm, alert, sent_on)
    return ended_on is not None and ended_on >= sent_on - RECENT


def total(statements: Iterable[Statement], measure: Callable[[Statement], float]) -> float:
    """Return the sum of ``measure`` over statements that cannot overlap, the most there is otherwise."""
    return _combined(statements, measure, among=_most_without_overlap)


def severe_in_72_hours(statements: Iterable[Statement]) -> int:
    """Return how many severe cases 72 hours had, at the rate of the statements whose time is bounded."""
    return int(_combined(statements, _rate, among=lambda group, rate: max(map(rate, group), default=0)))


def at_least(count: Count | None, *, several: int = _SEVERAL) -> int:
    """Return the lower bound of ``count``: 0 for what is not stated and for "at most"."""
    if count is None or count.qualifier is Qualifier.AT_MOST:
        return 0
    if count.qualifier is Qualifier.SEVERAL:
        return several
    return count.value or 0


def cases_of(harm: Harm) -> int:
    """Return the lower bound of the people that ``harm`` counts in any way."""
    return max(at_least(harm.cases, several=SERIES), at_least(harm.deaths), _severe_counted(harm))


def _statement(harm: Harm, alert: Alert) -> Statement:
    first, last = _window(harm)
    return Statement(
        finding=harm.finding,
        deaths=at_least(harm.deaths),
        severe=_severe(harm),
        cases=cases_of(harm),
        hours=_hours(harm, alert),
        first_on=first.first if first is not None else None,
        last_on=last.last if last is not None else None,
    )


def _severe_counted(harm: Harm) -> int:
    """Return the largest of the counts that overlap: who was revived may also be in hospital."""
    return max(at_least(getattr(harm, field)) for field in _SEVERE)


def _severe(harm: Harm) -> int:
    counted = _severe_counted(harm)
    series = harm.cases is not None and harm.cases.qualifier is Qualifier.SEVERAL
    return 1 if series and counted == 0 else counted


def _implied(alert: Alert) -> tuple[Statement, ...]:
    events, harms = set(alert.event_types), alert.harms
    dead = EventType.DEATH in events and all(harm.deaths is None for harm in harms)
    uncounted = all(_counts_nobody(harm) for harm in harms)
    series = EventType.INTOXICATION_CLUSTER in events and uncounted
    if not (dead or series) or _event_ended_on(alert, series=series) < alert.sent_at.date() - RECENT:
        return ()
    if EventType.RUMOUR_REFUTATION in events:
        return ()  # what it denies did not happen
    cases = SERIES if series else 1
    severe = 1 if series else 0
    one = Statement(
        finding=None,
        deaths=int(dead),
        severe=severe,
        cases=cases,
        hours=None,
        first_on=None,
        last_on=None,
    )
    return (one,)


def _counts_nobody(harm: Harm) -> bool:
    return all(getattr(harm, field) is None for field in ("cases", "deaths", *_SEVERE))


def _window(harm: Harm) -> tuple[PartialDate | None, PartialDate | None]:
    return harm.window_start, harm.window_end


def _ended_on(harm: Harm, alert: Alert, sent_on: date) -> date | None:
    start, end = _window(harm)
    if end is None and start is not None:
        return harm.as_of.last if harm.as_of is not None else sent_on
    if end is None:
        ended_on = _event_ended_on(alert, series=_is_series(harm, alert), harm=harm)
        return None if _is_trend(harm, alert, ended_on=ended_on) else ended_on
    # A window known by its year only cannot be said to have ended within a month.
    return None if end.precision is DatePrecision.YEAR else end.last


def _is_trend(harm: Harm, alert: Alert, *, ended_on: date) -> bool:
    """Return whether ``harm`` without a window is a statistic of a long time, and no harm of one event.

    Within a year it is of the event where the alert calls itself a death or a cluster, or ties the harm to what
    was found.
    """
    if harm.window_hours is not None or alert.event_start is None:
        return False
    lasted = ended_on - alert.event_start.first
    said = harm.attribution is not Attribution.ASSOCIATED or bool(_HARMFUL & set(alert.event_types))
    return lasted > (_ENDLESS if said else _LONG)


def _is_series(harm: Harm, alert: Alert) -> bool:
    return EventType.INTOXICATION_CLUSTER in alert.event_types or cases_of(harm) >= SERIES


def _event_ended_on(alert: Alert, *, series: bool, harm: Harm | None = None) -> date:
    """Return the last day of the event. A series that nobody has ended went on until it was last counted.

    That is ``as_of`` of its count, else the day on which it was noticed. A single case was on its day.
    """
    if series and alert.event_end is None:
        counted = harm.as_of if harm is not None else None
        return (counted if counted is not None else alert.detected_at).last
    dates = (alert.event_end, alert.event_start)
    known = [day for day in dates if day is not None and day.precision is not DatePrecision.YEAR]
    return (known[0] if known else alert.detected_at).last


def _hours(harm: Harm, alert: Alert) -> float | None:
    if harm.window_hours is not None:
        return float(harm.window_hours)
    first, last = _window(harm)
    if first is None and last is None:
        first, last = alert.event_start, alert.event_end
    if first is None or first.precision in {DatePrecision.YEAR, DatePrecision.MONTH}:
        return None
    # Without an end nobody can have been counted later than the alert was sent.
    end = last.last if last is not None else alert.sent_at.date()
    return float(max((end - first.first).days + 1, 1) * _HOURS_PER_DAY)


def _rate(statement: Statement) -> float:
    if statement.hours is None:
        return 0
    return statement.severe * 72 / max(statement.hours, 72)


def _combined(
    statements: Iterable[Statement],
    measure: Callable[[Statement], float],
    *,
    among: Callable[[list[Statement], Callable[[Statement], float]], float],
) -> float:
    groups: dict[int | None, list[Statement]] = defaultdict(list)
    for statement in statements:
        groups[statement.finding].append(statement)
    if not groups:
        return 0
    whole = among(groups.pop(None, []), measure)
    return max(whole, sum(among(group, measure) for group in groups.values()))


def _most_without_overlap(group: list[Statement], measure: Callable[[Statement], float]) -> float:
    """Return the largest sum of ``measure`` over statements with pairwise disjoint windows."""
    largest = max((measure(one) for one in group), default=0)
    best: list[tuple[date, float]] = []  # by the last day, the most that ends on it
    for last_on, first_on, value in sorted(
        (one.last_on, one.first_on, measure(one))
        for one in group
        if one.last_on is not None and one.first_on is not None
    ):
        before = max((most for ended_on, most in best if ended_on < first_on), default=0)
        best.append((last_on, before + value))
    return max([largest, *(most for _, most in best)])
