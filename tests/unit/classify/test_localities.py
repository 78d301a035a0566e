"""When two localities, as institutions write them, are one town."""

import pytest

from services.classify.localities import town

ONE_TOWN = [
    (
        "CA",
        ("CA-QC",),
        ["Montréal", "Montreal", "MONTREAL", "Montréal (Québec)", "Montréal, QC", "Montreal, Que."],
    ),
    ("CA", ("CA-QC",), ["Québec", "Quebec City", "Ville de Québec", "Québec (ville de)", "Québec, QC"]),
    ("CA", ("CA-NL",), ["St. John's", "St John’s", "Saint John's, NL"]),
    ("MX", ("MX-CHH",), ["Ciudad Juárez", "Cd. Juárez", "Cd. Juárez, Chih.", "Ciudad Juarez (Chihuahua)"]),
    ("BR", ("BR-SP",), ["Campinas", "Campinas - SP", "Campinas/SP", "CAMPINAS, São Paulo"]),
    ("AR", ("AR-B",), ["La Plata", "La Plata, Buenos Aires", "la plata (Argentina)"]),
    ("CL", ("CL-RM",), ["Santiago", "Santiago de Chile", "Santiago, Chile"]),
    ("PA", ("PA-8",), ["Ciudad de Panamá", "Panama City", "Panamá"]),
    ("GT", (), ["Guatemala", "Ciudad de Guatemala", "Guatemala City"]),
    ("DO", ("DO-01",), ["Santo Domingo", "Sto. Domingo", "Santo Domingo, DOM"]),
    ("HT", ("HT-OU",), ["Port-au-Prince", "Port au Prince", "Port‐au‐Prince, Haiti"]),
    ("US", ("US-AZ",), ["Nogales", "Nogales, AZ", "Nogales, Arizona, USA"]),
]
TWO_TOWNS = [
    ("BR", ("BR-SP",), "Campinas", "Santos"),
    ("MX", ("MX-CHH",), "Ciudad Juárez", "Chihuahua"),
    ("MX", ("MX-CHH",), "Cd. Juárez, Chih.", "Chihuahua, Chih."),
    ("CA", ("CA-QC",), "Montréal (Québec)", "Québec"),
    ("EC", ("EC-G",), "Guayaquil", "Durán"),
    ("US", ("US-NJ",), "Union", "Union City"),
    ("US", ("US-AZ",), "San Luis", "San Luis Obispo"),
    ("CO", ("CO-ANT",), "San Pedro, Medellín", "San Pedro, Urabá"),
    ("VE", ("VE-F",), "Ciudad Bolívar", "Bolívar"),
    ("CL", (), "Arica", "Punta Arenas"),
]


@pytest.mark.parametrize(("country", "admin1", "written"), ONE_TOWN)
def test_one_town_is_one_however_it_is_written(
    country: str, admin1: tuple[str, ...], written: list[str]
) -> None:
    assert len({town(one, country=country, admin1=admin1) for one in written}) == 1


@pytest.mark.parametrize(("country", "admin1", "one", "other"), TWO_TOWNS)
def test_two_towns_stay_two(country: str, admin1: tuple[str, ...], one: str, other: str) -> None:
    assert town(one, country=country, admin1=admin1) != town(other, country=country, admin1=admin1)


@pytest.mark.parametrize("nothing", [None, "", "  ", " - ", "()"])
def test_nothing_that_names_a_town_is_none(nothing: str | None) -> None:
    assert town(nothing, country="UY") == ""


@pytest.mark.parametrize("name", ["東京", "X", "Québec, Québec, Québec", "(ville de)", "a" * 200])
def test_whatever_is_written_is_compared_by_itself(name: str) -> None:
    assert town(name, country="CA", admin1=("CA-QC",)) == town(
        f" {name.upper()} ", country="CA", admin1=("CA-QC",)
    )
    assert town(name, country="CA", admin1=("CA-QC",))
