"""One line of a list of names or structures: what it is, by the very functions that classify alerts.

A line is a JSON object with ``ref`` and any of ``name``, ``cas``, ``inchikey``, ``inchi``, ``smiles``,
``role`` (default principal) and ``on`` (the day or month or year by which control is judged, default today).
Other keys are not looked at. What is wrong with a line is an answer, never an error.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from schemas.dates import PartialDate
from schemas.vocabularies import Confirmation, Outcome, Role
from services.classify.assess import strictly_new
from services.classify.categories import CHEMICAL_ROLES, Circumstances, grounds_of
from services.classify.identify import identify
from services.classify.identities import Candidate, Identity
from services.classify.structure import StructureReader
from services.reference.catalogue import Catalogue
from services.reference.controls import Days, DaySpan

MOST_BYTES = 65_536  # of a line; far beyond any name and any structure that is read
_MOST_OF_A_REF = 1_000  # characters; it is only handed back
_MOST_CANDIDATES = 3
_IDENTIFIERS = ("name", "cas", "inchikey", "inchi", "smiles")
_MOST_CHARACTERS = {"name": 200, "cas": 50, "inchikey": 50, "inchi": 2_000, "smiles": 2_000}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Line = dict[str, Any]


class _Refused(Exception):
    """The line cannot be looked at; the message is its reason, a code."""


def identify_raw(
    raw: bytes, *, catalogue: Catalogue, structures: StructureReader | None, today: date
) -> Line:
    """Return the answer to a line as it was sent. Never raises on what is in it."""
    if len(raw) > MOST_BYTES:
        return _invalid(None, "line_too_long", catalogue)
    try:
        record = json.loads(raw.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"))
    except UnicodeDecodeError:
        return _invalid(None, "line_not_utf8", catalogue)
    except (ValueError, RecursionError):
        return _invalid(None, "line_not_json", catalogue)
    if not isinstance(record, dict):
        return _invalid(None, "line_not_an_object", catalogue)
    return identify_line(record, catalogue=catalogue, structures=structures, today=today)


def identify_line(
    record: Mapping[str, Any], *, catalogue: Catalogue, structures: StructureReader | None, today: date
) -> Line:
    """Return what ``record`` means, with the keys of :func:`_answer` in their order. Never raises on it.

    Control is judged on ``on``, else on ``today``. ``nps_strict`` is None where it is undetermined.
    """
    try:
        ref = _ref(record)
    except _Refused as fault:
        return _invalid(None, str(fault), catalogue)
    try:
        given = {key: text for key in _IDENTIFIERS if (text := _text(record, key)) is not None}
        role, day = _role(record), _day(record, today)
        if not given:
            raise _Refused("nothing_to_identify")
    except _Refused as fault:
        return _invalid(ref, str(fault), catalogue)
    found = identify(
        name=given.get("name"),
        cas=given.get("cas"),
        inchikey=given.get("inchikey"),
        inchi=given.get("inchi"),
        smiles=given.get("smiles"),
        catalogue=catalogue,
        structures=structures,
    )
    return _answer(ref, found, role=role, day=day, catalogue=catalogue)


def _answer(ref: str | int | None, found: Identity, *, role: Role, day: Days, catalogue: Catalogue) -> Line:
    judged = found.outcome is not Outcome.INVALID
    on = Circumstances(
        role=role,
        confirmation=Confirmation.UNVERIFIED,  # a list of names says nothing of how they were found
        as_chemical=role in CHEMICAL_ROLES,
        as_medicine=False,
        day=day,
    )
    return {
        "ref": ref,
        "outcome": found.outcome.value,
        "inchikey": found.entry.inchikey if found.entry is not None else found.inchikey,
        "preferred_name": found.preferred_name,
        "family": found.family,
        "plan_categories": sorted(grounds_of(found, on)) if judged else [],
        "nps_strict": strictly_new(found, day, catalogue) if judged else None,
        "candidates": [_shown(one) for one in found.candidates[:_MOST_CANDIDATES]],
        "step": found.step,
        "reason": found.reason,
        "catalogue_version": catalogue.version,
    }


def _invalid(ref: str | int | None, reason: str, catalogue: Catalogue) -> Line:
    return {
        "ref": ref,
        "outcome": Outcome.INVALID.value,
        "inchikey": None,
        "preferred_name": None,
        "family": None,
        "plan_categories": [],
        "nps_strict": None,
        "candidates": [],
        "step": "line",
        "reason": reason,
        "catalogue_version": catalogue.version,
    }


def _shown(one: Candidate) -> Line:
    return {"inchikey": one.inchikey, "preferred_name": one.preferred_name, "reason": one.reason}


def _ref(record: Mapping[str, Any]) -> str | int | None:
    ref = record.get("ref")
    if ref is None or (isinstance(ref, str) and len(ref) <= _MOST_OF_A_REF):
        return ref
    if isinstance(ref, int) and not isinstance(ref, bool):
        return ref
    raise _Refused("ref_invalid")


def _text(record: Mapping[str, Any], key: str) -> str | None:
    """Return the text under ``key``; None where there is none, or nothing but spaces."""
    text = record.get(key)
    if text is None:
        return None
    if not isinstance(text, str):
        raise _Refused(f"{key}_not_text")
    if len(text) > _MOST_CHARACTERS[key]:
        raise _Refused(f"{key}_too_long")
    return text if text.strip() else None


def _role(record: Mapping[str, Any]) -> Role:
    role = record.get("role")
    if role is None:
        return Role.PRINCIPAL
    try:
        return Role(role)
    except ValueError:
        raise _Refused("role_unknown") from None


def _day(record: Mapping[str, Any], today: date) -> Days:
    on = record.get("on")
    if on is None:
        return DaySpan(first=today, last=today)
    try:
        return PartialDate.parse(on)
    except (TypeError, ValueError):
        raise _Refused("on_not_a_date") from None
