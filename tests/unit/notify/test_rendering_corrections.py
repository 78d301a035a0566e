"""The email of a correction and of an update: what changed, told to whom."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from schemas.alerts import Alert
from schemas.vocabularies import Severity
from services.notify.changes import changes, without_before
from services.notify.letters import Earlier, Letter
from services.notify.rendering import Email, render_email
from tests.letters import PLACES, classified, example, make_letter, terms

LANGUAGES = ("en", "es", "fr", "pt")


def _email(letter: Letter) -> Email:
    return render_email(letter, terms=terms(), places=PLACES, domain="relay.example.org")


def _lines(letter: Letter) -> list[str]:
    return _email(letter).text.splitlines()


def _earlier(alert: Alert | None) -> Earlier:
    return Earlier(
        thread_version=1,
        sent_at=datetime(2026, 11, 14, 23, 31, tzinfo=UTC),
        alert=alert,
        classification=None,
    )


def _correction(*, before: Alert | None) -> Letter:
    after = example(
        "uy-07",
        message_type="correction",
        version=2,
        summary="La autopsia descartó relación con el comprimido.",
        harms=[{"finding": 0, "cases": 5, "deaths": 0, "attribution": "suspected", "as_of": "2026-11-15"}],
    )
    verdict = classified(after)
    verdict = verdict.model_copy(
        update={"severity": verdict.severity.model_copy(update={"before": Severity.HIGH})}
    )
    return make_letter(
        after,
        language="en",
        timezone="America/Jamaica",
        classification=verdict,
        level=Severity.MODERATE,
        urgency=Severity.HIGH,
        thread_version=2,
        replaces=1,
        earlier=_earlier(before),
        changes=() if before else without_before(changes(example("uy-07"), after)),
    )


def test_a_correction_says_what_was_and_what_is_and_why() -> None:
    lines = _lines(_correction(before=example("uy-07")))
    begin = lines.index("WHAT CHANGES")
    assert lines[2].startswith("CORRECTION. MODERATE. SATA-UY-2026-000007. Version 2. Please acknowledge by ")
    assert lines[3:begin] == [
        "This message replaces version 1 of SATA-UY-2026-000007, sent to you on 14 November 2026."
    ]
    assert lines[begin + 1] == (
        "The earlier message was wrong on the following points. Use only what is given under Now."
    )
    assert "  Deaths.  Before: 1 death, suspected to be caused by it.  Now: no deaths reported." in lines
    assert "Reason: (Original text in Spanish)" in lines
    assert "  > «La autopsia descartó relación con el comprimido.»" in lines
    assert any(
        each.startswith("Severity lowered: was high, now moderate. Why this level: ") for each in lines
    )
    assert lines[lines.index("WHAT HAPPENED") - 1] == (
        "If you passed the earlier message on, pass this one on to the same people."
    )
    assert any(each.startswith("UNCONFIRMED: ") for each in lines)


def test_before_is_left_out_where_the_earlier_version_was_stricter() -> None:
    text = _email(_correction(before=None)).text
    assert "  Deaths.  Now: no deaths reported.\n" in text
    assert "Before" not in text
    assert "1 death" not in text


def test_a_stricter_earlier_version_tells_which_facts_are_new_and_nothing_of_itself() -> None:
    earlier = replace(_earlier(None), withheld=example("ar-01"))
    text = _email(make_letter(example("ar-02"), language="es", earlier=earlier)).text
    assert "  Fallecimientos.  Ahora: 24 fallecimientos, causa sospechada.\n" in text
    assert "Antes" not in text
    assert "17" not in text
    assert "sin especificar" not in text


def test_who_sees_a_correction_without_the_original_is_told_of_no_earlier_message() -> None:
    text = _email(replace(_correction(before=None), earlier=None, changes=())).text
    assert "Reason: (Original text in Spanish)" in text
    assert "earlier message" not in text
    assert "This message replaces" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_sees_a_correction_first_reads_what_is_right_now_and_nothing_of_what_was_wrong(
    language: str,
) -> None:
    letter = replace(_correction(before=None), earlier=None)
    said = replace(letter, recipient=replace(letter.recipient, language=language))
    text = _email(said).text
    now, before = (terms().phrase("label", code, language) for code in ("now", "before"))
    assert re.search(rf"^  .*{now}\W", text, re.MULTILINE)
    assert before not in text
    assert terms().phrase("phrase", "correction_intro", language) not in text
    assert terms().phrase("phrase", "correction_forward", language) not in text


def test_an_update_names_substances_as_the_reader_knows_them() -> None:
    letter = make_letter(example("ar-02"), language="fr", earlier=_earlier(example("ar-01")))
    lines = _lines(letter)
    assert "Ce qui a été dit reste valable. Nouveau dans cette version\u00a0:" in lines
    assert any("Maintenant\u00a0: carfentanil (identification confirmée)." in each for each in lines)
    assert any(each.startswith("  Recherchées et non trouvées.  Avant\u00a0: ") for each in lines)
