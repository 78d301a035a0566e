"""Names of countries and subdivisions in the four languages."""

from services.reference.places import country_name, subdivision_name


def test_names_are_those_of_the_language_and_a_code_that_is_none_stays() -> None:
    assert [country_name("CA", each) for each in ("en", "es", "fr", "pt")] == [
        "Canada",
        "Canadá",
        "Canada",
        "Canadá",
    ]
    assert subdivision_name("CA-QC", "fr") == "Québec"
    assert subdivision_name("ZZ-ZZ", "en") == "ZZ-ZZ"


def test_slips_of_the_catalogue_are_mended() -> None:
    assert subdivision_name("BR-SP", "fr") == "São Paulo"
    assert subdivision_name("UY-FD", "fr") == "Florida"
    assert subdivision_name("US-FL", "fr") == "Floride"
