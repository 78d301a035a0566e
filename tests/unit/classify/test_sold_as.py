"""What the words promise by which a product is sold, and that they never say more."""

import pytest

from services.classify.sold_as import SoldAs, promise_of
from services.reference.catalogue import Catalogue
from services.reference.promises import words_of
from services.reference.tables import DATA, items, rows
from services.reference.words import singular

STIMULANT = {"stimulant"}
CANNABIS = {"cannabinoid"}
SYNTHETIC = {"synthetic_cannabinoid_agonist", "cannabinoid"}  # it is sprayed on plants, cannabis among them
TUSI = {"stimulant", "dissociative", "classic_hallucinogen"}


def _names(told: SoldAs, catalogue: Catalogue) -> set[str]:
    return {catalogue.by_key[key].preferred_name for key in told.keys}


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        *(
            ((text, STIMULANT))
            for text in ("perico", "merca", "falopa", "pó", "“pó”", "pedra", "oxi", "poudre")
        ),
        *(((text, STIMULANT)) for text in ("balas", "êxtase", "MD", "ecsta", "tachas", "xtc-pil", "molly")),
        *(((text, STIMULANT)) for text in ("crystal meth", "tina", "hielo", "rebite", "anfetas", "captagon")),
        *(
            ((text, CANNABIS))
            for text in ("mota", "cripy", "porro", "baseado", "wiet", "skunk", "pot", "hasj")
        ),
        *(((text, SYNTHETIC)) for text in ("K2", "drogas K", "buddha blue", "PTC", "maconha sintética")),
        *(((text, {"dissociative"})) for text in ("special K", "keta", "key", "K", "polvo de ángel")),
        *(((text, {"classic_hallucinogen"})) for text in ("doce", "tripi", "sello", "hongos", "paddo's")),
        *(((text, {"sedative_hypnotic"})) for text in ("bars", "roofies", "loló", "benzo's", "xannies")),
        *(((text, {"opioid"})) for text in ("down", "points", "fetty", "chiva", "china white", "gray death")),
        *(((text, TUSI)) for text in ("tusi", "Tucibí", "pink cocaine", "cocaína rosada")),
        *(((text, {"sedative_hypnotic"})) for text in ("liquid ecstasy", "éxtasis líquido", "vloeibare xtc")),
        *(((text, {"stimulant", "cannabinoid"})) for text in ("vape", "e-liquid", "cigarrillo electrónico")),
        *(((text, STIMULANT)) for text in ("bath salts", "sales de baño", "captagon tablets", "tabaco")),
        *(((text, {"dissociative"})) for text in ("vitamin K", "keta (polvo)")),
        ("speedball", {"opioid", "stimulant"}),
        ("benzo dope", {"opioid", "sedative_hypnotic"}),
        ("MDMA y ketamina", {"stimulant", "dissociative"}),
        ("cocaína, éxtasis", STIMULANT),
        ("ayahuasca", {"classic_hallucinogen"}),
        ("PBC", STIMULANT),
        ("hojas de coca", STIMULANT),
    ],
)
def test_words_promise_effects(text: str, groups: set[str], catalogue: Catalogue) -> None:
    assert promise_of(text, catalogue).effect_groups == groups


@pytest.mark.parametrize(
    "text",
    [
        *(
            "vegan cocaine",
            "cocaína vegana",
            "herbal ecstasy",
            "research chemicals",
            "droga",
        ),  # borrowed names
        *("pó de guaraná da casa", "white rock salt", "the blue pill", "ácido cítrico", "old base paint"),
        *("", "?", "desconocido", "poppers", "pastillas", "diet pills"),
    ],
)
def test_what_is_unclear_promises_nothing(text: str, catalogue: Catalogue) -> None:
    told = promise_of(text, catalogue)

    assert (told.effect_groups, told.keys, told.food, told.medicine) == (
        frozenset(),
        frozenset(),
        False,
        False,
    )


@pytest.mark.parametrize(
    ("text", "substances"),
    [
        ("M30", {"Oxycodone"}),
        ("M-30 tablets", {"Oxycodone"}),
        ("Adderall", {"Amphetamine"}),
        ("Vicodin", {"Hydrocodone"}),
        ("xanax bars", {"Alprazolam"}),
        ("Rivotril", {"Clonazepam"}),
    ],
)
def test_a_brand_promises_the_medicine(text: str, substances: set[str], catalogue: Catalogue) -> None:
    told = promise_of(text, catalogue)

    assert (_names(told, catalogue), told.medicine) == (substances, True)


@pytest.mark.parametrize(
    "text",
    [
        "gomitas",
        "chocolate bars",
        "ice cream",
        "café",
        "Coca Cola",
        "balas de goma",
        "vodca",
        "gin",
        "kleren",
        "guaro",
    ],
)
def test_food_and_drink_promise_no_effect(text: str, catalogue: Catalogue) -> None:
    told = promise_of(text, catalogue)

    assert (told.food, told.effect_groups, told.medicine) == (True, frozenset(), False)


def test_alcohol_is_no_surprise_in_a_drink(catalogue: Catalogue) -> None:
    assert _names(promise_of("aguardiente", catalogue), catalogue) == {"Ethanol"}


def test_cannabis_gummies_promise_cannabis(catalogue: Catalogue) -> None:
    told = promise_of("cannabis gummies", catalogue)

    assert (told.food, told.effect_groups) == (False, CANNABIS)


def test_a_plant_brings_what_it_acts_by(catalogue: Catalogue) -> None:
    assert _names(promise_of("bazuco", catalogue), catalogue) == {"coca paste", "Cocaine"}


def test_street_names_name_no_substance(catalogue: Catalogue) -> None:
    every = {name for row in rows(DATA / "substances.csv") for name in items(row["street_names"])}
    brands = {"M30"}
    plants = {"basuco", "paco", "khat", "kratom", "peyote", "hongos", "magic mushrooms", "burundanga"}
    named = {
        name
        for name in every - brands - plants
        if promise_of(name, catalogue).keys and not catalogue.with_name(name)
    }

    assert named == set()


def test_the_table_is_sound(catalogue: Catalogue) -> None:
    groups = {family.effect_group for family in catalogue.families.values()}
    table = list(rows(DATA / "sold_as.csv"))
    told = {one for row in table for one in items(row["promises"]) if not one.startswith("=")}
    phrases = [tuple(map(singular, words_of(words))) for row in table for words in items(row["words"])]

    assert told <= groups | {"food", "nothing"}
    assert all(phrases)
    assert len(phrases) == len(set(phrases))
