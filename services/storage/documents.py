"""Documents as values: what one stage wrote a moment ago, the next need not parse again.

Found by the text itself, and frozen: whoever asks may share the value. What is not there is parsed.
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
_LONGEST: Final = 16_384  # characters; parsed about six times that, so at most 50 MB of a kind
M = TypeVar("M")


class Documents(Generic[M]):
    """The newest documents of one kind; used by the ledger's threads and the event loop alike."""

    def __init__(self, parse: Callable[[str], M], *, most: int = _MOST) -> None:
        self._parse = parse
        self._most = most
        self._kept: OrderedDict[str, M] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, text: str, value: M) -> None:
        """Keep what ``text`` parses to; the oldest beyond the bound is forgotten, a long one is not kept."""
        if len(text) > _LONGEST:
            return
        with self._lock:
            self._kept[text] = value
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def read(self, text: str) -> M:
        """Return what ``text`` parses to; raises what parsing raises."""
        found = self._kept.get(text)
        if found is None:
            found = self._parse(text)
            self.keep(text, found)
        return found


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
