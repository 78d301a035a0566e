"""What was found in each product of an alert, as far as severity asks.

*Found* is what is not ruled out in a finding made here. In an echo, which passes on the finding of another
place and has none of its own, it is what was found there; severity then stops at moderate.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.alerts import Alert, Finding, Substance
from schemas.vocabularies import (
    Confirmation,
    EventType,
    Market,
    Matrix,
    Outcome,
    Presence,
    ReferenceRelation,
    Role,
)
from services.classify.identities import NO_DRUG, Identity
from services.classify.sold_as import SoldAs, same_group
from services.reference.catalogue import Entry

SYNTHETIC_OPIOIDS = frozenset({"SYN.NSO", "SYN.FRS"})
ALPHA2 = "alpha2_agonist"
_WEAK = "weak_opioid"
_OPIOID = "opioid"

_PRESUMPTIVE = frozenset(
    {
        Confirmation.PRESUMPTIVE_FIELD,
        Confirmation.PRESUMPTIVE_LAB,
        Confirmation.CONFIRMED,
        Confirmation.CONFIRMED_REFERENCE,
    }
)
_LABORATORY = _PRESUMPTIVE - {Confirmation.PRESUMPTIVE_FIELD}
_IN_PRODUCT = frozenset({Role.PRINCIPAL, Role.ADULTERANT})
_ACTING = _IN_PRODUCT | {Role.CO_DETECTED}
_IDENTIFYING = _ACTING | {Role.METABOLITE}
_DRUGS = frozenset({"SYN", "PLT", "NPS"})
# Medicines somewhere, but whoever sells a tablet by these names promises a drug, not a pharmacy's product.
_ALSO_STREET_DRUGS = frozenset({"fentanyl", "amphetamine", "arylcyclohexylamine"})
_DOSE_FORMS = frozenset({Matrix.TABLET, Matrix.CAPSULE, Matrix.AMPOULE, Matrix.ADHESIVE})


class Disguise(StrEnum):
    """In what way a hazard is hidden from the buyer."""

    EFFECT = "effect"  # sold as something of another effect group, or as a food
    COUNTERFEIT = "counterfeit"  # in a counterfeit medicine


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One substance that was found. ``finding`` and ``substance`` are its positions in the alert.

    Each part of a mixture is one by itself, at the same position.
    """

    finding: int
    substance: int
    reported: Substance
    identity: Identity

    @property
    def key(self) -> str | None:
        """The catalogue's key, None for what is not in it."""
        return self.identity.entry.key if self.identity.entry is not None else None

    @property
    def keys(self) -> frozenset[str]:
        """Its key, with that of what a plant acts by: whoever promised either keeps the promise."""
        entry = self.identity.entry
        return frozenset() if entry is None else frozenset(filter(None, (entry.key, entry.marker)))

    @property
    def possible(self) -> tuple[Entry, ...]:
        """The entries of which it is one, empty where it may be something outside the catalogue."""
        if self.identity.entry is not None:
            return (self.identity.entry,)
        if self.identity.outcome is not Outcome.AMBIGUOUS:  # of an unknown name they only look alike
            return ()
        listed = tuple(one.entry for one in self.identity.candidates if one.entry is not None)
        return listed if len(listed) == len(self.identity.candidates) else ()

    @property
    def family(self) -> str | None:
        """The family that firsts are counted by: alpha-2 agonists are one family."""
        return ALPHA2 if self.alpha2 else self.identity.family

    @property
    def alpha2(self) -> bool:
        """Whether naloxone does not reverse it because it is an alpha-2 agonist."""
        return self.identity.entry is not None and ALPHA2 in self.identity.entry.marks

    @property
    def synthetic_opioid(self) -> bool:
        """Whether it carries a code of synthetic opioids, weak medicines included."""
        return bool(self.identity.codes & SYNTHETIC_OPIOIDS)

    @property
    def opioid(self) -> bool:
        """Whether it counts as an opioid: a synthetic one but the weak medicines, or an unknown one."""
        if self.identity.entry is not None:
            return _is_strong(self.identity.entry)
        opioid = self.synthetic_opioid or same_group(self.identity.effect_group) == _OPIOID
        return opioid and (not self.possible or any(map(_is_strong, self.possible)))

    @property
    def synthetic_and_strong(self) -> bool:
        """Whether it is known to be a synthetic opioid, and no weak medicine."""
        return self.opioid and self.synthetic_opioid

    @property
    def designer_benzodiazepine(self) -> bool:
        """Whether it is a benzodiazepine monitored as NPS."""
        return self.identity.family == "benzodiazepine" and "NPS" in self.identity.codes

    @property
    def acting(self) -> bool:
        """Whether it is in the product or in the patient, neither cut nor residue nor chemical."""
        return self.reported.role in _ACTING

    @property
    def in_product(self) -> bool:
        """Whether the buyer took it with the product."""
        return self.reported.role in _IN_PRODUCT

    @property
    def presumptive(self) -> bool:
        """Whether at least a field test stands behind it."""
        return self.reported.confirmation in _PRESUMPTIVE

    @property
    def laboratory(self) -> bool:
        """Whether at least a laboratory's presumption stands behind it."""
        return self.reported.confirmation in _LABORATORY

    @property
    def known(self) -> bool:
        """Whether its name says what it is: a substance, a class, or a poison that is no drug."""
        said = self.identity.outcome in {Outcome.RESOLVED, Outcome.CLASS_ONLY}
        return said or bool(self.identity.codes) or self.identity.reason == NO_DRUG

    @property
    def identifies(self) -> bool:
        """Whether it says what acted: it is known, and named by more than a rumour."""
        named = self.reported.confirmation is not Confirmation.UNVERIFIED
        return self.known and named and self.reported.role in _IDENTIFYING

    @property
    def drug(self) -> bool:
        """Whether it acts as a drug by its own categories: caffeine, a solvent and a vitamin do not."""
        return any(code.partition(".")[0] in _DRUGS for code in self.identity.codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One finding with what was found in it.

    ``opioids`` is what counts as an opioid in it, ``sedatives`` what naloxone does not reverse: alpha-2 agonists
    and designer benzodiazepines.
    """

    index: int
    finding: Finding
    found: tuple[Found, ...]
    opioids: tuple[Found, ...]
    sedatives: tuple[Found, ...]
    sold_as: SoldAs
    disguises: frozenset[Disguise]

    @property
    def identified(self) -> bool:
        """Whether anything found in it says what acted: a drug, where the main part is not known."""
        unknown = any(one.reported.role is Role.PRINCIPAL and not one.known for one in self.found)
        return any(one.identifies and (one.drug or not unknown) for one in self.found)

    @property
    def disguised_opioid(self) -> bool:
        """Whether an opioid, presumptive or better, is in this product that does not show it."""
        counterfeit = Disguise.COUNTERFEIT in self.disguises and any(self._opioids_in_product())
        return counterfeit or self.masked_opioid

    @property
    def masked_opioid(self) -> bool:
        """Whether an opioid, presumptive or better, is in a product sold as another effect group.

        It is the opioid that must be hidden: a benzodiazepine in what is sold as fentanyl hides itself only.
        """
        return any(_of_another_effect(one, self.sold_as) for one in self._opioids_in_product())

    @property
    def resistant_sedative(self) -> bool:
        """Whether a sedative that naloxone does not reverse was found with an opioid."""
        return bool(self.sedatives) and bool(self.opioids)

    @property
    def adulterated(self) -> bool:
        """Whether an adulterant was found in it: more than a cutting agent, less than it was sold as."""
        return any(one.reported.role is Role.ADULTERANT for one in self.found)

    @property
    def mis_sold(self) -> bool:
        """Whether what it was sold as was not found in it, and another substance was."""
        keys = {key for one in self.found if one.in_product and one.presumptive for key in one.keys}
        return bool(self.sold_as.keys) and bool(keys) and not keys & self.sold_as.keys

    def _opioids_in_product(self) -> Iterator[Found]:
        return (one for one in self.opioids if one.in_product and one.presumptive)


def _is_strong(entry: Entry) -> bool:
    return bool(entry.codes & SYNTHETIC_OPIOIDS) and _WEAK not in entry.marks


def is_echo(alert: Alert) -> bool:
    """Return whether ``alert`` passes on a finding of another place and has made none here."""
    presences = {finding.presence for finding in alert.findings}
    if Presence.DETECTED_HERE in presences:
        return False
    passed_on = any(reference.relation is ReferenceRelation.ECHO_OF for reference in alert.references)
    return passed_on or Presence.NOT_DETECTED_HERE in presences


def products(
    alert: Alert, identities: Sequence[Sequence[Identity]], *, sold_as: Sequence[SoldAs]
) -> tuple[Product, ...]:
    """Return the findings that count, in the order of the alert."""
    wanted = Presence.NOT_DETECTED_HERE if is_echo(alert) else Presence.DETECTED_HERE
    counterfeit = EventType.COUNTERFEIT_PHARMACEUTICAL in alert.event_types
    return tuple(
        _product(
            index, finding, identities=identities[index], sold_as=sold_as[index], counterfeit=counterfeit
        )
        for index, finding in enumerate(alert.findings)
        if finding.presence is wanted
    )


def _product(
    index: int, finding: Finding, *, identities: Sequence[Identity], sold_as: SoldAs, counterfeit: bool
) -> Product:
    found = tuple(
        Found(finding=index, substance=position, reported=reported, identity=part)
        for position, (reported, identity) in enumerate(zip(finding.substances, identities, strict=True))
        if reported.confirmation is not Confirmation.RULED_OUT
        for part in identity.parts or (identity,)
    )
    acting = [one for one in found if one.acting]
    hazards = tuple(one for one in found if one.in_product)
    disguises = set()
    if any(_of_another_effect(one, sold_as) for one in hazards):
        disguises.add(Disguise.EFFECT)
    if hazards and _is_counterfeit(finding, hazards, sold_as=sold_as, said=counterfeit):
        disguises.add(Disguise.COUNTERFEIT)
    return Product(
        index=index,
        finding=finding,
        found=found,
        opioids=tuple(one for one in acting if one.opioid),
        sedatives=tuple(one for one in acting if one.alpha2 or one.designer_benzodiazepine),
        sold_as=sold_as,
        disguises=frozenset(disguises),
    )


def _of_another_effect(hazard: Found, sold_as: SoldAs) -> bool:
    group = _OPIOID if hazard.opioid else same_group(hazard.identity.effect_group)
    if group is None or hazard.keys & sold_as.keys:
        return False
    return sold_as.food or (bool(sold_as.effect_groups) and group not in sold_as.effect_groups)


def _is_counterfeit(finding: Finding, hazards: Iterable[Found], *, sold_as: SoldAs, said: bool) -> bool:
    if finding.market is Market.DIVERTED_MEDICINE:
        return False
    if said:
        return sold_as.medicine or not sold_as.keys
    forms = {*finding.matrices, finding.product.form if finding.product is not None else None}
    found = [one.keys for one in hazards if one.presumptive]
    medicine = sold_as.medicine and sold_as.family not in _ALSO_STREET_DRUGS
    other = bool(found) and not any(keys & sold_as.keys for keys in found)
    return medicine and bool(forms & _DOSE_FORMS) and other
