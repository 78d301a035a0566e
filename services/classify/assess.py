"""An alert's classification: what it is, which categories it falls under, how grave it is.

In two halves. :func:`prepare` needs the tables alone and may run before a transaction; :func:`conclude` needs
what the ledger knows of the thread and of the place. :func:`classify_alert` does both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from schemas.alerts import Alert, Finding, Substance
from schemas.classifications import (
    Candidate,
    CategoryLabel,
    Classification,
    ControlEntry,
    SeverityVerdict,
    SubstanceIdentity,
)
from schemas.vocabularies import Outcome
from services.classify.categories import acts_as_chemical, categorise, event_day
from services.classify.facts import derive
from services.classify.firsts import NO_HISTORY, FirstsHistory
from services.classify.identify import identify, in_chemical_role
from services.classify.identities import MIXTURE, Identity
from services.classify.severity import Assessed, assess, thread_level
from services.classify.sold_as import SoldAs, promise_of
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue, Entry
from services.reference.controls import Days, Standing, controls_on, nps_strict
from services.reference.plan import PlanBasis

_NPS = "NPS"
NOTHING_SAID: Mapping[tuple[int, int], Identity] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the tables alone say of one alert. Sequences follow its findings and their substances."""

    identities: tuple[tuple[Identity, ...], ...]
    sold_as: tuple[SoldAs, ...]
    labels: tuple[CategoryLabel, ...]
    substances: tuple[SubstanceIdentity, ...]
    review: tuple[str, ...]
    catalogue_version: str


def prepare(
    alert: Alert,
    *,
    catalogue: Catalogue,
    structures: StructureReader | None,
    plan: Mapping[str, PlanBasis],
    said: Mapping[tuple[int, int], Identity] = NOTHING_SAID,
) -> Prepared:
    """Return the identities and the labels of ``alert``; ``said`` is what people know, by position."""
    identities = tuple(
        tuple(
            said.get((index, position))
            or _identity(one, finding=finding, catalogue=catalogue, structures=structures)
            for position, one in enumerate(finding.substances)
        )
        for index, finding in enumerate(alert.findings)
    )
    labels, review = categorise(alert, identities, plan=plan)
    return Prepared(
        identities=identities,
        sold_as=tuple(promise_of(finding.sold_as, catalogue) for finding in alert.findings),
        labels=labels,
        substances=_described(alert, identities, catalogue=catalogue),
        review=tuple(reason.value for reason in review),
        catalogue_version=catalogue.version,
    )


def conclude(
    prepared: Prepared,
    alert: Alert,
    *,
    history: FirstsHistory = NO_HISTORY,
    before: Assessed | None = None,
) -> Classification:
    """Return the classification of ``alert`` in its thread, which stood at ``before`` (None: a new one)."""
    facts = derive(
        alert,
        prepared.identities,
        labels=prepared.labels,
        sold_as=prepared.sold_as,
        history=history,
    )
    stands = thread_level(
        assess(facts),
        before=before,
        message_type=alert.message_type,
        update_reason=alert.update_reason,
        states_facts=bool(alert.findings or alert.harms),
    )
    return Classification(
        severity=SeverityVerdict(
            level=stands.level,
            urgency=stands.urgency,
            rule=stands.rule,
            reason=stands.reason,
            reported=alert.severity_reported,
            before=before.level if before is not None else None,
            facts=facts.as_json(),
        ),
        categories=prepared.labels,
        substances=prepared.substances,
        catalogue_version=prepared.catalogue_version,
        review=prepared.review,
    )


def classify_alert(
    alert: Alert,
    *,
    catalogue: Catalogue,
    structures: StructureReader | None,
    plan: Mapping[str, PlanBasis],
    history: FirstsHistory = NO_HISTORY,
    before: Assessed | None = None,
) -> Classification:
    """Return the classification of ``alert``; without ``history`` only the sender's word makes a first."""
    prepared = prepare(alert, catalogue=catalogue, structures=structures, plan=plan)
    return conclude(prepared, alert, history=history, before=before)


def strictly_new(identity: Identity, day: Days, catalogue: Catalogue) -> bool | None:
    """Return whether a substance monitored as NPS was uncontrolled on ``day``; what is no NPS is not strict.

    Undetermined (None) where the date is, and for what is not identified, unless all candidates agree.
    """
    if identity.entry is not None:
        return nps_strict(identity.entry, day) if _NPS in identity.codes else False
    if identity.outcome is not Outcome.AMBIGUOUS:  # near spellings of an unknown name say nothing
        return None
    entries = [catalogue.entry(one.key) for one in identity.candidates]
    known = [entry for entry in entries if entry is not None and _NPS in entry.codes]
    if identity.reason == MIXTURE or not known or len(known) < len(entries):
        return None
    answers = {nps_strict(entry, day) for entry in known}
    return answers.pop() if len(answers) == 1 else None


def _identity(
    substance: Substance, *, finding: Finding, catalogue: Catalogue, structures: StructureReader | None
) -> Identity:
    identity = identify(
        name=substance.name,
        one_of=substance.one_of,
        cas=substance.cas,
        inchikey=substance.inchikey,
        inchi=substance.inchi,
        smiles=substance.smiles,
        catalogue=catalogue,
        structures=structures,
    )
    return in_chemical_role(identity, catalogue) if acts_as_chemical(substance, finding) else identity


def _described(
    alert: Alert, identities: Sequence[Sequence[Identity]], *, catalogue: Catalogue
) -> tuple[SubstanceIdentity, ...]:
    day = event_day(alert)
    return tuple(
        SubstanceIdentity(
            finding=index,
            substance=position,
            name=_name(substance),
            outcome=identity.outcome,
            inchikey=identity.inchikey,
            preferred_name=identity.preferred_name,
            cas=None if identity.entry is None or identity.stereo_differs else identity.entry.cas,
            family=identity.family,
            control=_control(identity.entry, day),
            nps_strict=strictly_new(identity, day, catalogue),
            candidates=tuple(
                Candidate(inchikey=one.inchikey, preferred_name=one.preferred_name, reason=one.reason)
                for one in identity.candidates
            ),
            step=identity.step,
            reason=identity.reason,
        )
        for index, finding in enumerate(alert.findings)
        for position, (substance, identity) in enumerate(
            zip(finding.substances, identities[index], strict=True)
        )
    )


def _name(substance: Substance) -> str:
    return substance.name if substance.name is not None else " / ".join(substance.one_of)


def _control(entry: Entry | None, day: Days) -> tuple[ControlEntry, ...]:
    """Return the schedules in force on ``day``."""
    if entry is None:
        return ()
    return tuple(
        ControlEntry(convention=one.convention, schedule=one.schedule, since=one.since)
        for one in controls_on(entry, day).schedules
        if one.standing is Standing.IN_FORCE
    )
