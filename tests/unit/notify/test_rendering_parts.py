"""The parts in detail: numbers, names, certainty, samples, translations, shipments; and what stands when empty."""

from typing import Any

import pytest

from schemas.alerts import Count, Purity
from schemas.classifications import Correlation, FirstSeen
from schemas.vocabularies import CorrelationLevel, First
from services.notify.body.answer import why_you
from services.notify.body.harm import count_text
from services.notify.body.quantities import purity_text
from services.notify.document import Line
from services.notify.letter_document import render_page_parts, voice_for
from services.notify.rendering import render_email
from services.storage.records import RecipientKind
from tests.letters import PLACES, example, make_letter, make_recipient, terms

NBSP = "\u00a0"


def _lines(
    language: str = "en", name: str = "uy-07", *, letter: dict[str, Any] | None = None, **changes: Any
) -> list[str]:
    made = make_letter(example(name, **changes), language=language, **(letter or {}))
    return render_email(made, terms=terms(), places=PLACES, domain="relay.example.org").text.splitlines()


def _counted(count: Any, code: str, language: str) -> str:
    voice = voice_for(make_letter(example("uy-07"), language=language), terms=terms(), places=PLACES)
    return count_text(Count.model_validate(count), code, voice)


@pytest.mark.parametrize(
    ("count", "code", "language", "expected"),
    [
        (0, "deaths", "en", "no deaths reported"),
        (0, "deaths", "fr", "aucun décès signalé"),
        (1, "hospitalised", "en", "1 person hospitalised"),
        (2, "hospitalised", "es", "2 personas hospitalizadas"),
        (1_000_000, "cases", "es", f"1{NBSP}000{NBSP}000 casos"),
        (1_000_000, "cases", "en", "1,000,000 cases"),
        (12_345, "cases", "pt", "12.345 casos"),
        ({"value": 4, "qualifier": "at_least"}, "hospitalised", "en", "at least 4 people hospitalised"),
        ({"value": 1, "qualifier": "about"}, "deaths", "pt", "cerca de 1 óbito"),
        ({"value": 0, "qualifier": "at_most"}, "deaths", "fr", "au plus 0 décès"),
        ({"qualifier": "several"}, "overdoses", "fr", f"Surdoses{NBSP}: plusieurs (nombre non indiqué)"),
        (0, "naloxone_response", "es", "sin respuesta a la naloxona"),
        (2, "naloxone_response", "es", "Respuesta a la naloxona: 2"),
        (3, "respiratory_arrest", "pt", "3 paradas respiratórias"),
    ],
)
def test_a_number_has_its_plural_and_its_qualifier(
    count: Any, code: str, language: str, expected: str
) -> None:
    assert _counted(count, code, language) == expected


def test_a_number_that_is_missing_is_said_to_be_missing_and_is_no_zero() -> None:
    lines = _lines(harms=[{"deaths": 0, "attribution": "associated"}])
    assert (
        "Cases: not stated by the sender. No deaths reported. Hospitalised: not stated by the sender. "
        "Link to the product: associated in time and place, cause not established. "
        "Figures as of (not stated by the sender)." in lines
    )


def test_a_background_figure_says_so_first() -> None:
    lines = _lines(harms=[{"cases": 1200, "attribution": "background", "as_of": "2025"}])
    unnumbered, harm = lines[lines.index("HARM REPORTED") + 1 :][:2]
    assert (
        unnumbered == "Death, number not stated."
    )  # the kind of event says so, and no number is of this event
    assert harm.startswith("Background figure, not this event. 1,200 cases. ")
    assert harm.endswith("Figures as of 2025.")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Death, number not stated. Cluster of intoxications, number not stated."),
        ("es", "Fallecimiento, número sin indicar. Conglomerado de intoxicaciones, número sin indicar."),
        ("fr", "Décès, nombre sans précision. Agrégat d'intoxications, nombre sans précision."),
        ("pt", "Óbito, sem número informado. Aglomerado de intoxicações, sem número informado."),
    ],
)
def test_harm_that_only_the_kind_of_event_tells_is_not_said_to_be_missing(language: str, said: str) -> None:
    alert = example("uy-07", harms=[], event_types=["intoxication_cluster", "death"])
    document = render_page_parts(make_letter(alert, language=language), terms=terms(), places=PLACES)
    (part,) = (one for one in document.parts if one.code == "harm")
    assert next(str(block.text) for block in part.blocks if isinstance(block, Line)) == said


@pytest.mark.parametrize(
    ("language", "unit"), [("en", "mg/unit"), ("es", "mg/unidad"), ("fr", "mg/unité"), ("pt", "mg/unidade")]
)
def test_a_content_per_unit_is_told_in_the_readers_language(language: str, unit: str) -> None:
    voice = voice_for(make_letter(None, language=language), terms=terms(), places=PLACES)
    purity = Purity.model_validate({"value": 80, "unit": "mg/unit"})
    assert purity_text(purity, voice).startswith(f"80 {unit} (")


@pytest.mark.parametrize("kind", [RecipientKind.NETWORK, RecipientKind.OBSERVER])
@pytest.mark.parametrize("language", ["en", "es", "fr", "pt"])
def test_who_follows_every_category_is_told_why_too(kind: RecipientKind, language: str) -> None:
    recipient = make_recipient(kind=kind, language=language)
    letter = make_letter(example("uy-07"), why=("subscription",), recipient=recipient)
    voice = voice_for(letter, terms=terms(), places=PLACES)
    country = PLACES.country_name("CO", language)
    assert why_you(letter, voice) == [terms().phrase("why_you", "directory", language, country=country)]


def test_ages_and_sexes_are_not_told() -> None:
    harm = {
        "cases": 9,
        "attribution": "suspected",
        "age_bands": [{"from": 18, "to": 24, "cases": 9}],
        "sex": {"female": 9},
    }
    text = "\n".join(_lines(harms=[harm]))
    assert "24" not in text.split("HARM REPORTED")[1].split("WHAT TO DO")[0]


def test_a_date_is_as_exact_as_the_sender_knows_it() -> None:
    lines = _lines(
        "es", event_start="2026-10", detected_at="2026", lab_confirmed_at="2026-11-14T18:00:00-03:00"
    )
    where = lines[lines.index("DÓNDE Y CUÁNDO") + 1]
    assert "Fecha del evento: octubre de 2026 (día no indicado). Detección: 2026. " in where
    assert where.endswith("Confirmación de laboratorio: 14 de noviembre de 2026, 16:00.")


def test_the_first_of_a_month_is_written_as_the_language_does() -> None:
    assert any("1er septembre 2026" in each for each in _lines("fr", "gt-10", tlp="TLP:CLEAR"))
    assert any("1º de setembro de 2026" in each for each in _lines("pt", "gt-10", tlp="TLP:CLEAR"))


def test_product_quantities_samples_and_purity_are_told_with_their_units() -> None:
    finding = {
        "sold_as": "éxtasis",
        "market": "retail_product",
        "product": {"form": "tablet", "colour": "rojo", "markings": "X", "packaging": "bolsa"},
        "matrices": ["tablet", "urine"],
        "quantities": [
            {"value": 1219, "unit": "{tbl}", "estimated": True},
            {"value": 2.5, "unit": "kg"},
            {"value": 1, "unit": "{sheet}"},
        ],
        "samples": {"tested": 12, "positive": 3, "earlier": {"tested": 40, "positive": 0}},
        "substances": [
            {
                "name": "MDMA",
                "cas": "42542-10-9",
                "role": "adulterant",
                "confirmation": "confirmed_reference",
                "purity": {"low": 40, "high": 41.5, "unit": "% w/w", "basis": "free_base"},
                "samples": {"share_percent": 25},
                "national_control": "controlled",
            }
        ],
    }
    lines = _lines("fr", findings=[finding], harms=[])
    assert (
        f"Annoncé comme{NBSP}: éxtasis. Produit vendu au détail. Présentation{NBSP}: comprimé. "
        f"Matière analysée{NBSP}: urine. Couleur{NBSP}: «{NBSP}rojo{NBSP}». Marques ou logo{NBSP}: «{NBSP}X{NBSP}». "
        f"Marque commerciale ou emballage{NBSP}: «{NBSP}bolsa{NBSP}» (texte original en espagnol). "
        f"Quantité{NBSP}: environ 1219 comprimés. Quantité{NBSP}: 2,5 kg. Quantité{NBSP}: 1 feuille. "
        f"Échantillons positifs{NBSP}: 3 sur 12. Période précédente{NBSP}: 0 sur 40." in lines
    )
    assert (
        f"Substances détectées{NBSP}: MDMA (amphétamine\u00a0; adultérant), CAS 42542-10-9, "
        f"pureté ou teneur{NBSP}: 40–41,5 % w/w (en base libre), "
        f"proportion d'échantillons positifs{NBSP}: 25 %." in lines
    )
    end = f"Tableau I de la Convention de 1971{NBSP}; sous contrôle national."
    assert any(each.endswith(end) for each in lines)
    assert f"MDMA{NBSP}: Identification confirmée (étalon de référence)." in lines


def test_what_is_only_partly_known_is_said() -> None:
    finding = {
        "substances": [
            {"one_of": ["isotonitazeno", "protonitazeno"], "confirmation": "presumptive_field"},
            {"name": "zzq-nueva", "confirmation": "confirmed"},
            {"name": "MDMA", "confirmation": "ruled_out", "methods": ["gc_ms", "colour_test"]},
        ]
    }
    lines = _lines("es", findings=[finding], harms=[])
    assert "Confirmación parcial: ver la certeza de cada sustancia." in lines
    assert "El laboratorio aún no distingue cuál: isotonitazeno o protonitazeno." in lines
    assert "El nombre «zzq-nueva» no figura en el catálogo. Una persona lo está verificando." in lines
    assert "Buscadas y no halladas: MDMA (GC-MS, prueba colorimétrica)." in lines


def test_nothing_identified_is_treated_as_unknown() -> None:
    lines = _lines(findings=[{"sold_as": "MDMA", "substances": []}])
    assert "Substances found: unidentified substance." in lines
    assert "The substance has not been identified. Treat it as unknown." in lines


def test_hearsay_is_printed_as_hearsay() -> None:
    finding = {"presence": "mentioned", "substances": [{"name": "xilacina", "confirmation": "unverified"}]}
    lines = _lines(findings=[finding], harms=[])
    assert "Mentioned only (press or hearsay)." in lines
    assert "Origin: not stated by the sender." in lines


def test_a_claim_of_the_sender_is_told_as_its_own_and_once() -> None:
    substances = [{"name": "N-etilpentilona", "confirmation": "confirmed", "first": ["country"]}]
    first = FirstSeen(scope=First.COUNTRY, country="UY", substance="N-ethylpentylone")
    known = Correlation(level=CorrelationLevel.NEW, firsts=(first,))
    for correlation in (known, Correlation(level=CorrelationLevel.NEW)):
        lines = _lines(findings=[{"substances": substances}], harms=[], letter={"correlation": correlation})
        said = [each for each in lines if "irst detection in the country" in each]
        assert said == [
            "N-ethylpentylone: first detection in the country: Uruguay (according to the sender)."
        ]


def test_a_sender_that_denies_a_first_is_believed() -> None:
    substances = [{"name": "N-etilpentilona", "confirmation": "confirmed", "first": ["known"]}]
    first = FirstSeen(scope=First.COUNTRY, country="UY", substance="N-ethylpentylone")
    known = Correlation(level=CorrelationLevel.NEW, firsts=(first,))
    text = "\n".join(_lines(findings=[{"substances": substances}], harms=[], letter={"correlation": known}))
    assert "First detection in the country" not in text


@pytest.mark.parametrize(
    ("origin", "mark"),
    [
        (
            "human",
            "Translation supplied by Observatorio de drogas (ficticio, UY). In doubt the original is valid.",
        ),
        ("machine", "MACHINE TRANSLATION, checked by no one. Only the original is valid."),
    ],
)
def test_a_translation_is_marked_before_it_and_the_original_stays(origin: str, mark: str) -> None:
    english = {"title": "Tablet sold as ecstasy", "summary": "One line.\r\nAnother.", "origin": origin}
    lines = _lines(translations={"en": english})
    at = lines.index(mark)
    assert lines[at + 1 : at + 4] == ["  > Tablet sold as ecstasy", "  > One line.", "  > Another."]
    assert "Text of the sender: (Original text in Spanish)" in lines[:at]
    assert any(each.startswith("  > «[EJERCICIO]") for each in lines[:at])


def test_a_reader_of_the_senders_language_sees_no_mark_of_translation() -> None:
    text = "\n".join(_lines("es"))
    assert "Texto original" not in text
    assert "Texto de la entidad emisora:\n" in text


def test_a_shipment_tells_its_ends_even_if_they_are_not_known() -> None:
    lines = _lines("es", "mx-09", tlp="TLP:CLEAR")
    assert (
        "Envío interceptado. Marítimo. Mercancía declarada: «colorante». "
        "Origen: sin información de la entidad emisora. Destino: México." in lines
    )


def test_what_the_sender_asks_and_where_to_read_stand_before_the_link() -> None:
    lines = _lines("en", "ar-01", tlp="TLP:CLEAR")
    answer = lines[lines.index("WHAT TO ANSWER") + 1 :]
    assert answer[0].startswith("Request of the sender: information request. Answer by: ")
    assert answer[1].startswith("Read this alert on the page: https://")
    assert answer[2].startswith("Acknowledge receipt: https://")


def test_an_email_tells_the_five_gravest_findings_and_counts_the_rest() -> None:
    known = [
        {"sold_as": f"lote {at}", "substances": [{"name": "cafeína", "confirmation": "confirmed"}]}
        for at in range(7)
    ]
    grave = {"sold_as": "lote grave", "substances": [{"name": "carfentanilo", "confirmation": "confirmed"}]}
    lines = _lines("es", findings=[*known, grave], harms=[])
    assert any(each.startswith("(1) Se vendía como: lote grave.") for each in lines)
    assert "3 hallazgos más figuran en la página." in lines
    assert not any("lote 6" in each for each in lines)


def test_a_page_tells_every_finding_the_rule_and_the_narrative() -> None:
    findings = [{"substances": [{"name": f"s{at}", "confirmation": "confirmed"}]} for at in range(8)]
    letter = make_letter(example("uy-07", findings=findings, harms=[], narrative="Relato."), language="es")
    document = render_page_parts(letter, terms=terms(), places=PLACES)
    text = str(document)
    assert "s7" in text
    assert "Relato." in text
    assert letter.classification is not None
    assert f"({letter.classification.severity.rule})" in text


def test_a_partners_zone_and_reason_are_told() -> None:
    lines = _lines(
        "pt", letter={"why": ("deputy", "fallback", "had_original"), "timezone": "America/St_Johns"}
    )
    assert "suplente" in lines[-2]
    assert "webhook não respondeu" in lines[-2]
    assert lines[-2].endswith("Os horários estão em America/St_Johns (UTC-3:30).")


def test_who_follows_a_category_is_told_which() -> None:
    recipient = make_recipient(language="en", categories=frozenset({"NPS", "PLT"}))
    made = make_letter(example("uy-07"), why=("subscription",), recipient=recipient)
    text = render_email(made, terms=terms(), places=PLACES, domain="x.example").text
    assert "You receive this because you follow: New psychoactive substance." in text
