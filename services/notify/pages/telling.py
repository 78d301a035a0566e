"""From what a reader may see to the HTML of a page, by the same parts as an email."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from schemas.vocabularies import Tlp
from services.disclosure import Reader
from services.http.reading import Sight
from services.notify.body.answer import zone_text
from services.notify.changes import Change
from services.notify.dates import day_text
from services.notify.document import line, parts_html, to_html
from services.notify.letter_document import reference, render_page_parts, voice_for
from services.notify.letters import Links
from services.notify.page_letters import page_letter, without_answer
from services.notify.subject import shown_severity, subject_line
from services.notify.voice import Places, Terms, Voice
from services.storage.records import Notification, Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert as a page shows it."""

    html: Markup
    reference: str
    colour: str  # the class of its label


@dataclass(frozen=True, slots=True, kw_only=True)
class InList:
    """One alert as a line of a list."""

    subject: str
    severity: str  # a code of the vocabulary
    country: str  # in the reader's language


class Teller:
    """Writes alerts for pages."""

    def __init__(self, *, terms: Terms, places: Places) -> None:
        """Take the words and the names of places."""
        self._terms = terms
        self._places = places

    def tell(
        self,
        sight: Sight,
        reader: Reader,
        *,
        links: Links,
        language: str,
        told: Notification | None = None,
        changes: tuple[Change, ...] = (),
    ) -> Told:
        """Return a version in `language`: all that the reader may see, or what stands outside of it."""
        letter = page_letter(sight, reader, links=links, language=language, told=told, changes=changes)
        document = without_answer(render_page_parts(letter, terms=self._terms, places=self._places))
        zone = line(zone_text(letter, self.voice(reader.recipient, language)))
        document = replace(document, bottom=(zone, *document.bottom))
        return Told(html=to_html(document), reference=reference(letter), colour=_colour(sight.tlp))

    def facts(self, sight: Sight, reader: Reader, *, links: Links, language: str) -> Markup:
        """Return what a version says of the event, without its lines on top: it stands below another's."""
        letter = page_letter(sight, reader, links=links, language=language)
        document = without_answer(render_page_parts(letter, terms=self._terms, places=self._places))
        parts = tuple(part for part in document.parts if part.code != "changes")
        return parts_html(replace(document, parts=parts))

    def line(self, sight: Sight, reader: Reader, *, links: Links, language: str) -> InList:
        """Return a version that is shown as a line of a list: named as in the subject of its email."""
        letter = page_letter(sight, reader, links=links, language=language)
        voice = voice_for(letter, terms=self._terms, places=self._places)
        return InList(
            subject=subject_line(letter, voice),
            severity=shown_severity(letter).value,
            country=voice.country(sight.version.alert.location.country),
        )

    def voice(self, recipient: Recipient, language: str) -> Voice:
        """Return how this reader is spoken to in `language`."""
        zone = ZoneInfo(recipient.timezone)
        return Voice(language=language, zone=zone, terms=self._terms, places=self._places)

    def moments(self, recipient: Recipient, language: str) -> Callable[[datetime], str]:
        """Return how this reader is told a day and time, with the offset of its zone."""
        return self.voice(recipient, language).zoned

    def days(self, recipient: Recipient, language: str) -> Callable[[datetime], str]:
        """Return how this reader is told a day."""
        zone = ZoneInfo(recipient.timezone)
        return lambda at: day_text(at.astimezone(zone).date(), language)


def _colour(tlp: Tlp) -> str:
    """Return the class that gives the lines of the label their colour."""
    return "tlp-" + tlp.value.removeprefix("TLP:").lower().replace("+", "-")
