"""Identifiers of substances: their form is verified here, what they mean is found by classification.

A wrong identifier is refused and never mended. Sources: CAS check digit as published by the Chemical
Abstracts Service; InChI and InChIKey as in the InChI technical manual of the IUPAC.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

_CAS = re.compile(r"[1-9][0-9]{1,6}-[0-9]{2}-[0-9]")
_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{8}[SN][A-Z]-[A-Z]")
_INCHI = re.compile(r"InChI=1S?/[!-~]+")
_SMILES = re.compile(r"[!-~]+")


def cas_check_digit_holds(number: str) -> bool:
    """Return whether the last digit is the sum of the others, each times its place from the right, mod 10."""
    *digits, check = (int(character) for character in number if character != "-")
    return sum(place * digit for place, digit in enumerate(reversed(digits), start=1)) % 10 == check


def _cas(number: str) -> str:
    if _CAS.fullmatch(number) is None:
        raise PydanticCustomError("cas_form", "A CAS number is 2 to 7 digits, 2 digits and 1 digit")
    if not cas_check_digit_holds(number):
        raise PydanticCustomError("cas_check_digit", "The check digit of the CAS number is wrong")
    return number


def _inchikey(key: str) -> str:
    if _INCHIKEY.fullmatch(key) is None:
        raise PydanticCustomError("inchikey_form", "An InChIKey is 14, 10 and 1 capital letters")
    return key


def _inchi(text: str) -> str:
    if _INCHI.fullmatch(text) is None:
        raise PydanticCustomError("inchi_form", "An InChI begins with InChI=1S/ and holds no spaces")
    return text


def _smiles(text: str) -> str:
    if _SMILES.fullmatch(text) is None:
        raise PydanticCustomError("smiles_form", "A SMILES is printable ASCII without spaces")
    return text


Cas = Annotated[str, Strict(), Field(max_length=12), AfterValidator(_cas)]
InchiKey = Annotated[str, Strict(), Field(max_length=27), AfterValidator(_inchikey)]
Inchi = Annotated[str, Strict(), Field(max_length=2_000), AfterValidator(_inchi)]
Smiles = Annotated[str, Strict(), Field(max_length=500), AfterValidator(_smiles)]
