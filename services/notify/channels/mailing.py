"""The form of a mail: the letter rendered, then written as the bytes that a mail server takes."""

from collections.abc import Callable
from datetime import datetime

from services.notify.letters import Letter
from services.notify.mime import build_mime
from services.notify.rendering import render_email
from services.notify.voice import Places, Terms


def mail_renderer(
    *, terms: Terms, places: Places, domain: str, sender: str, reply_to: str | None
) -> Callable[[Letter, str, str | None, datetime], bytes]:
    """Return the function that writes a letter for one address; ``domain`` is that of the message ids."""

    def render(letter: Letter, address: str, first_notification_id: str | None, at: datetime) -> bytes:
        email = render_email(
            letter,
            terms=terms,
            places=places,
            domain=domain,
            first_notification_id=first_notification_id,
        )
        return build_mime(email, sender=sender, to=address, reply_to=reply_to, at=at)

    return render
