"""How languages are set, and that words of others can never leave their line."""

import unicodedata
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alerts import PartialDate
from services.notify.dates import day_text, due_text, moment_text, offset_text, partial_text
from services.notify.letter_document import voice_for
from services.notify.named import plain
from services.notify.subject import MOST, subject_line
from services.notify.typography import lowered, number, one_line, paragraphs, quoted, sentence
from tests.letters import PLACES, example, make_letter, terms

NBSP = "\u00a0"


@given(st.text())
def test_one_line_holds_no_control_no_break_and_no_direction(text: str) -> None:
    line = one_line(text)
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in line)
    assert "  " not in line
    assert one_line(line) == line


@given(st.text(alphabet=st.sampled_from("a \r\n\t\u2028")))
def test_paragraphs_keep_their_breaks_and_at_most_one_empty_line(text: str) -> None:
    assert "\n\n\n" not in paragraphs(text)
    assert "\r" not in paragraphs(text)


@settings(deadline=None)  # the first example loads the tables
@given(st.text(min_size=1, max_size=200).filter(lambda text: one_line(text) != ""))
def test_a_subject_always_has_its_label_its_level_and_its_country(name: str) -> None:
    letter = make_letter(example("uy-07"), language="es")
    assert letter.alert is not None
    finding = letter.alert.findings[0]
    substance = finding.substances[0].model_copy(update={"name": name})
    findings = (finding.model_copy(update={"substances": (substance,)}),)
    alert = letter.alert.model_copy(update={"findings": findings})
    made = make_letter(alert, language="es", classification=letter.classification)
    subject = subject_line(made, voice_for(made, terms=terms(), places=PLACES))
    assert subject.startswith("TLP:CLEAR EJERCICIO, ALTA: ")
    assert " (sin confirmar)" in subject
    assert subject.endswith(", UY")
    assert one_line(subject) == subject
    assert len(subject) <= MOST or subject.endswith(f"{one_line(name)} (sin confirmar), UY")


@pytest.mark.parametrize(
    ("value", "language", "expected"),
    [
        (1219, "es", "1219"),
        (12190, "es", f"12{NBSP}190"),
        (1219, "en", "1,219"),
        (1219.5, "pt", "1.219,5"),
        (0.25, "fr", "0,25"),
        (3.0, "en", "3"),
    ],
)
def test_numbers_have_the_marks_of_the_language(value: float, language: str, expected: str) -> None:
    assert number(value, language) == expected


@pytest.mark.parametrize(
    ("language", "day", "due"),
    [
        ("en", "1 April 2026", "1 April, 22:30"),
        ("es", "1 de abril de 2026", "1 de abril, 22:30"),
        ("fr", "1er avril 2026", "1er avril, 22:30"),
        ("pt", "1º de abril de 2026", "1º de abril, 22:30"),
    ],
)
def test_days_and_times_are_the_readers(language: str, day: str, due: str) -> None:
    at = datetime(2026, 4, 2, 3, 30, tzinfo=UTC)
    zone = ZoneInfo("America/Bogota")
    assert day_text(date(2026, 4, 1), language) == day
    assert due_text(at, language, zone) == due
    assert moment_text(at, language, zone) == f"{day}, 22:30"


def test_a_partial_date_of_the_sender_is_not_moved_between_zones() -> None:
    zone = ZoneInfo("Pacific/Auckland")
    texts = [
        partial_text(PartialDate.parse(each), "en", zone, day_not_stated="day not stated")
        for each in ("2026", "2026-11", "2026-11-14", "2026-11-14T20:30:00-03:00")
    ]
    assert texts == [
        "2026",
        "November 2026 (day not stated)",
        "14 November 2026",
        "15 November 2026, 12:30",
    ]


@pytest.mark.parametrize(
    ("zone", "expected"), [("America/Bogota", "-5"), ("UTC", "+0"), ("America/St_Johns", "-3:30")]
)
def test_offsets_are_short(zone: str, expected: str) -> None:
    assert offset_text(datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))) == expected


def test_quotation_marks_are_those_of_the_language() -> None:
    marked = [quoted("x", each) for each in ("en", "es", "fr", "pt")]
    assert marked == ["“x”", "«x»", f"«{NBSP}x{NBSP}»", "“x”"]


def test_codes_and_abbreviations_keep_their_capitals() -> None:
    assert [lowered(each) for each in ("Tablet", "UV-Vis", "À confirmer", "Pó")] == [
        "tablet",
        "UV-Vis",
        "à confirmer",
        "pó",
    ]
    names = ("Carfentanil", "4-Piperidone", "MDMA", "N-ethylpentylone", "P-2-P methyl glycidate", "2C-B")
    assert [plain(each) for each in names] == [
        "carfentanil",
        "4-piperidone",
        "MDMA",
        "N-ethylpentylone",
        "P-2-P methyl glycidate",
        "2C-B",
    ]


def test_a_sentence_has_one_full_stop() -> None:
    assert [sentence(each) for each in ("a", "a.", "a?")] == ["a.", "a.", "a?"]
