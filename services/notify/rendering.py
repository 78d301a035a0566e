"""Render a letter as an email: subject, plain text, HTML and the headers that belong to them.

Both parts are written from one document. One recipient per message; the identifiers derive from the
notification, so that every try has the same.
Source: RFC 5322 3.6.4 (Message-ID, References), RFC 3834 5 (Auto-Submitted), RFC 3282 (Content-Language).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from services.disclosure import Content, restricted
from services.notify.document import to_text
from services.notify.email_html import email_html
from services.notify.letter_document import render_page_parts
from services.notify.letters import Letter
from services.notify.typography import one_line
from services.notify.voice import Places, Terms

FINDINGS_IN_EMAIL: Final = 5  # the gravest; the rest by number, on the page


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """What a mail program shows, and the headers that every try repeats."""

    subject: str
    text: str
    html: str
    headers: Mapping[str, str]


def render_email(
    letter: Letter, *, terms: Terms, places: Places, domain: str, first_notification_id: str | None = None
) -> Email:
    """Return the email of a letter.

    ``domain`` is the relay's own, for message ids. ``first_notification_id`` is that of the first email of the
    thread to this recipient; None, or the letter's own, where this is the first.
    """
    letter = _fit_for_mail(letter)
    document = render_page_parts(letter, terms=terms, places=places, findings=FINDINGS_IN_EMAIL)
    headers = {
        "Message-ID": message_id(letter.notification_id, domain),
        "Content-Language": document.language,
        "Auto-Submitted": "auto-generated",
    }
    if first_notification_id is not None and first_notification_id != letter.notification_id:
        first = message_id(first_notification_id, domain)
        headers |= {"In-Reply-To": first, "References": first}
    return Email(
        subject=one_line(document.subject),
        text=to_text(document),
        html=email_html(document, tlp=letter.tlp),
        headers=MappingProxyType(headers),
    )


def _fit_for_mail(letter: Letter) -> Letter:
    """Return the letter, without content where its label is above TLP:GREEN whatever was asked for.

    The second lock: what may leave was decided by `services.disclosure`.
    """
    withheld = letter.content in (Content.NOTICE, Content.GONE)
    if not withheld and not restricted(letter.tlp):
        return letter
    base = urlsplit(letter.links.page)
    page = urlunsplit((base.scheme, base.netloc, f"/n/{letter.opaque_id}", "", ""))
    return replace(
        letter,
        content=letter.content if withheld else Content.NOTICE,
        alert=None,
        classification=None,
        correlation=None,
        changes=(),
        links=replace(letter.links, page=page),
    )


def message_id(notification_id: str, domain: str) -> str:
    """Return the Message-ID of a notification: the same on every try."""
    return f"<{notification_id}@{domain}>"
