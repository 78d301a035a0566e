"""What was found in each product of an alert, as far as severity asks.

*Found* is what is not ruled out in a finding made here. In an echo, which passes on the finding of another
place and has none of its own, it is what was found there; severity then stops at moderate.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.alerts import Alert, Finding
from schemas.vocabularies import (
    Confirmation,
    EventType,
    Market,
    Matrix,
    Presence,
    ReferenceRelation,
    Role,
)
from services.classify.found import OPIOID, Found
from services.classify.identities import Identity
from services.classify.sold_as import SoldAs, same_group

# Medicines somewhere, but whoever sells a tablet by these names promises a drug, not a pharmacy's product.
_ALSO_STREET_DRUGS = frozenset({"fentanyl", "amphetamine", "arylcyclohexylamine"})
_DOSE_FORMS = frozenset({Matrix.TABLET, Matrix.CAPSULE, Matrix.AMPOULE, Matrix.ADHESIVE})


class Disguise(StrEnum):
    """In what way a hazard is hidden from the buyer."""

    EFFECT = "effect"  # sold as something of another effect group, or as a food
    COUNTERFEIT = "counterfeit"  # in a counterfeit medicine


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
        """Whether anything found in it says what acted, for certain where a main part is not known."""
        unknown = any(one.reported.role is Role.PRINCIPAL and not one.known for one in self.found)
        return any(one.identifies and (one.decisive or not unknown) for one in self.found)

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
    group = OPIOID if hazard.opioid else same_group(hazard.identity.effect_group)
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
    medicine = sold_as.medicine and not sold_as.families & _ALSO_STREET_DRUGS
    other = bool(found) and not any(keys & sold_as.keys for keys in found)
    return medicine and bool(forms & _DOSE_FORMS) and other
