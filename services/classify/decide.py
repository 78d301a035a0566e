"""What becomes of one message: a pure function of what was prepared and of what the ledger knew.

The thread's life: open, until it is closed or retracted; a dispute is a mark beside it that changes nothing,
until the sender corrects. A new version opens a closed thread again; a translation or a dispute does not. What
is retracted stays so.
"""

from collections.abc import Sequence
from typing import Final

from schemas.classifications import Classification, Correlation, FirstSeen, RelatedAlert
from schemas.vocabularies import CorrelationLevel, First, MessageType, UpdateReason
from services.classify.assess import Prepared, conclude
from services.classify.correlate import Correlated, Scope, correlate
from services.classify.hazards import is_echo
from services.classify.history import New, common_here, firsts_history
from services.classify.identities import Identity
from services.classify.keys import FAMILY, sightings_of, substance_key
from services.classify.severity import Assessed
from services.reference.states import SOVEREIGN
from services.storage.records import Message
from services.storage.thread_records import Decision, Link, Proposal, Sighting, Situation

OPEN: Final = "open"
CLOSED: Final = "closed"
RETRACTED: Final = "retracted"

_TAKEN_BACK: Final = frozenset(
    {CorrelationLevel.CONTENT_COPY, CorrelationLevel.SAME_EVENT, CorrelationLevel.POSSIBLE_SAME_EVENT}
)
_POSSIBLY_THE_SAME: Final = "possible_same_event"  # why a person should look


def propose(message: Message, prepared: Prepared, *, common: frozenset[str] = frozenset()) -> Proposal:
    """Return what a message will be looked up and remembered by; nothing where it has no content of its own.

    ``common`` are keys of what is found everywhere.
    """
    found: tuple[Sighting, ...] = ()
    if carries_content(message):
        found = sightings_of(message.alert, prepared.identities, prepared.sold_as, common=common)
    return Proposal(message=message, sightings=found)


def carries_content(message: Message) -> bool:
    """Return whether what the message says replaces what its thread said.

    Every version is complete, so an update or a correction without findings says that there are none. A
    translation says nothing new, a dispute is another's word, and a closure may add its last findings.
    """
    alert = message.alert
    match alert.message_type:
        case MessageType.ALERT | MessageType.CORRECTION:
            return True
        case MessageType.UPDATE:
            return alert.update_reason is not UpdateReason.TRANSLATION
        case MessageType.CLOSURE:
            return bool(alert.findings)
        case MessageType.RETRACTION | MessageType.DISPUTE:
            return False


def decide(
    situation: Situation, *, proposal: Proposal, prepared: Prepared, common: frozenset[str] = frozenset()
) -> Decision:
    """Return what becomes of the message. ``common`` are keys that by themselves link nothing anywhere."""
    alert = situation.message.alert
    here = common_here(situation, common)
    scope = Scope(common=here, sovereign=SOVEREIGN)
    correlated = correlate(proposal.sightings, situation, echo=is_echo(alert), scope=scope)
    classification = conclude(
        prepared,
        alert,
        history=firsts_history(proposal.sightings, prepared.identities, situation, common=here),
        before=_before(situation),
    )
    state, disputed = _stands(situation)
    return Decision(
        classification=_reviewed(classification, correlated),
        correlation=_described(correlated, situation, prepared),
        thread_state=state,
        disputed=disputed,
        carries=carries_content(situation.message),
        incident_id=correlated.incident_id,
        links=() if situation.silent else _kept(correlated.related),
    )


def _kept(related: Sequence[Link]) -> tuple[Link, ...]:
    """Return what is kept of itself, because a person may take it back; the verdict names the others too."""
    return tuple(one for one in related if one.level in _TAKEN_BACK)


def _stands(situation: Situation) -> tuple[str, bool]:
    """Return the thread's state after this message, and whether it is disputed."""
    thread, alert = situation.thread, situation.message.alert
    before, disputed = (OPEN, False) if thread is None else (thread.state, thread.disputed)
    if situation.silent or alert.update_reason is UpdateReason.TRANSLATION:
        return before, disputed
    match alert.message_type:
        case MessageType.RETRACTION:
            return RETRACTED, False
        case MessageType.CLOSURE:
            return CLOSED, disputed
        case MessageType.DISPUTE:
            return before, True
        case MessageType.CORRECTION:
            return OPEN, False
        case MessageType.ALERT | MessageType.UPDATE:
            return OPEN, disputed


def _before(situation: Situation) -> Assessed | None:
    """Return where the thread stood: its level, by the rule that its content was given."""
    if situation.thread is None or situation.standing is None:
        return None
    severity = situation.standing.severity
    return Assessed(level=situation.thread.level, rule=severity.rule, reason=severity.reason)


def _reviewed(classification: Classification, correlated: Correlated) -> Classification:
    if correlated.level is not CorrelationLevel.POSSIBLE_SAME_EVENT:
        return classification
    return classification.model_copy(update={"review": (*classification.review, _POSSIBLY_THE_SAME)})


def _described(correlated: Correlated, situation: Situation, prepared: Prepared) -> Correlation:
    names = _names(prepared.identities)
    return Correlation(
        level=correlated.level,
        incident_id=correlated.incident_id or situation.incident_id,
        related=tuple(_related(one, situation) for one in correlated.related),
        firsts=tuple(_first(one, names) for one in correlated.firsts),
        states_in_window=correlated.states_in_window,
    )


def _related(link: Link, situation: Situation) -> RelatedAlert:
    other = situation.threads[link.other_thread_id]
    level = CorrelationLevel(link.level)
    return RelatedAlert(id=other.message_id, relay_id=other.relay_id, level=level, reason=link.reason)


def _first(new: New, names: dict[str, str]) -> FirstSeen:
    family = new.key.removeprefix(FAMILY) if new.key.startswith(FAMILY) else None
    return FirstSeen(
        scope=First(new.scope),
        country=new.country,
        admin1=new.admin1,
        substance=names.get(new.key) if family is None else None,
        family=family,
    )


def _names(identities: Sequence[Sequence[Identity]]) -> dict[str, str]:
    """Return how the substances of an alert are called, by key: as the catalogue does, else by InChIKey."""
    return {
        key: identity.preferred_name or identity.inchikey or ""
        for finding in identities
        for identity in finding
        if (key := substance_key(identity)) is not None
    }
