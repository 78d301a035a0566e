"""Which substance a report means: structure, then CAS number, then name, and what they say together.

Each identifier says which substances it allows. What all allow is the answer; where they allow nothing in
common, nothing is resolved and a person sees both. Pure: the tables are arguments.
Source: HPAD-2021:CM.2.4@L191, HPAD-2021:CM.2.5@L192.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from schemas.vocabularies import Outcome
from services.classify.by_name import identify_name
from services.classify.identities import Candidate, Identity, among, of_class, resolved, together, unresolved
from services.classify.structure import Structure, StructureReader, Unreadable
from services.reference.catalogue import Catalogue, Entry

_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_CAS = re.compile(r"([0-9]{2,7})-([0-9]{2})-([0-9])")
_CAS_IN_NAME = re.compile(  # 1-boc-4-piperidone (CAS 79099-07-3)
    r"[\s,;–-]*[(\[]?\s*\bCAS(?:\s?RN|\s?n[o°º]?\.?)?[\s:.#=]*([0-9]{2,7}-[0-9]{2}-[0-9])(?![0-9])\s*[)\]]?",
    re.IGNORECASE,
)
_BLOCK = 14  # characters of the InChIKey that say how the atoms are connected

_OPIOIDS = frozenset({"opioid", "synthetic_opioid"})
_UNLISTED = unresolved(Outcome.UNKNOWN, step="cas", reason="not_in_catalogue")


def identify(
    *,
    name: str | None,
    one_of: Sequence[str] = (),
    cas: str | None = None,
    inchikey: str | None = None,
    inchi: str | None = None,
    smiles: str | None = None,
    catalogue: Catalogue,
    structures: StructureReader | None,
) -> Identity:
    """Return what the identifiers of one substance mean together.

    Never raises on what a sender wrote: an identifier of the wrong form gives the outcome invalid, an
    unlisted structure its class. Without ``structures``, SMILES and InChI are not looked at.
    """
    if name and (found := _CAS_IN_NAME.search(name)) is not None and found.start():
        if cas and cas.strip() != found[1]:
            return _disagreement([_by_cas(one, catalogue) or _UNLISTED for one in (cas, found[1])])
        name, cas = name[: found.start()] + name[found.end() :], found[1]
    by_structure = _by_structure(
        smiles=smiles, inchi=inchi, inchikey=inchikey, catalogue=catalogue, structures=structures
    )
    by_cas = _by_cas(cas, catalogue) if cas else None
    by_name = _by_names(name, one_of, catalogue)
    for answer in (by_structure, by_cas):
        if answer is not None and answer.outcome is Outcome.INVALID:
            return replace(answer, candidates=_candidates([by_name]) if by_name else ())
    if by_structure is not None and by_name is not None and _key_of_a_salt(by_structure, by_name):
        by_structure = None
    if by_name is not None and by_name.reason in {"mixture", "either_or"}:
        return by_name
    return _agreed([answer for answer in (by_structure, by_cas, by_name) if answer is not None], catalogue)


def in_chemical_role(identity: Identity, catalogue: Catalogue) -> Identity:
    """Return ``identity`` of what counts as a chemical: of several meanings of a name, the one that is.

    4-AP is a medicine and the precursor of fentanyl; whoever stops a drum of it means the precursor.
    """
    if identity.reason != "name_ambiguous":
        return identity
    entries = [entry for one in identity.candidates if (entry := catalogue.entry(one.key)) is not None]
    chemicals = [entry for entry in entries if "CHM" in entry.codes]
    if len(chemicals) != 1:
        return identity
    return resolved(chemicals[0], step=identity.step, reason="in_the_role_of_a_chemical")


def _key_of_a_salt(by_key: Identity, by_name: Identity) -> bool:
    """Return whether an unlisted key may be the salt's: a key cannot be stripped, so the name with it decides."""
    return by_key.step == "inchikey" and by_key.outcome is Outcome.UNKNOWN and by_name.step == "salt"


def valid_cas(cas: str) -> bool:
    """Return whether ``cas`` has the form and the check digit of a CAS registry number."""
    matched = _CAS.fullmatch(cas)
    if matched is None:
        return False
    digits = matched[1] + matched[2]
    return sum(place * int(digit) for place, digit in enumerate(reversed(digits), 1)) % 10 == int(matched[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keyed:
    """Which entries a key fits, and whether their stereochemistry differs from it."""

    entries: list[Entry]
    stereo_differs: bool


def _by_names(name: str | None, one_of: Sequence[str], catalogue: Catalogue) -> Identity | None:
    if name and name.strip():
        return identify_name(name, catalogue)
    if not one_of:
        return None
    read = [(each, identify_name(each, catalogue)) for each in one_of]
    return read[0][1] if len(read) == 1 else together(read, reason="either_or")


def _by_cas(cas: str, catalogue: Catalogue) -> Identity | None:
    written = cas.strip()
    if not valid_cas(written):
        return unresolved(Outcome.INVALID, step="cas", reason="cas_invalid")
    entries = [catalogue.by_key[key] for key in catalogue.with_cas(written)]
    if len(entries) == 1:
        return resolved(entries[0], step="cas", reason="cas_known")
    return among(entries, step="cas", reason="cas_ambiguous") if entries else None


def _by_structure(
    *,
    smiles: str | None,
    inchi: str | None,
    inchikey: str | None,
    catalogue: Catalogue,
    structures: StructureReader | None,
) -> Identity | None:
    key = inchikey.strip().upper() if inchikey else None
    if key and not _INCHIKEY.fullmatch(key):
        return unresolved(Outcome.INVALID, step="inchikey", reason="inchikey_invalid")
    if structures is None or not (smiles or inchi):
        return _by_inchikey(key, catalogue) if key else None
    read = structures.read(smiles=smiles or None, inchi=inchi or None, as_sent=key is not None)
    if isinstance(read, Unreadable):
        return unresolved(Outcome.INVALID, step="structure", reason=f"structure_{read.reason}")
    drawn = _drawn(read, catalogue)
    if key and key[:_BLOCK] not in {read.inchikey[:_BLOCK], read.raw_inchikey[:_BLOCK]}:
        return _disagreement([drawn, _by_inchikey(key, catalogue)])
    return drawn


def _by_inchikey(key: str, catalogue: Catalogue) -> Identity:
    fit = _fit(key, catalogue)
    if len(fit.entries) == 1:
        return resolved(
            fit.entries[0],
            step="inchikey",
            reason="stereo_differs" if fit.stereo_differs else "inchikey_known",
            inchikey=key,
            stereo_differs=fit.stereo_differs,
        )
    if fit.entries:
        return among(fit.entries, step="inchikey", reason="stereo_not_stated")
    return unresolved(Outcome.UNKNOWN, step="inchikey", reason="not_in_catalogue", inchikey=key)


def _drawn(read: Structure, catalogue: Catalogue) -> Identity:
    """Return the identity of a structure: its own key, its parent's, their first block, else its class."""
    for key in dict.fromkeys((read.raw_inchikey, read.inchikey)):
        found = _by_inchikey(key, catalogue)
        if found.outcome is not Outcome.UNKNOWN:
            return replace(found, step="structure")
    if read.families:
        family = catalogue.families[read.families[0]]
        return of_class(family, step="structure_class", reason=read.rules[0], inchikey=read.inchikey)
    return unresolved(Outcome.UNKNOWN, step="structure", reason="not_in_catalogue", inchikey=read.inchikey)


def _fit(key: str, catalogue: Catalogue) -> _Keyed:
    entry = catalogue.entry(key)
    if entry is not None:
        return _Keyed(entries=[entry], stereo_differs=False)
    entries = [catalogue.by_key[other] for other in catalogue.with_block(key)]
    return _Keyed(entries=entries, stereo_differs=bool(entries))


def _agreed(answers: Sequence[Identity], catalogue: Catalogue) -> Identity:
    """Return what ``answers``, the strongest first, say together."""
    if not answers:
        return unresolved(Outcome.UNKNOWN, step="none", reason="not_a_name")
    voices = [(answer, allowed) for answer in answers if (allowed := _allowed(answer))]
    if not voices:
        return answers[-1]
    common = frozenset.intersection(*(allowed for _, allowed in voices))
    if not common or any(_contradicts(answer, voices[0][0]) for answer in answers):
        return _disagreement(answers)
    for answer, allowed in voices:
        if allowed == common:
            return answer
    return _narrowed(common, step=voices[0][0].step, catalogue=catalogue)


def _narrowed(common: frozenset[str], *, step: str, catalogue: Catalogue) -> Identity:
    """Return what is left where each identifier allows more than all of them together."""
    entries = [catalogue.by_key[key] for key in sorted(common) if key in catalogue.by_key]
    if len(entries) == 1 == len(common):
        return resolved(entries[0], step=step, reason="identifiers_together")
    return among(entries, step=step, reason="identifiers_together")


def _allowed(answer: Identity) -> frozenset[str]:
    """Return the substances that ``answer`` allows; empty means that it has no say.

    A substance outside the catalogue stands by its first block.
    """
    if answer.entry is not None:
        return frozenset({answer.entry.key})
    if answer.outcome is Outcome.AMBIGUOUS:
        return frozenset(each.key or (each.inchikey or "")[:_BLOCK] for each in answer.candidates) - {""}
    if answer.inchikey is not None:
        return frozenset({answer.inchikey[:_BLOCK]})
    return frozenset()


def _contradicts(named: Identity, identified: Identity) -> bool:
    """Return whether a class word means another kind of substance than the one identified."""
    if named.outcome is not Outcome.CLASS_ONLY or identified.family is None:
        return False
    groups = {named.effect_group, identified.effect_group}
    return named.family != identified.family and not (groups <= _OPIOIDS)


def _disagreement(answers: Sequence[Identity]) -> Identity:
    """Return the state of identifiers that allow nothing in common: both are shown, a person decides."""
    shared = together([("", answer) for answer in answers], reason="identifiers_disagree")
    return replace(shared, step=answers[0].step, candidates=_candidates(answers))


def _candidates(answers: Sequence[Identity]) -> tuple[Candidate, ...]:
    found: dict[str, Candidate] = {}
    for answer in answers:
        for each in answer.candidates or _own(answer):
            found.setdefault(each.key or each.preferred_name, each)
    return tuple(found.values())


def _own(answer: Identity) -> tuple[Candidate, ...]:
    by = f"by_{answer.step}"
    if answer.entry is not None:
        entry = answer.entry
        return (
            Candidate(key=entry.key, inchikey=entry.inchikey, preferred_name=entry.preferred_name, reason=by),
        )
    if answer.inchikey is not None:
        return (Candidate(key="", inchikey=answer.inchikey, preferred_name=answer.inchikey, reason=by),)
    return ()
