"""What a person is asked about a classification, and how a person's answer enters it.

An answer names a substance of the catalogue, or says that the name means none; it then stands in the place of
what the identifiers said, in this message and whenever it is decided again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from schemas.alerts import Substance
from schemas.classifications import Candidate, SubstanceIdentity
from schemas.vocabularies import Confirmation, Outcome, Severity
from services.classify.assess import Prepared, prepare
from services.classify.categories import Review
from services.classify.decide import decide, propose
from services.classify.identities import Identity, resolved, unresolved
from services.classify.keys import common_keys
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue, Entry
from services.reference.plan import PlanBasis
from services.storage.records import Message, Version
from services.storage.review_records import (
    NOT_A_SUBSTANCE,
    DealtWith,
    NewResolution,
    Outdated,
    Reconsider,
    Resolution,
    Resolved,
    nothing_new,
    same_name,
)
from services.storage.thread_records import Decide, Page, Proposal

PERSON = "person"  # the step of an identity that a person gave
_OF_SUBSTANCES = frozenset(
    {
        Review.UNIDENTIFIED,
        Review.AMBIGUOUS,
        Review.IDENTIFIERS_DISAGREE,
        Review.MIXTURE,
        Review.NEW_STRUCTURE,
        Review.NOT_IN_CATALOGUE,
    }
)


class Reviews(Protocol):
    """What the ledger keeps of reviews; see `services.storage.reviewing`."""

    async def queue(self, *, after: int, most: int) -> Page:
        """Return what a person should look at, behind a cursor."""
        ...

    async def resolve(self, new: NewResolution, *, reconsider: Reconsider, now: datetime) -> Resolved:
        """Keep what a person said, and decide the message again; a repeat does nothing."""
        ...

    async def deal_with(
        self,
        message_id: str,
        *,
        review: str,
        reason: str,
        actor: str,
        reconsider: Reconsider,
        now: datetime,
    ) -> DealtWith:
        """Take one reason to look at a message off it; a repeat does nothing."""
        ...

    async def outdated(self, *, catalogue_version: str, most: int) -> Outdated:
        """Return the next messages that another catalogue decided."""
        ...

    async def passed(self, *, catalogue_version: str, cursor: int) -> None:
        """Remember how far was looked."""
        ...

    async def reclassify(
        self, message_id: str, *, catalogue_version: str, reconsider: Reconsider, now: datetime
    ) -> bool:
        """Decide one message by this catalogue; return whether its classification changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a person should look at; `finding` and `substance` are None where it is the whole alert."""

    message_id: str
    relay_id: str
    finding: int | None
    substance: int | None
    name: str | None
    outcome: Outcome | None
    candidates: tuple[Candidate, ...]
    reason: str
    since: datetime
    urgency: Severity


def items_of(version: Version) -> tuple[Item, ...]:
    """Return what a person is asked about a version: its doubtful substances, then what concerns all of it."""
    review = version.classification.review
    doubtful = [one for one in version.classification.substances if _is_doubtful(one, version)]
    explained = {reason.value for reason in _OF_SUBSTANCES} if doubtful else set()
    return (
        *(_of_substance(one, version) for one in doubtful if review),
        *(_item(version, reason=reason) for reason in review if reason not in explained),
    )


def concerns_all_of(version: Version, review: str) -> bool:
    """Return whether `review` is asked of the alert as a whole, so that no substance can be named for it."""
    return any(item.finding is None and item.reason == review for item in items_of(version))


def alike(versions: Iterable[Version], kept: Resolution, *, seen: Substance) -> list[NewResolution]:
    """Return the same answer for what else waits under the same name, with no identifier that `seen` lacks."""
    found = []
    for version in versions:
        for item in items_of(version):
            if item.name is None or item.finding is None or item.substance is None:
                continue
            reported = version.alert.findings[item.finding].substances[item.substance]
            if same_name(item.name, kept.name) and nothing_new(reported, seen):
                found.append(_again(kept, version.message.id, item.finding, item.substance))
    return found


def named_by(outcome: str, catalogue: Catalogue) -> Identity | None:
    """Return the identity that a person's answer gives; None where the catalogue has no such key."""
    if outcome == NOT_A_SUBSTANCE:
        return unresolved(Outcome.UNKNOWN, step=PERSON, reason=NOT_A_SUBSTANCE)
    entry = catalogue.entry(outcome)
    return None if entry is None else resolved(entry, step=PERSON, reason="named_by_a_person")


def said_by(resolutions: Sequence[Resolution], catalogue: Catalogue) -> Mapping[tuple[int, int], Identity]:
    """Return what people said, by position, the last word each; a key that has left the catalogue says nothing."""
    last = {(one.finding, one.substance): one.outcome for one in resolutions}
    found = {at: named_by(outcome, catalogue) for at, outcome in last.items()}
    return {at: identity for at, identity in found.items() if identity is not None}


def reconsidering(
    *, catalogue: Catalogue, structures: StructureReader | None, plan: Mapping[str, PlanBasis]
) -> Reconsider:
    """Return how a message is prepared again by these tables."""
    common = common_keys(catalogue)

    def reconsider(message: Message, resolutions: Sequence[Resolution]) -> tuple[Proposal, Decide]:
        prepared: Prepared = prepare(
            message.alert,
            catalogue=catalogue,
            structures=structures,
            plan=plan,
            said=said_by(resolutions, catalogue),
        )
        proposal = propose(message, prepared, common=common)
        return proposal, partial(decide, proposal=proposal, prepared=prepared, common=common)

    return reconsider


def proposed_row(resolution: Resolution, catalogue: Catalogue) -> Mapping[str, str] | None:
    """Return the row of added_names.csv that a resolution amounts to; None where it names no substance."""
    entry: Entry | None = catalogue.entry(resolution.outcome)
    if entry is None:
        return None
    return {"name": resolution.name, "preferred_name": entry.preferred_name, "reason": resolution.reason}


def _again(kept: Resolution, message_id: str, finding: int, substance: int) -> NewResolution:
    return NewResolution(
        message_id=message_id,
        finding=finding,
        substance=substance,
        outcome=kept.outcome,
        reason=kept.reason,
        actor=kept.actor,
    )


def _is_doubtful(one: SubstanceIdentity, version: Version) -> bool:
    reported = version.alert.findings[one.finding].substances[one.substance]
    if one.step == PERSON or reported.confirmation is Confirmation.RULED_OUT:
        return False
    if one.outcome is Outcome.CLASS_ONLY:
        return one.step == "structure_class"
    return one.outcome is not Outcome.RESOLVED


def _of_substance(one: SubstanceIdentity, version: Version) -> Item:
    return Item(
        message_id=version.message.id,
        relay_id=version.thread.relay_id,
        finding=one.finding,
        substance=one.substance,
        name=one.name,
        outcome=one.outcome,
        candidates=one.candidates,
        reason=one.reason,
        since=version.decided_at,
        urgency=version.urgency,
    )


def _item(version: Version, *, reason: str) -> Item:
    return Item(
        message_id=version.message.id,
        relay_id=version.thread.relay_id,
        finding=None,
        substance=None,
        name=None,
        outcome=None,
        candidates=(),
        reason=reason,
        since=version.decided_at,
        urgency=version.urgency,
    )
