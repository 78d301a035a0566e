"""Days and times as a reader of one language and one time zone writes them.

A date of the sender keeps its precision: of a year alone no month is printed, of a day alone no hour.
Names of months are CLDR's; the order and the small words are the usual ones of official letters.
"""

from datetime import date, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import get_month_names

from schemas.dates import PartialDate
from schemas.vocabularies import DatePrecision

_DAY: Final = {
    "en": "{day} {month} {year}",
    "es": "{day} de {month} de {year}",
    "fr": "{day} {month} {year}",
    "pt": "{day} de {month} de {year}",
}
_DAY_AND_MONTH: Final = {
    "en": "{day} {month}",
    "es": "{day} de {month}",
    "fr": "{day} {month}",
    "pt": "{day} de {month}",
}
_MONTH: Final = {
    "en": "{month} {year}",
    "es": "{month} de {year}",
    "fr": "{month} {year}",
    "pt": "{month} de {year}",
}
_FIRST: Final = {"fr": "1er", "pt": "1º"}


def day_text(day: date, language: str) -> str:
    """Return `14 November 2026` in the language."""
    return _DAY[language].format(day=_day(day, language), month=_months(language)[day.month], year=day.year)


def month_text(day: date, language: str) -> str:
    """Return `November 2026` in the language."""
    return _MONTH[language].format(month=_months(language)[day.month], year=day.year)


def moment_text(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Return `14 November 2026, 18:30` in the reader's zone."""
    local = at.astimezone(zone)
    return f"{day_text(local.date(), language)}, {local:%H:%M}"


def due_text(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Return `14 November, 18:30`: an answer is due within days, so the year says nothing."""
    local = at.astimezone(zone)
    day = _DAY_AND_MONTH[language].format(
        day=_day(local.date(), language), month=_months(language)[local.month]
    )
    return f"{day}, {local:%H:%M}"


def partial_text(when: PartialDate, language: str, zone: ZoneInfo, *, day_not_stated: str) -> str:
    """Return a date as exactly as the sender knows it; a month alone says that the day is not stated."""
    match when.precision:
        case DatePrecision.YEAR:
            return str(when.first.year)
        case DatePrecision.MONTH:
            return f"{month_text(when.first, language)} ({day_not_stated})"
        case DatePrecision.DAY:
            return day_text(when.first, language)
    instant = when.instant
    return day_text(when.first, language) if instant is None else moment_text(instant, language, zone)


def offset_text(at: datetime) -> str:
    """Return `-5`, `+0` or `-3:30`, to follow `UTC`."""
    offset = at.utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset is not None else 0
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def _day(day: date, language: str) -> str:
    return _FIRST.get(language, "1") if day.day == 1 else str(day.day)


@cache
def _months(language: str) -> dict[int, str]:
    return dict(get_month_names("wide", locale=language))
