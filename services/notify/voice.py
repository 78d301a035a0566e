"""How the relay speaks to one reader: fixed words of the terms, in the reader's language and time zone.

Names of countries and places follow a colon or a comma, never a preposition, so that none needs an article.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from babel import Locale

from schemas.dates import PartialDate
from services.notify.dates import day_text, due_text, moment_text, offset_text, partial_text
from services.notify.document import Line, Word, line
from services.notify.typography import capital, colon, lowered, number, one_line, quoted, sentence

LANGUAGES: Final = ("en", "es", "fr", "pt")


class Terms(Protocol):
    """The fixed words: group and code in a language, with their placeholders filled."""

    def phrase(self, group: str, code: str, language: str, /, **placeholders: object) -> str:
        """Return the words; KeyError for a code that is not in the table."""


class Places(Protocol):
    """Names of countries (ISO 3166-1) and of their subdivisions (ISO 3166-2); the code where unknown."""

    def country_name(self, code: str, language: str, /) -> str:
        """Return the name of a country."""

    def subdivision_name(self, code: str, language: str, /) -> str:
        """Return the name of a subdivision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One reader's language and zone, and the tables to speak from."""

    language: str
    zone: ZoneInfo
    terms: Terms
    places: Places

    def say(self, group: str, code: str, **placeholders: object) -> str:
        """Return a fixed phrase."""
        return self.terms.phrase(group, code, self.language, **placeholders)

    def within(self, group: str, code: str) -> str:
        """Return a fixed word as it stands within a sentence."""
        return lowered(self.say(group, code))

    def label(self, code: str, value: str, *, group: str = "label") -> str:
        """Return `Label: value.` with the colon of the language."""
        return f"{self.say(group, code)}{colon(self.language)} {sentence(value)}"

    def not_stated(self) -> str:
        """Return what stands for a fact that is missing; never a zero."""
        return self.say("phrase", "not_stated")

    def numbered(self, group: str, code: str, n: float, *, text: str | None = None) -> str:
        """Return a phrase with the plural form that ``n`` takes; ``text`` is printed in its place."""
        form = plural(n, self.language)
        return self.say(group, f"{code}.{form}", n=text or number(n, self.language))

    def country(self, code: str) -> str:
        """Return the name of a country."""
        return self.places.country_name(code, self.language)

    def place(self, code: str) -> str:
        """Return the name of a subdivision."""
        return self.places.subdivision_name(code, self.language)

    def date_of(self, when: PartialDate) -> str:
        """Return a date of the sender as exactly as it is known."""
        hint = self.say("phrase", "precision_month")
        return partial_text(when, self.language, self.zone, day_not_stated=hint)

    def day(self, day: date) -> str:
        """Return a day."""
        return day_text(day, self.language)

    def moment(self, at: datetime) -> str:
        """Return a day and time in the reader's zone."""
        return moment_text(at, self.language, self.zone)

    def zoned(self, at: datetime) -> str:
        """Return a day and time in the reader's zone, with its offset: where no sentence names the zone."""
        return f"{self.moment(at)} (UTC{offset_text(at.astimezone(self.zone))})"

    def due(self, at: datetime, *, zoned: bool = False) -> str:
        """Return a day and time soon to come; ``zoned`` with its offset, where no sentence names the zone."""
        said = due_text(at, self.language, self.zone)
        return f"{said} (UTC{offset_text(at.astimezone(self.zone))})" if zoned else said

    def foreign(self, text: str, language: str, *, marked: bool = False) -> Word:
        """Return words of the sender within a line; ``marked`` puts them in quotation marks."""
        plain = one_line(text)
        shown = quoted(plain, self.language) if marked else plain
        return Word(shown, None if language == self.language else language)

    def original_in(self, language: str) -> str:
        """Return `Original text in Spanish`."""
        return self.say("phrase", "original_in", language=self.say("language", language))


def sentences(*texts: str, kind: str = "line") -> Line:
    """Return one line of whole sentences, each with a capital and a full stop; empty ones are left out."""
    return line(" ".join(sentence(capital(text)) for text in texts if text), kind=kind)


def plural(n: float, language: str) -> str:
    """Return the CLDR plural form, `one` or `other`; `many` (1,000,000) falls back to `other`."""
    return "one" if _forms(language).plural_form(n) == "one" else "other"


@cache
def _forms(language: str) -> Locale:
    return Locale.parse(language)
