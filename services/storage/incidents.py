"""The id of an incident: that of the thread which opened it tells it from every other."""

import uuid
from typing import Final

from schemas.ids import derived_id

NAMESPACE: Final = uuid.UUID("1b0f5d0c-7a38-5c0e-8f55-6f0b7d3b9a42")


def incident_id_of(thread_id: str, *, after: str = "") -> str:
    """Return the id of the incident that a thread is alone in; `after`, the link that was undone, a new one."""
    return derived_id(NAMESPACE, f"incident {thread_id} {after}")
