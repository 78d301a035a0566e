"""Documents as values: what one stage wrote a moment ago, the next need not parse again.

Found by the text itself, and frozen: whoever asks may share the value. What is not there is parsed.
"""

import threading
from collections import OrderedDict
from typing import Final, Generic, TypeVar

from pydantic import BaseModel

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation

_MOST: Final = 1024  # what waits between two stages; about 10 kB each
M = TypeVar("M", bound=BaseModel)


class Documents(Generic[M]):
    """The newest documents of one model; used by the ledger's threads and the event loop alike."""

    def __init__(self, model: type[M], *, most: int = _MOST) -> None:
        self._model = model
        self._most = most
        self._kept: OrderedDict[str, M] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, text: str, value: M) -> None:
        """Keep what ``text`` parses to; the oldest beyond the bound is forgotten."""
        with self._lock:
            self._kept[text] = value
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def read(self, text: str) -> M:
        """Return what ``text`` parses to."""
        found = self._kept.get(text)
        if found is None:
            found = self._model.model_validate_json(text)
            self.keep(text, found)
        return found


alerts: Final = Documents(Alert)
classifications: Final = Documents(Classification)
correlations: Final = Documents(Correlation)
