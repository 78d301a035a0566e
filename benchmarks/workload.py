"""Alerts for load: each is a new event, so that each is due to be sent.

Substance, place and day are walked with coprime steps: two alerts of one substance in one place within its
week, which would be reports of one event, do not occur below a million.
"""

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SUBSTANCES = Path(__file__).parent.parent / "services" / "reference" / "data" / "substances.csv"
COUNTRIES = (
    "AR",
    "BO",
    "BR",
    "CA",
    "CL",
    "CO",
    "CR",
    "DO",
    "EC",
    "GT",
    "HN",
    "MX",
    "PA",
    "PE",
    "PY",
    "SV",
    "US",
    "UY",
)


@cache
def _names() -> tuple[str, ...]:
    with SUBSTANCES.open(encoding="utf-8") as lines:
        return tuple(row["preferred_name"] for row in csv.DictReader(lines))


@cache
def _places() -> tuple[tuple[str, str], ...]:
    import pycountry

    return tuple(
        (place.country_code, place.code)
        for country in COUNTRIES
        for place in sorted(pycountry.subdivisions.get(country_code=country) or (), key=lambda one: one.code)
    )


def body(number: int, *, prefix: str, status: str = "actual", version: int = 1) -> bytes:
    """Return alert `number` of a run as JSON, about 1.2 kB."""
    names, places = _names(), _places()
    country, admin1 = places[(number * 7) % len(places)]
    day = 1 + number // (len(names) * 3) % 20
    alert = {
        "national_ref": f"{prefix}-{number:06}",
        "version": version,
        "language": ("es", "en", "pt", "fr")[number % 4],
        "tlp": "TLP:GREEN",
        "status": status,
        "title": f"Load alert {number}: a substance found in a product",
        "summary": "An invented alert of a load run. " * 8,
        "event_types": ["seizure"],
        "detected_at": f"2026-10-{day:02}",
        "sent_at": "2026-11-14T20:30:00-03:00",
        "location": {"country": country, "admin1": [admin1], "setting": "nightlife"},
        "source_types": ["forensic_lab"],
        "findings": [
            {
                "sold_as": "MDMA",
                "market": "illicit",
                "matrices": ["tablet"],
                "product": {"form": "tablet", "colour": "blue", "markings": f"L{number}"},
                "substances": [
                    {
                        "name": names[(number * 11) % len(names)],
                        "confirmation": "confirmed",
                        "methods": ["gc_ms"],
                        "lab_type": "forensic",
                    }
                ],
            }
        ],
    }
    return json.dumps(alert, ensure_ascii=False).encode()


def scattered(number: int) -> int:
    """Return another number below a million for each: neighbours are then of different countries, as from many senders.

    What is decided about one country stands in line, and in `body` some dozens in a row are of one.
    """
    return number * 387_421 % 1_000_000


def bodies(count: int, *, prefix: str, start: int = 0, status: str = "actual") -> Iterator[tuple[str, bytes]]:
    """Yield (national reference, JSON) of `count` alerts."""
    for number in range(start, start + count):
        yield f"{prefix}-{number:06}", body(number, prefix=prefix, status=status)
