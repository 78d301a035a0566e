"""When a person of an institution can be expected to read: its working time, where it is.

Monday to Friday from 8 to 18 by its own clock. National holidays are not known here. Pure: the clock is an
argument. Source: the design's reminders "in the recipient's working time"; the hours are our choice.
"""

from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from services.storage.records import Recipient

_BEGINS: Final = time(8)
_ENDS: Final = time(18)
_WORKING_DAYS: Final = 5  # from Monday


def at_work(recipient: Recipient, now: datetime) -> bool:
    """Return whether it is working time for this recipient."""
    here = now.astimezone(ZoneInfo(recipient.timezone))
    return here.weekday() < _WORKING_DAYS and _BEGINS <= here.time() < _ENDS
