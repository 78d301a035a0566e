"""The subject: its fixed order, what is dropped to keep it short, what is never dropped."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.vocabularies import MessageType, Severity, Status, Tlp
from services.disclosure import Content
from services.notify.letter_document import voice_for
from services.notify.letters import Letter
from services.notify.subject import MOST, subject_line
from tests.letters import PLACES, example, make_letter, terms


def _subject(letter: Letter) -> str:
    return subject_line(letter, voice_for(letter, terms=terms(), places=PLACES))


def _of(name: str, language: str, **overrides: Any) -> str:
    return _subject(make_letter(example(name), language=language, **overrides))


@pytest.mark.parametrize(
    ("language", "expected", "length"),
    [
        ("en", "TLP:CLEAR EXERCISE, HIGH: N-ethylpentylone (unconfirmed), Montevideo, UY", 72),
        ("es", "TLP:CLEAR EJERCICIO, ALTA: N-etilpentilona (sin confirmar), Montevideo, UY", 74),
        ("fr", "TLP:CLEAR EXERCICE, ÉLEVÉE\u00a0: N-ethylpentylone (à confirmer), Montevideo, UY", 75),
        ("pt", "TLP:CLEAR EXERCÍCIO, ALTA: N-ethylpentylone (a confirmar), Montevideo, UY", 73),
    ],
)
def test_a_presumptive_identity_is_called_unconfirmed(language: str, expected: str, length: int) -> None:
    assert _of("uy-07", language) == expected
    assert len(expected) == length


@pytest.mark.parametrize(
    ("language", "expected", "length"),
    [
        ("en", "TLP:GREEN EXERCISE, UPDATE, CRITICAL: carfentanil +1, Buenos Aires, AR", 70),
        ("es", "TLP:GREEN EJERCICIO, ACTUALIZACIÓN, CRÍTICA: carfentanilo +1, Buenos Aires, AR", 78),
        ("fr", "TLP:GREEN EXERCICE, MISE À JOUR, CRITIQUE\u00a0: carfentanil +1, Buenos Aires, AR", 76),
        ("pt", "TLP:GREEN EXERCÍCIO, ATUALIZAÇÃO, CRÍTICA: carfentanil +1, Buenos Aires, AR", 75),
    ],
)
def test_the_substance_that_decided_comes_before_the_one_listed_first(
    language: str, expected: str, length: int
) -> None:
    assert _of("ar-02", language) == expected
    assert len(expected) == length


@pytest.mark.parametrize(
    ("language", "expected", "length"),
    [
        ("en", "TLP:AMBER EXERCISE, HIGH: restricted alert N-7F3K-92QD", 54),
        ("es", "TLP:AMBER EJERCICIO, ALTA: alerta restringida N-7F3K-92QD", 57),
        ("fr", "TLP:AMBER EXERCICE, ÉLEVÉE\u00a0: alerte restreinte N-7F3K-92QD", 58),
        ("pt", "TLP:AMBER EXERCÍCIO, ALTA: alerta restrito N-7F3K-92QD", 54),
    ],
)
def test_above_green_there_is_an_opaque_reference_and_nothing_else(
    language: str, expected: str, length: int
) -> None:
    assert _of("us-08", language, content=Content.NOTICE) == expected
    assert len(expected) == length


def _short(**changes: Any) -> Letter:
    alert = example("uy-07", status="actual", **changes)
    return make_letter(alert, language="es", level=Severity.HIGH)


def test_what_it_was_sold_as_stands_where_there_is_room() -> None:
    findings = [{"sold_as": "MDMA", "substances": [{"name": "cafeína", "confirmation": "confirmed"}]}]
    subject = _subject(_short(findings=findings))
    assert subject == "TLP:CLEAR ALTA: cafeína, vendido como MDMA, Montevideo, UY"


def test_the_place_goes_last_and_the_country_never() -> None:
    name = "2-metil-3-metoxi-N-etil-pentilona"
    findings = [{"substances": [{"name": name, "confirmation": "presumptive_lab"}]}]
    subject = _subject(_short(findings=findings, message_type="correction", version=2))
    assert subject == f"TLP:CLEAR CORRECCIÓN, ALTA: {name} (sin confirmar), UY"


def test_a_name_is_never_cut_however_long() -> None:
    name = "x" * 200
    findings = [{"substances": [{"name": name, "confirmation": "confirmed"}]}]
    assert f": {name}, UY" in _subject(_short(findings=findings))


def test_two_substances_are_named_and_more_are_counted() -> None:
    substances = [{"name": each, "confirmation": "confirmed"} for each in ("aaa", "bbb", "ccc")]
    subject = _subject(_short(findings=[{"substances": substances[:2]}]))
    assert subject == "TLP:CLEAR ALTA: aaa con bbb, Montevideo, UY"
    assert "aaa con bbb +1, " in _subject(_short(findings=[{"substances": substances}]))


def test_what_was_ruled_out_is_not_named() -> None:
    assert "MDMA" not in _of("uy-07", "en").replace("sold as MDMA", "")


def test_nothing_identified_is_an_unidentified_substance() -> None:
    assert "sustancia no identificada, Montevideo, UY" in _subject(_short(findings=[{"substances": []}]))


def test_a_refuted_rumour_is_named_by_what_it_is() -> None:
    assert _of("cl-12", "es") == "TLP:CLEAR EJERCICIO, INFORMATIVA: desmentido de un rumor, CL"


@pytest.mark.parametrize(
    ("second", "joined"), [("oxicodona", "heroína u oxicodona"), ("morfina", "heroína o morfina")]
)
def test_either_or_identities_are_joined_as_the_language_does(second: str, joined: str) -> None:
    one = {"one_of": ["heroína", second], "confirmation": "presumptive_field"}
    assert f"{joined} (sin confirmar)" in _subject(_short(findings=[{"substances": [one]}]))


def test_a_correction_shows_the_new_level_and_a_retraction_what_is_taken_back() -> None:
    letter = replace(make_letter(example("uy-07"), language="en"), level=Severity.INFO, urgency=Severity.HIGH)
    assert "CORRECTION, INFO: " in _subject(replace(letter, message_type=MessageType.CORRECTION))
    taken_back = _subject(replace(letter, message_type=MessageType.RETRACTION))
    assert taken_back == "TLP:CLEAR EXERCISE, RETRACTED, HIGH: SATA-UY-2026-000007, UY"


def test_a_reminder_and_a_test_are_said_before_the_level() -> None:
    letter = replace(make_letter(example("uy-07"), language="fr"), occasion="reminder 2", status=Status.TEST)
    assert _subject(letter).startswith("TLP:CLEAR ESSAI, RAPPEL 2, ÉLEVÉE\u00a0: ")


def test_a_dispute_by_who_is_not_told_names_the_thread_alone() -> None:
    letter = replace(make_letter(example("uy-07"), language="en"), message_type=MessageType.DISPUTE)
    assert _subject(letter) == "TLP:CLEAR EXERCISE, DISPUTED, HIGH: SATA-UY-2026-000007, UY"
    # the message is the disputer's: neither its country nor its substances are the alert's
    disputer = example("ar-02", tlp="TLP:CLEAR", attachments=[])
    for by in ("AR", None):
        other = replace(
            make_letter(disputer, language="en", relay_id="SATA-UY-2026-000007"),
            message_type=MessageType.DISPUTE,
            disputed_by=by,
        )
        assert _subject(other).endswith(": SATA-UY-2026-000007, UY")
        assert "carfentanil" not in _subject(other)


def test_a_partner_that_may_see_findings_is_told_the_country_alone() -> None:
    subject = _of("uy-07", "en", content=Content.FINDINGS, tlp=Tlp.GREEN)
    assert subject.endswith(", UY")
    assert "Montevideo" not in subject


@pytest.mark.parametrize("name", ["ar-01", "ca-03", "ca-04", "br-05", "co-06", "mx-09", "gt-10", "ht-11"])
@pytest.mark.parametrize("language", ["en", "es", "fr", "pt"])
def test_every_example_fits(name: str, language: str) -> None:
    subject = _of(name, language)
    assert len(subject) <= MOST
    assert "  " not in subject
