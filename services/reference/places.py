"""Names of countries and their subdivisions in the languages of the relay.

Countries come from CLDR (Babel), subdivisions from the translated ISO 3166-2 catalogue (pycountry). Both are
read on first use and kept.
"""

import gettext
from functools import lru_cache
from typing import Any, Final

import pycountry
from babel import Locale

# Slips of the catalogue, and names that it takes for a namesake's in another country.
_MENDED: Final = {
    ("BR-SP", "fr"): "São Paulo",
    ("DO-01", "fr"): "Distrito Nacional (Santo Domingo)",
    ("UY-FD", "fr"): "Florida",
    ("NI-GR", "fr"): "Granada",
    ("NI-LE", "fr"): "León",
    **dict.fromkeys((("BR-AM", "fr"), ("CO-AMA", "fr"), ("PE-AMA", "fr"), ("VE-Z", "fr")), "Amazonas"),
}


@lru_cache(maxsize=1024)
def country_name(code: str, language: str) -> str:
    """Return the name of the country with this alpha-2 code, or the code where it has none.

    Raises babel.UnknownLocaleError for a language that is none.
    """
    return str(Locale.parse(language).territories.get(code.upper(), code))


@lru_cache(maxsize=4096)
def subdivision_name(code: str, language: str) -> str:
    """Return the name of the subdivision with this ISO 3166-2 code, or the code where it has none.

    A name without a translation is given as ISO 3166-2 writes it.
    """
    if (code.upper(), language) in _MENDED:
        return _MENDED[code.upper(), language]
    known: Any = pycountry.subdivisions  # the library is not typed
    subdivision = known.get(code=code.upper())
    return code if subdivision is None else _subdivisions(language).gettext(subdivision.name)


@lru_cache(maxsize=16)
def _subdivisions(language: str) -> gettext.NullTranslations:
    return gettext.translation(
        "iso3166-2", pycountry.LOCALES_DIR, languages=_fallbacks(language), fallback=True
    )


def _fallbacks(language: str) -> list[str]:
    # Portuguese is catalogued by country, and here it is Brazil's
    return ["pt_BR", "pt"] if language == "pt" else [language]
