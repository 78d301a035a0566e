"""What the relay posts to the webhook of an institution, for the API's documentation."""

from schemas.notifications import WebhookMessage
from services.http.routes import Documented, documented

_HEADERS = {
    "webhook-id": "id of the notification, the same on every try: a repeat is recognised by it",
    "webhook-timestamp": "seconds since 1970 of this try: refuse what is more than five minutes off",
    "webhook-signature": "one or more of v1,BASE64, separated by blanks: HMAC-SHA256 of id.timestamp.body, one for "
    "each secret that is valid now",
}
_ANSWERS = {
    "2XX": {"description": "Taken: it is not sent again. Any body is ignored"},
    "410": {
        "description": "Gone: nothing is posted here any more, until the operator enables the address again"
    },
    "413": {"description": "Too large: this notification is not tried again"},
    "default": {
        "description": "Everything else, a redirect or silence too: tried again for days, ever more rarely; "
        "Retry-After is heeded"
    },
}


def described_webhooks() -> dict[str, Documented]:
    """Return the operation of each webhook by its name."""
    operation = documented(body=WebhookMessage, headers=_HEADERS, key=False)
    operation["summary"] = "A notification to one institution (Standard Webhooks), signed with its secret"
    operation["responses"] = _ANSWERS
    operation["tags"] = ["webhooks"]
    return {"notification": operation}
