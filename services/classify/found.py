"""One substance that was found: what it counts as, and how surely."""

from dataclasses import dataclass

from schemas.alerts import Substance
from schemas.vocabularies import Confirmation, Outcome, Role
from services.classify.identities import NO_DRUG, Identity
from services.classify.sold_as import same_group
from services.classify.within import PART_OF_NAME
from services.reference.catalogue import Entry

SYNTHETIC_OPIOIDS = frozenset({"SYN.NSO", "SYN.FRS"})
ALPHA2 = "alpha2_agonist"
OPIOID = "opioid"  # the effect group
_WEAK = "weak_opioid"

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
_CHEMICALS_AND_MEDICINES = frozenset({"CHM", "PHA"})


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
        opioid = self.synthetic_opioid or same_group(self.identity.effect_group) == OPIOID
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
        """Whether its name says what it is: a substance, a class, a poison that is no drug, or holds a name."""
        said = self.identity.outcome in {Outcome.RESOLVED, Outcome.CLASS_ONLY}
        held = any(one.reason == PART_OF_NAME for one in self.identity.candidates)
        return said or held or bool(self.identity.codes) or self.identity.reason == NO_DRUG

    @property
    def identifies(self) -> bool:
        """Whether it says what acted: it is known, and named by more than a rumour."""
        named = self.reported.confirmation is not Confirmation.UNVERIFIED
        return self.known and named and self.reported.role in _IDENTIFYING

    @property
    def decisive(self) -> bool:
        """Whether it tells what acted though another main part is not known.

        A drug does; a medicine, a solvent or a poison where it is a main part itself; caffeine and alcohol never.
        """
        main = self.reported.role is Role.PRINCIPAL
        listed = bool(_groups(self.identity) & _CHEMICALS_AND_MEDICINES)
        return self.is_drug or (main and (listed or self.identity.reason == NO_DRUG))

    @property
    def is_drug(self) -> bool:
        """Whether it is a drug by its categories, not only a chemical, a medicine or an adulterant."""
        return bool(_groups(self.identity) & _DRUGS)


def _groups(identity: Identity) -> set[str]:
    return {code.partition(".")[0] for code in identity.codes}


def _is_strong(entry: Entry) -> bool:
    return bool(entry.codes & SYNTHETIC_OPIOIDS) and _WEAK not in entry.marks
