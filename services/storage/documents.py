"""Documents as values: what one stage wrote a moment ago, the next need neither parse nor write again.

A value is found by its text, and a text by the value itself, not by what it says. Values are frozen: whoever asks
may share them. What is not there is parsed, or written.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation
from schemas.events import AlertAccepted
from services.storage.records import Message

_MOST: Final = 512  # what waits between two stages
_LONGEST: Final = 8_192  # characters; parsed 8 times that, at worst 21 times: 88 MB of a kind
M = TypeVar("M")


class Documents(Generic[M]):
    """The newest documents of one kind; used by the ledger's threads and the event loop alike."""

    def __init__(self, parse: Callable[[str], M], *, most: int = _MOST) -> None:
        self._parse = parse
        self._most = most
        self._kept: OrderedDict[str, M] = OrderedDict()
        self._texts: dict[int, tuple[M, str]] = {}  # of what is kept, by its identity
        self._lock = threading.Lock()

    def keep(self, text: str, value: M) -> None:
        """Keep what ``text`` parses to; the oldest beyond the bound is forgotten, a long one is not kept."""
        if len(text) > _LONGEST:
            return
        with self._lock:
            self._forget_text(self._kept.get(text))
            self._kept[text] = value
            self._texts[id(value)] = value, text
            if len(self._kept) > self._most:
                self._forget_text(self._kept.popitem(last=False)[1])

    def read(self, text: str) -> M:
        """Return what ``text`` parses to; raises what parsing raises."""
        found = self._kept.get(text)
        if found is None:
            found = self._parse(text)
            self.keep(text, found)
        return found

    def text_of(self, value: M) -> str | None:
        """Return the text that this very value was parsed from, or written to; None where that is not kept."""
        found = self._texts.get(id(value))
        return None if found is None or found[0] is not value else found[1]

    def _forget_text(self, value: M | None) -> None:
        self._texts.pop(id(value), None)


def _message(text: str) -> Message:
    accepted = AlertAccepted.model_validate_json(text)
    return Message(
        id=accepted.message_id,
        sender_id=accepted.sender_id,
        sender_country=accepted.sender_country,
        can_amend=accepted.can_amend,
        reference_key=accepted.reference_key,
        received_at=accepted.received_at,
        content_sha256=accepted.content_sha256,
        alert=accepted.alert,
    )


messages: Final = Documents(_message)  # by their record on alerts.v1
alerts: Final = Documents(Alert.model_validate_json)
classifications: Final = Documents(Classification.model_validate_json)
correlations: Final = Documents(Correlation.model_validate_json)


def text_of(answer: Classification | Correlation) -> str | None:
    """Return the JSON of an answer where it is kept; see `Documents.text_of`."""
    return (
        classifications.text_of(answer)
        if isinstance(answer, Classification)
        else correlations.text_of(answer)
    )
