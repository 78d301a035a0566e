"""By what an alert is compared with others: its substances, families, products and text.

Identity is the connectivity of the substance, never a name; a key goes with the market, for a hospital's
ampoule of fentanyl is not illicit fentanyl. The relay's memory of an alert is one sighting per finding and
key.
Source: HPAD-2021:RIME.1.4@L313, HPAD-2021:RIME.1.5@L314.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypedDict

from schemas.alerts import Alert, Finding, PartialDate, Product, Substance
from schemas.vocabularies import Confirmation, Market, Matrix, Outcome, Presence, Role
from services.classify import looks
from services.classify.found import ALPHA2
from services.classify.identities import Identity
from services.classify.localities import town
from services.classify.sold_as import NOTHING_TOLD, SoldAs
from services.reference.catalogue import Catalogue, Entry
from services.reference.names import exact_key
from services.storage.thread_records import Sighting

SUBSTANCE, FAMILY, PRODUCT, TEXT = "substance:", "family:", "product:", "text:"
OFFER = "offer:"  # a form of drug in a town: by it what is not identified meets what is, for a person
BODY = "biological"  # the market of what was found in a body or in wastewater
EVERYWHERE = (
    "everywhere"  # that of a family by a member that is common: its places are known, and link nothing
)

TELLING = frozenset(
    {Role.PRINCIPAL, Role.ADULTERANT, Role.PRECURSOR, Role.REAGENT, Role.INTERMEDIATE}
)  # the other roles say what a product was cut with or what is left of it, not what it is
_CHEMICAL = frozenset({Role.PRECURSOR, Role.REAGENT, Role.INTERMEDIATE})
_BIOLOGICAL = frozenset(
    {Matrix.BLOOD, Matrix.URINE, Matrix.HAIR, Matrix.ORAL_FLUID, Matrix.POST_MORTEM, Matrix.WASTEWATER}
)
_NO_FORM = _BIOLOGICAL | {Matrix.EQUIPMENT, Matrix.RESIDUE, Matrix.UNKNOWN}
_SEEN = frozenset(
    {
        Confirmation.PRESUMPTIVE_FIELD,
        Confirmation.PRESUMPTIVE_LAB,
        Confirmation.CONFIRMED,
        Confirmation.CONFIRMED_REFERENCE,
    }
)
# Families that gather what fits nowhere else: to share one says nothing, and nobody's first is one of it.
_CATCH_ALL = frozenset(
    {
        "adulterant",
        "antidote",
        "dissociative_other",
        "medicine_other",
        "opioid_other",
        "other",
        "plant_based",
        "precursor",
        "sedative_other",
        "stimulant_other",
    }
)
_FOUND_EVERYWHERE = ("cocaine", "cannabis", "Δ9-THC", "THC", "MDMA")
_FACTS = {"event_start", "event_end", "detected_at", "findings", "harms"}
_SPANS = 1024  # kept: most alerts of a time name the same days
_LONGEST = 100  # of the name of a plant in a key
_BLOCK = 14  # characters of an InChIKey that say how the atoms are connected


class _Base(TypedDict):
    """What all sightings of one finding share."""

    finding: int
    market: str
    country: str
    admin1: tuple[str, ...]
    presence: str
    began_at: datetime
    ended_at: datetime
    locality: str
    traits: str


def sightings_of(
    alert: Alert,
    identities: Sequence[Sequence[Identity]],
    sold_as: Sequence[SoldAs] = (),
    *,
    common: frozenset[str] = frozenset(),
) -> tuple[Sighting, ...]:
    """Return what the relay will remember of `alert`; `identities` follow its findings and substances.

    `sold_as` follows its findings, empty where nothing is known of them. Substances that were ruled out are kept
    too: they keep this alert apart from those that confirm them. `common` are keys of what is found everywhere.
    """
    promises = sold_as or (NOTHING_TOLD,) * len(alert.findings)
    found = [
        sighting
        for index, (finding, known) in enumerate(zip(alert.findings, identities, strict=True))
        for sighting in _of_finding(alert, index, finding, known, promise=promises[index], common=common)
    ]
    return (*found, _text(alert))


def common_keys(catalogue: Catalogue) -> frozenset[str]:
    """Return the substances that are found everywhere, so that two reports of them are two events.

    They stand for the baseline of a state that has not loaded one; a product still links (DOMAIN.md 3.3).
    """
    found = (catalogue.entry(key) for name in _FOUND_EVERYWHERE for key in catalogue.with_name(name))
    return frozenset(_entry_key(entry) for entry in found if entry is not None)


def substance_key(identity: Identity) -> str | None:
    """Return the key of a resolved substance, or of a structure that nobody has listed; None otherwise."""
    if identity.outcome in {Outcome.AMBIGUOUS, Outcome.INVALID}:
        return None
    if identity.entry is not None:
        return _entry_key(identity.entry)
    return SUBSTANCE + identity.inchikey[:_BLOCK] if identity.inchikey is not None else None


def family_key(identity: Identity) -> str | None:
    """Return the key of its family, None where that only gathers the rest; alpha-2 agonists count as one."""
    if identity.outcome is Outcome.AMBIGUOUS:
        return None
    if identity.entry is not None and ALPHA2 in identity.entry.marks:
        return FAMILY + ALPHA2
    return FAMILY + identity.family if identity.family and identity.family not in _CATCH_ALL else None


def window(alert: Alert) -> tuple[datetime, datetime]:
    """Return the first and the last instant of the event, as far as stated; else of its detection."""
    start = alert.event_start or alert.event_end or alert.detected_at
    end = alert.event_end or alert.event_start or alert.detected_at
    return _span(start, end)


@lru_cache(maxsize=_SPANS)
def _span(start: PartialDate, end: PartialDate) -> tuple[datetime, datetime]:
    return start.earliest, max(start.earliest, end.latest)


def _of_finding(
    alert: Alert,
    index: int,
    finding: Finding,
    identities: Sequence[Identity],
    *,
    promise: SoldAs,
    common: frozenset[str],
) -> Iterator[Sighting]:
    best: dict[str, Sighting] = {}
    forms = _forms(finding)
    base = _base(alert, index, finding, traits=_traits(forms, promise))
    here = finding.presence is Presence.DETECTED_HERE
    for substance, identity in zip(finding.substances, identities, strict=True):
        member = substance_key(identity)
        for key in (member, family_key(identity)):
            if key is None or (substance.confirmation is Confirmation.RULED_OUT and key.startswith(FAMILY)):
                continue  # one member that is not there says nothing of its family
            detail = (member or "") if key.startswith(FAMILY) else ""
            sighting = _of_substance(base, substance, key=key, detail=detail, here=here)
            if detail in common:
                sighting = sighting._replace(market=EVERYWHERE)
            if key not in best or _weight(sighting) > _weight(best[key]):
                best[key] = sighting
    yield from best.values()
    principals = " ".join(
        sorted(
            key
            for key, one in best.items()
            if key.startswith(SUBSTANCE) and one.role == Role.PRINCIPAL and one.confirmation != "ruled_out"
        )
    )
    shaped: _Base = {**base, "traits": _shaped(base["traits"], finding.product)}
    for key in product_keys(finding.product):
        yield Sighting(**shaped, key=key, role="", confirmation="", detail=principals, counted=here)
    if base["locality"]:  # in a whole state or province an unknown powder may be any
        for form in forms:
            key = OFFER + _digest(form, base["locality"])
            yield Sighting(**base, key=key, role="", confirmation="", detail=principals)


def product_keys(product: Product | None) -> tuple[str, ...]:
    """Return the signatures of a product: its looks with their marking, and its brand; both may be missing.

    Its shape is in none of them, since many reports leave it out; where two state it, `traits` tell them apart.
    """
    if product is None:
        return ()
    form = product.form.value if product.form is not None else ""
    colour, marking = looks.colours(product.colour), looks.markings(product.markings)
    keys = []
    if marking and (form or colour or product.shape):  # a white round tablet without a marking is any tablet
        keys.append(PRODUCT + _digest("looks", form, colour, marking))
    if brand := _plain(product.brand):
        keys.append(PRODUCT + _digest("brand", form, brand))
    return tuple(keys)


def _shaped(traits: str, product: Product | None) -> str:
    """Return the traits of a product with its shape, which is compared where two carry one marking."""
    shape = looks.shape(product.shape) if product is not None else ""
    return f"{traits} shape={shape}".lstrip() if shape else traits


def _of_substance(base: _Base, substance: Substance, *, key: str, detail: str, here: bool) -> Sighting:
    if substance.role in _CHEMICAL:
        base = {**base, "market": Market.CHEMICAL_TRADE.value}
    return Sighting(
        **base,
        key=key,
        role=substance.role.value,
        confirmation=substance.confirmation.value,
        detail=detail,
        counted=here and substance.role in TELLING and substance.confirmation in _SEEN,
    )


def _base(alert: Alert, index: int, finding: Finding, *, traits: str) -> _Base:
    began_at, ended_at = window(alert)
    place = alert.location
    admin1 = tuple(sorted(set(place.admin1)))
    return {
        "finding": index,
        "market": _market(finding),
        "country": place.country,
        "admin1": admin1,
        "presence": finding.presence.value,
        "began_at": began_at,
        "ended_at": ended_at,
        "locality": town(place.locality, country=place.country, admin1=admin1),
        "traits": traits,
    }


def _forms(finding: Finding) -> tuple[str, ...]:
    """Return in which forms the product was seen; nothing of a body, a laboratory or a trace."""
    stated = {*finding.matrices, *((finding.product.form,) if finding.product is not None else ())}
    return tuple(sorted(form.value for form in stated if form is not None and form not in _NO_FORM))


def _traits(forms: Sequence[str], promise: SoldAs) -> str:
    """Return what a product was like and promised: two that both say so and share nothing are two products."""
    said = [f"form={form}" for form in forms]
    said += sorted(f"sold_as={key[:_BLOCK].replace(' ', '_')}" for key in promise.keys)
    effects = {"food"} if promise.food else promise.effect_groups
    return " ".join([*said, *sorted(f"effect={effect}" for effect in effects)])


def _text(alert: Alert) -> Sighting:
    began_at, ended_at = window(alert)
    place = alert.location
    facts = alert.model_dump_json(include=_FACTS)
    if '"x_' in facts:  # only where the sender names things itself do they stand in no fixed order
        facts = json.dumps(json.loads(facts), sort_keys=True, ensure_ascii=False)
    where = [place.country, sorted(place.admin1), _plain(place.locality)]
    return Sighting(
        finding=0,
        key=TEXT + _digest(_plain(alert.title), _plain(alert.summary)),
        market="",
        country=place.country,
        admin1=tuple(sorted(set(place.admin1))),
        role="",
        confirmation="",
        presence="",
        began_at=began_at,
        ended_at=ended_at,
        detail=_digest(json.dumps(where, ensure_ascii=False), facts),
    )


def _market(finding: Finding) -> str:
    """Return the market that a finding is compared in. Where none is stated, the street's is meant.

    A finding in a body or in wastewater is one of its own: nothing says which product it came from.
    """
    if finding.market is not Market.UNKNOWN:
        return finding.market.value
    matrices = set(finding.matrices)
    return BODY if matrices and matrices <= _BIOLOGICAL else Market.ILLICIT.value


def _entry_key(entry: Entry) -> str:
    return SUBSTANCE + (entry.inchikey[:_BLOCK] if entry.inchikey is not None else entry.key[:_LONGEST])


def _weight(one: Sighting) -> tuple[bool, bool, bool, int]:
    """Return by which of two mentions of one substance or family in one finding it is remembered."""
    return (
        one.market != EVERYWHERE,
        one.counted,
        one.role == Role.PRINCIPAL,
        Confirmation(one.confirmation).rank,
    )


def _plain(text: str | None) -> str:
    return exact_key(text) if text else ""


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
