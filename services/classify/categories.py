"""Which categories of the Plan an alert falls under.

Each substance is classified with its role in its finding, its market and the day of the event; the labels of
an alert are the union. Rules are named as in ``RULES``. A label says by which rule it stands, why, and at
which line the Plan names the category; categories whose code begins with ``X.`` are extensions and no Plan
terms.

Source: HPAD-2021:CM.1@L169, HPAD-2021:CM.2@L184, HPAD-2021:CM.3@L194, HPAD-2021:CM.5@L222,
HPAD-2021:RIME.1.4@L313.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.alerts import Alert, Finding, PartialDate, Substance
from schemas.classifications import CategoryLabel
from schemas.vocabularies import (
    Category,
    Confirmation,
    EventType,
    Market,
    Matrix,
    Outcome,
    Presence,
    Role,
    ShipmentKind,
    Tlp,
)
from services.classify.identities import MIXTURE, NO_DRUG, NOT_A_SUBSTANCE, Identity
from services.reference.catalogue import Entry
from services.reference.controls import Days, Standing, controls_on
from services.reference.plan import PlanBasis

CHEMICAL_ROLES = frozenset({Role.PRECURSOR, Role.REAGENT, Role.INTERMEDIATE})
_LABORATORY = frozenset(
    {Confirmation.PRESUMPTIVE_LAB, Confirmation.CONFIRMED, Confirmation.CONFIRMED_REFERENCE}
)
# What a laboratory names in these roles and nobody lists is a sweetener, a solvent or what the body makes of a
# drug, no new one. What is known to be no drug is none in any role, whoever names it.
_INERT_ROLES = frozenset({Role.CUTTING_AGENT, Role.REAGENT, Role.BY_PRODUCT, Role.METABOLITE})
_MEDICINE_ROLES = frozenset({Role.PRINCIPAL, Role.PRECURSOR})
_LEFT_ITS_CHANNEL = frozenset({EventType.DIVERSION, EventType.THEFT})
_LEFT_BY_SHIPMENT = frozenset({ShipmentKind.DIVERTED, ShipmentKind.THEFT})

PARENTS: Mapping[str, str] = {
    "SYN.NSO": "SYN",
    "SYN.FRS": "SYN.NSO",
    "SYN.ATS": "SYN",
    "SYN.OTH": "SYN",
    "CHM.PRE": "CHM",
    "CHM.ESS": "CHM",
    "CHM.PPR": "CHM",
    "CHM.NSC": "CHM",
    "PHA.NAR": "PHA",
    "PHA.PSY": "PHA",
    "PHA.PRE": "PHA",
}


class Rule(StrEnum):
    """The rules by which a label stands."""

    OWN = "a.own"  # the catalogue gives the substance this code
    PARENT = "a.parent"  # implied by a narrower code
    CHEMICAL = "b.chemical_role"  # a chemical in the role of one
    MEDICINE = "b.diverted_medicine"  # a genuine product that left its channel
    UNKNOWN = "e.unknown"
    ADULTERANT = "g.adulterant"
    CLASS = "h.class"
    EITHER_OR = "i.shared"
    EQUIPMENT = "equipment"


class Review(StrEnum):
    """Why a person should look. None of them holds an alert back."""

    UNIDENTIFIED = "unidentified"
    AMBIGUOUS = "ambiguous"
    IDENTIFIERS_DISAGREE = "identifiers_disagree"
    MIXTURE = "mixture"
    NEW_STRUCTURE = "new_structure"  # its class is known by its structure, it is not
    NOT_IN_CATALOGUE = "not_in_catalogue"  # named by a laboratory, and no drug
    UNCATEGORISED = "uncategorised"  # known, and no rule gives it a code in its role
    RED_WITHOUT_RECIPIENTS = "red_without_named_recipients"


_TOLD_BY_IDENTITY = (Review.IDENTIFIERS_DISAGREE, Review.MIXTURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Why a code stands."""

    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the rules ask of a reported substance beside its identity."""

    role: Role
    confirmation: Confirmation
    as_chemical: bool  # it counts as a chemical: :func:`acts_as_chemical`
    as_medicine: bool  # it is in a genuine medicine that left its channel: :func:`is_genuine_medicine`
    day: Days  # by which control is judged


def categorise(
    alert: Alert, identities: Sequence[Sequence[Identity]], *, plan: Mapping[str, PlanBasis]
) -> tuple[tuple[CategoryLabel, ...], tuple[Review, ...]]:
    """Return the labels of ``alert`` and the reasons why a person should look at it.

    ``identities`` follow its findings and their substances; ``plan`` says by code where the Plan
    names it. Labels come in the order of findings and substances, codes sorted, each once; reasons in
    the order of :class:`Review`, each once.
    """
    labels: list[CategoryLabel] = []
    review: set[Review] = set()
    for index, finding in enumerate(alert.findings):
        present = finding.presence is Presence.DETECTED_HERE
        for position, grounds, reasons in _each(alert, finding, identities[index]):
            review |= reasons
            labels.extend(
                _label(code, ground, at=(index, position), present=present, plan=plan)
                for code, ground in sorted(grounds.items())
            )
    if _shows_equipment(alert):
        ground = Ground(rule=Rule.EQUIPMENT, reason="equipment_reported")
        labels.append(_label("EQP", ground, at=(None, None), present=True, plan=plan))
    if alert.tlp is Tlp.RED and not alert.named_recipients:
        review.add(Review.RED_WITHOUT_RECIPIENTS)
    return tuple(labels), tuple(reason for reason in Review if reason in review)


def grounds_of(identity: Identity, on: Circumstances) -> dict[str, Ground]:
    """Return the codes of one substance in its circumstances, parents implied, each with its ground."""
    if on.confirmation is Confirmation.RULED_OUT:
        return {}
    if identity.codes:
        own = _own(identity, on)
    elif (
        identity.outcome is Outcome.RESOLVED or identity.reason == NOT_A_SUBSTANCE or _is_inert(identity, on)
    ):
        own = {}
    else:
        own = {"X.UNK": Ground(rule=Rule.UNKNOWN, reason=_hint(identity))}
    return _with_parents(own)


def circumstances_of(substance: Substance, *, finding: Finding, alert: Alert) -> Circumstances:
    """Return the circumstances of one substance of ``finding``."""
    return Circumstances(
        role=substance.role,
        confirmation=substance.confirmation,
        as_chemical=acts_as_chemical(substance, finding),
        as_medicine=is_genuine_medicine(substance, finding=finding, alert=alert),
        day=event_day(alert),
    )


def event_day(alert: Alert) -> PartialDate:
    """Return the day by which control is judged: when the event began, else when it was detected."""
    return alert.event_start if alert.event_start is not None else alert.detected_at


def acts_as_chemical(substance: Substance, finding: Finding) -> bool:
    """Return whether a chemical counts as one: by its role, or as the very thing that is traded.

    A residue of the synthesis in a tablet does not (it is a by-product there).
    """
    traded = finding.market is Market.CHEMICAL_TRADE and substance.role is Role.PRINCIPAL
    return traded or substance.role in CHEMICAL_ROLES


def is_genuine_medicine(substance: Substance, *, finding: Finding, alert: Alert) -> bool:
    """Return whether ``substance`` is in a genuine medicine that left its channel. A counterfeit is none."""
    counterfeit = EventType.COUNTERFEIT_PHARMACEUTICAL in alert.event_types
    if finding.market is Market.DIVERTED_MEDICINE:
        # Of several findings the sender says here which is the genuine one.
        return substance.role in _MEDICINE_ROLES and (not counterfeit or len(alert.findings) > 1)
    left = bool(_LEFT_ITS_CHANNEL & set(alert.event_types)) or (
        alert.shipment is not None and alert.shipment.kind in _LEFT_BY_SHIPMENT
    )
    unsaid = finding.market is Market.UNKNOWN and Matrix.CHEMICAL_BULK not in finding.matrices
    return left and unsaid and not counterfeit and substance.role is Role.PRINCIPAL


def _each(
    alert: Alert, finding: Finding, identities: Sequence[Identity]
) -> list[tuple[int | None, dict[str, Ground], set[Review]]]:
    if not finding.substances:
        if Matrix.EQUIPMENT in finding.matrices:
            return []
        ground = Ground(rule=Rule.UNKNOWN, reason="nothing_identified")
        return [(None, {"X.UNK": ground}, {Review.UNIDENTIFIED})]
    each: list[tuple[int | None, dict[str, Ground], set[Review]]] = []
    for position, (substance, identity) in enumerate(zip(finding.substances, identities, strict=True)):
        on = circumstances_of(substance, finding=finding, alert=alert)
        grounds = grounds_of(identity, on)
        each.append((position, grounds, _review(identity, on, grounds=grounds)))
    return each


def _own(identity: Identity, on: Circumstances) -> dict[str, Ground]:
    as_medicine = Ground(rule=Rule.MEDICINE, reason="genuine_product_diverted")
    own: dict[str, Ground] = {}
    for code in identity.codes:
        group = code.partition(".")[0]
        if group == "PHA":
            if on.as_medicine:
                own[code] = as_medicine
        elif group == "CHM":
            if on.as_chemical:
                dated, reason = _dated(code, identity.entry, on.day)
                own[dated] = Ground(rule=Rule.CHEMICAL, reason=reason)
            elif on.as_medicine and "PHA.PRE" in identity.codes:
                own[code] = as_medicine
        elif code == Category.X_ADU:
            if on.role is not Role.CUTTING_AGENT:
                own[code] = Ground(rule=Rule.ADULTERANT, reason="adulterant_of_concern")
        else:
            own[code] = _by_identity(identity)
    return own


def _by_identity(identity: Identity) -> Ground:
    if identity.outcome is Outcome.RESOLVED:
        return Ground(rule=Rule.OWN, reason="in_catalogue")
    if identity.reason == MIXTURE:
        return Ground(rule=Rule.OWN, reason="part_of_mixture")
    if identity.outcome is Outcome.AMBIGUOUS:
        return Ground(rule=Rule.EITHER_OR, reason="shared_by_candidates")
    return Ground(rule=Rule.CLASS, reason=f"class_by_{identity.step}")


def _dated(code: str, entry: Entry | None, day: Days) -> tuple[str, str]:
    """Return the code that a chemical had on the day of the event: in a table of 1988 it is a precursor."""
    if entry is None or code not in {"CHM.PRE", "CHM.PPR"}:
        return code, "in_catalogue"
    tables = [one for one in entry.controls if one.convention == "1988"]
    standings = {one.standing for one in controls_on(entry, day).schedules if one.convention == "1988"}
    if Standing.IN_FORCE in standings:
        return "CHM.PRE", "in_table_of_1988"
    if Standing.UNDETERMINED in standings or not tables:
        return code, "in_catalogue"
    return "CHM.PPR", "not_yet_in_table_of_1988"


def _with_parents(own: Mapping[str, Ground]) -> dict[str, Ground]:
    grounds = dict(own)
    for code in own:
        parent = PARENTS.get(code)
        while parent is not None:
            grounds.setdefault(parent, Ground(rule=Rule.PARENT, reason=f"implied_by_{code}"))
            parent = PARENTS.get(parent)
    return grounds


def _is_inert(identity: Identity, on: Circumstances) -> bool:
    hinted = identity.family is not None or identity.effect_group is not None
    unlisted = identity.outcome is Outcome.UNKNOWN and not hinted
    by_laboratory = on.confirmation in _LABORATORY and on.role in _INERT_ROLES
    return unlisted and (identity.reason == NO_DRUG or by_laboratory)


def _hint(identity: Identity) -> str:
    hint = identity.family or identity.effect_group
    return f"perhaps_{hint}" if hint else identity.reason


def _review(identity: Identity, on: Circumstances, *, grounds: Mapping[str, Ground]) -> set[Review]:
    if on.confirmation is Confirmation.RULED_OUT or identity.reason == NOT_A_SUBSTANCE:
        return set()
    reasons = {reason for reason in _TOLD_BY_IDENTITY if reason.value == identity.reason}
    if identity.codes and not grounds and on.role is Role.PRINCIPAL:
        reasons.add(Review.UNCATEGORISED)
    if identity.outcome is Outcome.RESOLVED or reasons:
        return reasons
    if identity.outcome is Outcome.AMBIGUOUS:
        return {Review.AMBIGUOUS}
    if identity.outcome is Outcome.CLASS_ONLY:
        return {Review.NEW_STRUCTURE} if identity.step == "structure_class" else set()
    return {Review.NOT_IN_CATALOGUE if _is_inert(identity, on) else Review.UNIDENTIFIED}


def _shows_equipment(alert: Alert) -> bool:
    reported = alert.manufacture is not None and bool(alert.manufacture.equipment)
    return reported or EventType.EQUIPMENT in alert.event_types


def _label(
    code: str,
    ground: Ground,
    *,
    at: tuple[int | None, int | None],
    present: bool,
    plan: Mapping[str, PlanBasis],
) -> CategoryLabel:
    finding, substance = at
    return CategoryLabel(
        code=Category(code),
        finding=finding,
        substance=substance,
        rule=ground.rule.value,
        reason=ground.reason,
        plan_ref=plan[code].reference,
        present=present,
    )
