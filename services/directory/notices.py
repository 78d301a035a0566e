"""What a person should know of a directory that is right: who in it is told nothing, and why.

Pure. Ids and states only, never an address.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby

from services.storage.records import ChannelKind, Participation, Recipient, RecipientKind

TOLD = frozenset({Participation.ACTIVE, Participation.OBSERVER})


def told(recipients: Sequence[Recipient]) -> list[Recipient]:
    """Return those that an alert can reach."""
    return [one for one in recipients if one.active and one.channels and _takes_part(one)]


def silent(recipients: Sequence[Recipient]) -> Iterator[str]:
    """Yield a sentence for each reason for which active institutions are told nothing."""
    if not told(recipients):
        yield "nobody in the directory is told anything"
    active = sorted((one for one in recipients if one.active), key=lambda one: (one.country, one.id))
    if without := [one.id for one in active if not one.channels]:
        yield f"no channel, so told nothing: {' '.join(without)}"
    left = (one for one in active if not _takes_part(one))
    for (country, participation), found in groupby(left, key=lambda one: (one.country, one.participation)):
        ids = " ".join(one.id for one in found)
        yield f"{country} is {participation.value}, so told nothing: {ids}"


def unsigned(recipients: Sequence[Recipient], *, with_secret: Collection[str]) -> list[str]:
    """Return the active institutions whose webhook waits for a secret, by id; email falls in where there is one."""
    return sorted(
        one.id
        for one in recipients
        if one.active
        and one.id not in with_secret
        and any(channel.kind is ChannelKind.WEBHOOK for channel in one.channels)
    )


def _takes_part(one: Recipient) -> bool:
    return one.kind is RecipientKind.SECRETARIAT or one.participation in TOLD
