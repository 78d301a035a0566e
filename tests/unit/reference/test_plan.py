"""The Plan's lines behind the categories."""

import re

from services.reference.loader import load_catalogue
from services.reference.plan import load_plan_lines

_REFERENCE = re.compile(r"HPAD-2021:[A-Z]+\.[0-9](\.[0-9]+)?@L[0-9]{3}|CND-2023@L[0-9]{3}")


def test_each_reference_names_a_document_and_a_line() -> None:
    for basis in load_plan_lines().values():
        assert basis.references
        assert all(_REFERENCE.fullmatch(reference) for reference in basis.references)
        assert basis.reference == basis.references[0]


def test_each_code_of_the_catalogue_has_a_reference() -> None:
    codes = {code for entry in load_catalogue().entries for code in entry.codes}
    assert codes <= set(load_plan_lines())


def test_what_the_plan_does_not_name_says_so() -> None:
    extensions = {code for code, basis in load_plan_lines().items() if basis.extension}
    assert extensions == {"X.ADU", "X.UNK"}
