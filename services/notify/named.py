"""Which substances a message is about, in which order, and under which names a reader sees them.

First comes the substance that decided the severity, not the first that was listed. A name is never machine
translated: one locant or one prefix is another substance. Street names are no names here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from schemas.alerts import Alert, Substance
from schemas.classifications import Classification, SubstanceIdentity
from schemas.vocabularies import Confirmation, Presence, Role
from services.notify.once import once
from services.notify.typography import one_line
from services.notify.voice import Voice

_CAPITAL: Final = re.compile(r"^((?:\d+(?:,\d+)*'?-)?)([A-Z])(?=[a-z]{2})")
_OPIOID_CODES: Final = frozenset({"SYN.NSO", "SYN.FRS", "SYN.NSO.NITAZENE", "SYN.NSO.OTHER"})
_CHEMICAL_CODES: Final = frozenset(
    {"CHM", "CHM.PRE", "CHM.ESS", "CHM.PPR", "CHM.NSC", "PHA", "PHA.NAR", "PHA.PRE"}
)
_UNKNOWN_CODES: Final = frozenset({"X.UNK"})
_SYNTHETIC_CODES: Final = frozenset({"SYN", "NPS"})
_BY_CHEMICALS: Final = frozenset({"H6", "M5"})
_BY_FIRST: Final = frozenset({"H4", "M1"})
_ACTING: Final = frozenset({Role.PRINCIPAL, Role.ADULTERANT, Role.CO_DETECTED})
_LEFT_OVER: Final = frozenset({Role.CUTTING_AGENT, Role.BY_PRODUCT, Role.METABOLITE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One substance of an alert at its place, with what classification took it for."""

    finding: int
    position: int
    substance: Substance
    identity: SubstanceIdentity | None
    codes: frozenset[str]
    present: bool  # found by the sender itself

    @property
    def ruled_out(self) -> bool:
        """Whether it was looked for and not found."""
        return self.substance.confirmation is Confirmation.RULED_OUT

    @property
    def confirmed(self) -> bool:
        """Whether a laboratory has confirmed the identity."""
        return self.substance.confirmation in (Confirmation.CONFIRMED, Confirmation.CONFIRMED_REFERENCE)


@once
def substances(alert: Alert, classification: Classification | None) -> tuple[Found, ...]:
    """Return every substance of the alert in the order given, those ruled out too."""
    identities = (
        {(one.finding, one.substance): one for one in classification.substances} if classification else {}
    )
    codes: dict[tuple[int | None, int | None], set[str]] = {}
    for label in classification.categories if classification else ():
        codes.setdefault((label.finding, label.substance), set()).add(str(label.code))
    return tuple(
        Found(
            finding=at,
            position=position,
            substance=substance,
            identity=identities.get((at, position)),
            codes=frozenset(codes.get((at, position), ())),
            present=finding.presence is Presence.DETECTED_HERE,
        )
        for at, finding in enumerate(alert.findings)
        for position, substance in enumerate(finding.substances)
    )


@once
def gravest_first(alert: Alert, classification: Classification | None) -> tuple[Found, ...]:
    """Return what was found, the one that decided the severity first; each identity once, none ruled out."""
    reason = classification.severity.reason if classification else ""
    found = [one for one in substances(alert, classification) if not one.ruled_out]
    found.sort(key=lambda one: (not one.present, not _decides(one, reason), _hazard(one), _part(one)))
    return tuple(_once(found))


def findings_by_gravity(alert: Alert, classification: Classification | None) -> tuple[int, ...]:
    """Return the positions of the findings, that of the gravest substance first."""
    order = list(dict.fromkeys(one.finding for one in gravest_first(alert, classification)))
    return (*order, *(at for at in range(len(alert.findings)) if at not in order))


def short_name(found: Found, voice: Voice, *, language: str) -> str:
    """Return the name by which a subject calls it: as reported where sender and reader share ``language``."""
    substance, identity = found.substance, found.identity
    if substance.one_of:
        return _either(substance, identity, voice, same=language == voice.language)
    if language != voice.language and identity is not None and identity.preferred_name:
        return plain(identity.preferred_name)
    return one_line(substance.name or "")


def plain(name: str) -> str:
    """Return a catalogue's name as it stands within a sentence: carfentanil, 4-piperidone, but MDMA."""
    return _CAPITAL.sub(lambda found: found[1] + found[2].lower(), name, count=1)


def catalogue_name(found: Found) -> str | None:
    """Return the catalogue's name where it differs from the sender's by more than capitals."""
    name = found.identity.preferred_name if found.identity else None
    reported = one_line(found.substance.name or "")
    return None if not name or name.casefold() == reported.casefold() else plain(name)


def key(substance: Substance) -> str:
    """Return what makes two mentions of a substance the same: its key, its number, else its name."""
    return (substance.inchikey or substance.cas or substance.name or " / ".join(substance.one_of)).casefold()


def _decides(one: Found, reason: str) -> bool:
    rule, _, variant = reason.partition(".")
    if variant == "unknown_agent":
        return bool(one.codes & _UNKNOWN_CODES)
    if rule in _BY_CHEMICALS:
        return bool(one.codes & _CHEMICAL_CODES)
    if rule in _BY_FIRST and one.substance.first:
        return True
    return bool(one.codes & (_OPIOID_CODES | _UNKNOWN_CODES))


def _hazard(one: Found) -> int:
    if one.codes & _OPIOID_CODES:
        return 0
    return 1 if one.codes & (_SYNTHETIC_CODES | _UNKNOWN_CODES) else 2


def _part(one: Found) -> int:
    role = one.substance.role
    return 0 if role in _ACTING else 2 if role in _LEFT_OVER else 1


def _once(found: list[Found]) -> Iterator[Found]:
    seen: set[str] = set()
    for one in found:
        name = (one.identity.inchikey if one.identity else None) or key(one.substance)
        if name not in seen:
            seen.add(name)
            yield one


def _either(substance: Substance, identity: SubstanceIdentity | None, voice: Voice, *, same: bool) -> str:
    names = [one_line(name) for name in substance.one_of]
    candidates = identity.candidates if identity else ()
    if not same and len(candidates) == len(names):
        pairs = zip(names, candidates, strict=True)
        names = [plain(one.preferred_name) if one.preferred_name else name for name, one in pairs]
    return either(names, voice)


def either(names: list[str], voice: Voice) -> str:
    """Return `a, b or c`; Spanish `o` becomes `u` before a word that begins with that sound."""
    if len(names) < 2:
        return "".join(names)
    joined = voice.say("subject", "candidates", first="\0", second=names[-1])
    if voice.language == "es" and names[-1].casefold().startswith(("o", "ho", "ó", "hó")):
        joined = joined.replace("\0 o ", "\0 u ")
    return joined.replace("\0", ", ".join(names[:-1]))
