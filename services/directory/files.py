"""Directory files: JSON as it is, or CSV as a spreadsheet writes it, read into one document."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from services.directory.entries import Fault, Parsed, RefusesUrl, parse
from services.directory.participations import listed
from services.reference.states import States

COLUMNS: Final = (
    "id",
    "country",
    "organisation",
    "kind",
    "language",
    "timezone",
    "audiences",
    "categories",
    "email",
    "email_personal",
    "webhook",
    "webhook_withheld",
    "feed",
    "deputies",
    "active",
)
_LISTS: Final = ("audiences", "categories")
_TRUE: Final = frozenset({"yes", "true", "1", "x"})
_FALSE: Final = frozenset({"no", "false", "0", ""})
_LARGEST: Final = 8 * 1024 * 1024


def read_directory(path: Path, *, states: States, refuses_url: RefusesUrl) -> Parsed:
    """Return what a file says; ``.csv`` is a table, anything else JSON. ``OSError`` where it cannot be read."""
    if path.stat().st_size > _LARGEST:
        return _refused("too_large", "A directory has at most 8 MiB")
    is_csv = path.suffix.lower() == ".csv"
    return parse_directory(path.read_bytes(), is_csv=is_csv, states=states, refuses_url=refuses_url)


def parse_directory(content: bytes, *, is_csv: bool, states: States, refuses_url: RefusesUrl) -> Parsed:
    """Return what a file's content says; faults of a table point into the document that its rows become.

    A table has every column, in any order: what a column that is missing would say is nobody's guess.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _refused("not_utf8", "The file is not UTF-8")
    document: Any
    if is_csv:
        table = csv.DictReader(io.StringIO(text))
        rows = list(table)
        heading = sorted(table.fieldnames or ())
        if heading != sorted(COLUMNS) or any(None in row or None in row.values() for row in rows):
            return _refused("columns", f"The columns, all of them, are {','.join(COLUMNS)}")
        document = {"institutions": [_institution(row) for row in rows]}
    else:
        try:
            document = json.loads(text)
        except ValueError:
            return _refused("not_json", "The file is not JSON")
    return parse(document, participations=listed(states), refuses_url=refuses_url)


def _institution(row: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        name: row[name].strip()
        for name in ("id", "country", "organisation", "kind", "language", "timezone")
        if name in row
    }
    entry |= {name: _items(row.get(name, "")) for name in _LISTS}
    channels = []
    if row.get("email", "").strip():
        channels.append(
            {
                "kind": "email",
                "address": row["email"].strip(),
                "personal": _flag(row.get("email_personal", "")),
            }
        )
    if row.get("webhook", "").strip():
        channels.append(
            {
                "kind": "webhook",
                "address": row["webhook"].strip(),
                "withheld": _flag(row.get("webhook_withheld", "")),
            }
        )
    if _flag(row.get("feed", "")) is True:
        channels.append({"kind": "feed", "address": ""})
    entry["channels"] = channels
    entry["deputies"] = [
        {"kind": "email", "address": address, "personal": False}
        for address in _items(row.get("deputies", ""))
    ]
    if row.get("active", "").strip():
        entry["active"] = _flag(row["active"])
    return entry


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(";") if item.strip()]


def _flag(text: str) -> bool | str:
    """Return yes or no; what is neither stays as it is, and is refused by its form."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else text


def _refused(code: str, detail: str) -> Parsed:
    return Parsed(recipients=(), stated={}, faults=(Fault(pointer="", code=code, detail=detail),))
