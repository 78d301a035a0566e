"""How grave an alert is, by rules with names.

Of the rules that hold the one of the highest level wins, the first in the order of ``RULES`` within a level.
A new rule is one line there, its fact in :mod:`services.classify.facts` and its row in ``terms.csv``.

The level of a thread after a message and the urgency by which the message is sent are two things: a
correction may lower the level, and still goes out as urgently as what it corrects.

Source: HPAD-2021:RIME.1.4@L313, HPAD-2021:RIME.1.5@L314.
"""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.vocabularies import MessageType, Severity, UpdateReason
from services.classify.facts import Facts
from services.classify.harms import SERIES
from services.classify.samples import LARGE_SHARE
from services.classify.supply import MANY_UNITS

_MANY_DEATHS = 3
_MANY_SEVERE = 5  # in 72 hours
_MANY_SEVERE_OPIOID = 3
_SEVERE_CLUSTER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """A level with the rule that gave it; ``reason`` is a code of ``terms.csv``, group severity_reason."""

    level: Severity
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadLevel:
    """Where a thread stands after a message, and the level by which the message is sent and shown."""

    level: Severity
    urgency: Severity
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``holds`` gives the code of its reason, or None where it does not hold."""

    id: str
    level: Severity
    holds: Callable[[Facts], str | None]


def assess(facts: Facts) -> Assessed:
    """Return the level of one message by its own facts; I1 where no rule holds.

    What is only passed on from another place is at most moderate.
    """
    for rule in RULES:
        if facts.echo and rule.level.rank < Severity.MODERATE.rank:
            continue
        if (reason := rule.holds(facts)) is not None:
            return Assessed(level=rule.level, rule=rule.id, reason=reason)
    return NOTHING


def thread_level(
    assessed: Assessed,
    *,
    before: Assessed | None,
    message_type: MessageType,
    update_reason: UpdateReason | None = None,
    states_facts: bool = True,
) -> ThreadLevel:
    """Return the level of the thread after a message that by itself would have ``assessed``.

    ``before`` is where the thread stood, None for a new one; ``states_facts`` says whether the message has
    findings or harms of its own. An alert or update never lowers; a correction sets what remains; of a
    retracted thread nothing does; a closure without facts, a dispute and a translation change nothing.
    """
    if message_type is MessageType.RETRACTION:
        after = NOTHING
    elif before is None:
        after = assessed
    elif _changes_nothing(message_type, update_reason=update_reason, states_facts=states_facts):
        after = before
    elif message_type in {MessageType.CORRECTION, MessageType.CLOSURE}:
        after = assessed
    else:
        after = min(assessed, before, key=lambda one: one.level.rank)
    urgency = after.level if before is None else higher(after.level, before.level)
    return ThreadLevel(level=after.level, urgency=urgency, rule=after.rule, reason=after.reason)


def higher(one: Severity, other: Severity) -> Severity:
    """Return the graver of two levels."""
    return min(one, other, key=lambda level: level.rank)


def _changes_nothing(
    message_type: MessageType, *, update_reason: UpdateReason | None, states_facts: bool
) -> bool:
    if message_type is MessageType.DISPUTE or update_reason is UpdateReason.TRANSLATION:
        return True
    return message_type is MessageType.CLOSURE and not states_facts


def _when(rule_id: str, condition: Callable[[Facts], bool], *, level: Severity) -> Rule:
    return Rule(id=rule_id, level=level, holds=lambda facts: rule_id if condition(facts) else None)


def _c1(facts: Facts) -> str | None:
    if facts.deaths_opioid:
        return "C1.opioid"
    if facts.deaths_unknown_agent:
        return "C1.unknown_agent"
    return "C1.disguised" if facts.deaths_disguised else None


def _c3(facts: Facts) -> bool:
    return facts.severe_72h >= _MANY_SEVERE or facts.severe_72h_opioid >= _MANY_SEVERE_OPIOID


def _h5(facts: Facts) -> str | None:
    if facts.cases_opioid >= SERIES:
        return "H5.opioid"
    if facts.cases_unknown_agent >= SERIES:
        return "H5.unknown_agent"
    return "H5.disguised" if facts.cases_disguised >= SERIES else None


def _h6(facts: Facts) -> bool:
    return facts.stopped_table_one or facts.stopped_opioid_units >= MANY_UNITS


def _h7(facts: Facts) -> bool:
    share = facts.opioid_share_percent
    return facts.rising_watched or (share is not None and share >= LARGE_SHARE)


def _m4(facts: Facts) -> bool:
    harmed = facts.deaths > 0 or facts.severe > 0 or facts.cases >= SERIES
    return harmed or facts.potency_change


RULES: tuple[Rule, ...] = (
    Rule(id="C1", level=Severity.CRITICAL, holds=_c1),
    _when("C2", lambda facts: facts.deaths >= _MANY_DEATHS, level=Severity.CRITICAL),
    _when("C3", _c3, level=Severity.CRITICAL),
    _when("C4", lambda facts: facts.severe_masked_opioid >= 1, level=Severity.CRITICAL),
    _when("H1", lambda facts: facts.deaths >= 1, level=Severity.HIGH),
    _when("H2", lambda facts: facts.severe >= _SEVERE_CLUSTER, level=Severity.HIGH),
    _when("H3", lambda facts: facts.disguised_opioid, level=Severity.HIGH),
    _when("H4", lambda facts: facts.first_watched is not None, level=Severity.HIGH),
    Rule(id="H5", level=Severity.HIGH, holds=_h5),
    _when("H6", _h6, level=Severity.HIGH),
    _when("H7", _h7, level=Severity.HIGH),
    _when("H8", lambda facts: facts.health_critical, level=Severity.HIGH),
    _when("H9", lambda facts: facts.opioid_manufacture, level=Severity.HIGH),
    _when("M1", lambda facts: facts.first is not None, level=Severity.MODERATE),
    _when("M2", lambda facts: facts.mis_sold, level=Severity.MODERATE),
    _when("M3", lambda facts: facts.manufacture, level=Severity.MODERATE),
    _when("M4", _m4, level=Severity.MODERATE),
    _when("M5", lambda facts: facts.stopped_goods, level=Severity.MODERATE),
    _when("M6", lambda facts: facts.opioid or facts.synthetic_opioid, level=Severity.MODERATE),
)
# The rest: refutations, background statistics, a known substance in a known form.
NOTHING = Assessed(level=Severity.INFO, rule="I1", reason="I1")
