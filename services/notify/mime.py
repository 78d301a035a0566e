"""The bytes of an email: one recipient, text and HTML as alternatives, quoted-printable, lines ended by CRLF.

Headers are encoded by `email.header`: the newer policies of the standard library lose spaces of an accented
subject when they fold it. Source: RFC 5322 2.1.1 (998 characters a line), RFC 2046 5.1.4, RFC 2047.
"""

from collections.abc import Mapping
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, getaddresses
from typing import Final

from services.notify.rendering import Email

_POLICY: Final = compat32.clone(linesep="\r\n")
_CONTROLS: Final = frozenset(map(chr, range(32))) | {"\x7f"}


def build_mime(email: Email, *, sender: str, to: str, reply_to: str | None, at: datetime) -> bytes:
    """Return the message as it is handed to a mail server; ``at`` is when this try is made.

    ``sender``, ``to`` and ``reply_to`` are addresses, with a name before them or not. Raises ValueError where
    one holds a control character or is no single address.
    """
    message = MIMEMultipart("alternative")
    headers = _headers(email.subject, sender=sender, to=to, reply_to=reply_to, at=at)
    _put(message, {**headers, **email.headers})
    message.attach(_part(email.text, "plain", email))
    message.attach(_part(email.html, "html", email))
    # a boundary drawn at random would make two tries differ; the text cannot hold a line like this one
    message.set_boundary(f"=_{email.headers['Message-ID'].strip('<>').partition('@')[0]}")
    return message.as_bytes(policy=_POLICY)


def build_plain(
    subject: str,
    text: str,
    *,
    sender: str,
    to: str,
    reply_to: str | None,
    language: str,
    message_id: str,
    at: datetime,
) -> bytes:
    """Return a message that is text alone and no notification; addresses and faults as `build_mime`."""
    message = MIMEText(text, "plain", _charset())  # type: ignore[arg-type]  # as below
    _put(
        message,
        {
            **_headers(subject, sender=sender, to=to, reply_to=reply_to, at=at),
            "Message-ID": message_id,
            "Content-Language": language,
            "Auto-Submitted": "auto-generated",
        },
    )
    return message.as_bytes(policy=_POLICY)


def _headers(subject: str, *, sender: str, to: str, reply_to: str | None, at: datetime) -> dict[str, str]:
    return {
        "From": _address(sender),
        "To": _address(to),
        **({"Reply-To": _address(reply_to)} if reply_to is not None else {}),
        "Date": format_datetime(at),
        "Subject": subject,
    }


def _put(message: Message, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _CONTROLS.isdisjoint(value):
            raise ValueError(f"a control character in {name}")
        coded = value if value.isascii() else Header(value, "utf-8", header_name=name)
        message[name] = coded  # type: ignore[assignment]  # a Header may stand there too


def _part(text: str, kind: str, email: Email) -> MIMEText:
    part = MIMEText(text, kind, _charset())  # type: ignore[arg-type]  # typeshed knows the name alone
    part["Content-Language"] = email.headers["Content-Language"]
    return part


def _charset() -> Charset:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    return charset


def _address(text: str) -> str:
    if not _CONTROLS.isdisjoint(text):
        raise ValueError("a control character in an address")
    found = getaddresses([text])
    name, address = found[0] if len(found) == 1 else ("", "")
    if "@" not in address or not address.isascii() or any(each.isspace() for each in address):
        raise ValueError("not one address")
    return formataddr((name, address), "utf-8")
