"""The email of each kind of message: its parts in order, its fixed lines, its headers, and what it never says."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.alerts import Alert
from schemas.classifications import Classification, Correlation, FirstSeen, RelatedAlert
from schemas.vocabularies import CorrelationLevel, First, MessageType, Severity, Status, Tlp
from services.disclosure import Content
from services.notify.letters import Earlier, Letter
from services.notify.rendering import Email, render_email
from tests.letters import LINKS, PLACES, classified, example, make_letter, terms

LANGUAGES = ("en", "es", "fr", "pt")
EXAMPLES = (
    "ar-01",
    "ar-02",
    "br-05",
    "ca-03",
    "ca-04",
    "cl-12",
    "co-06",
    "gt-10",
    "ht-11",
    "mx-09",
    "us-08",
    "uy-07",
)
SEVEN = ("what", "where", "certainty", "harm", "action", "source", "answer")


def _email(letter: Letter, **more: Any) -> Email:
    return render_email(letter, terms=terms(), places=PLACES, domain="relay.example.org", **more)


def _lines(letter: Letter) -> list[str]:
    return _email(letter).text.splitlines()


def _headings(language: str) -> list[str]:
    return [terms().phrase("heading", code, language).upper() for code in SEVEN]


def _open(alert: Alert) -> Alert:
    return alert.model_copy(update={"tlp": Tlp.CLEAR})


def _earlier(alert: Alert | None, level: Classification | None = None) -> Earlier:
    return Earlier(
        thread_version=1,
        sent_at=datetime(2026, 11, 14, 23, 31, tzinfo=UTC),
        alert=alert,
        classification=level,
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_has_the_seven_parts_in_order_in_every_language(name: str, language: str) -> None:
    lines = _lines(make_letter(_open(example(name)), language=language))
    assert [each for each in lines if each in _headings(language)] == _headings(language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_well_set(name: str, language: str) -> None:
    letter = make_letter(_open(example(name)), language=language)
    for line in _lines(letter):
        words = line.strip()
        assert "  " not in words, line
        assert ".." not in words, line
        assert not words.endswith((":", "(", ",")) or words.startswith((">", "-")) or len(words) < 60, line
        assert "{" not in words, line
        assert "None" not in words, line
        if language == "fr" and not words.startswith(">"):
            assert not re.search(r"[^\u00a0 ]:(?!//|\d|CLEAR)", words.replace("TLP:", "")), line


def test_a_french_alert_reads_in_spanish_as_the_whole_example() -> None:
    lines = _lines(make_letter(example("ca-04")))
    assert lines[:3] == [
        "TLP:CLEAR: puede difundirse sin restricciones. Indicar la fuente y la fecha.",
        "EJERCICIO: NO ES UN EVENTO REAL. Todos los hechos son ficticios. Responder como en un caso real, pero sin "
        "actuar sobre el terreno.",
        "CRÍTICA. Alerta SATA-CA-2026-000007. Versión 1. Se ruega acusar recibo antes del 5 de abril, 14:00.",
    ]
    for expected in (
        "Fallecimiento. Medicamento falsificado. Conglomerado de intoxicaciones.",
        "Se vendía como: hydromorphone. Mercado ilícito. Presentación: comprimido. Color: «blanc». "
        "Forma: «triangulaire» (texto original en francés).",
        "Sustancias halladas: protonitazepyne (protonitazépyne; nitaceno). "
        "N-desethyl isotonitazene (N-déséthyl isotonitazène; nitaceno), CAS 2732926-24-6.",
        "Categorías: Nueva sustancia psicoactiva (NSP). Opioide sintético de uso no médico.",
        "País: Canadá. Lugar: Quebec. Fecha del evento: 18 de marzo de 2026. Detección: 29 de marzo de 2026.",
        "protonitazepyne: Identificación confirmada (LC-MS/MS). "
        "N-desethyl isotonitazene: Identificación confirmada (LC-MS/MS).",
        "6 casos. 1 fallecimiento. Hospitalizaciones: sin información de la entidad emisora. "
        "Relación con el producto: causa sospechada. Cifras al 5 de abril de 2026, 09:00.",
        "Por qué este nivel: Al menos una muerte reciente, con un opioide sintético o aún no identificado.",
        "Recomendado por la entidad emisora: (Texto original en francés)",
        "Emitida: 5 de abril de 2026, 10:00 (hora de la entidad emisora: 11:00, UTC-4). El sistema transmite lo que "
        "informan los sistemas nacionales. No ha examinado el hallazgo.",
        f"Acusar recibo: {LINKS.acknowledge}",
        "Un clic, sin contraseña. El enlace es personal: quitarlo antes de reenviar este mensaje. Recibe este "
        "mensaje como punto focal de: Colombia. Las horas están en America/Bogota (UTC-5).",
    ):
        assert expected in lines
    assert lines[-1] == "EJERCICIO: NO ES UN EVENTO REAL. TLP:CLEAR"


@pytest.mark.parametrize(
    ("stated", "shown"),
    [({}, "CAS 59708-52-0"), ({"cas": "61380-27-6"}, "CAS 61380-27-6")],  # the sender's own: of the oxalate
)
def test_a_substance_is_told_with_its_number(stated: dict[str, str], shown: str) -> None:
    substance = {"name": "carfentanil", "confirmation": "confirmed", **stated}
    letter = make_letter(example("uy-07", findings=[{"substances": [substance]}]), language="en")
    numbers = re.findall(r"CAS [0-9-]+", _email(letter).text)
    assert numbers == [shown]


def test_the_personal_link_stands_once_and_after_everything_to_read() -> None:
    lines = _lines(make_letter(example("uy-07")))
    assert [LINKS.acknowledge in each for each in lines].count(True) == 1
    assert LINKS.acknowledge in lines[-3]


def test_a_retraction_gives_reason_and_reference_and_repeats_nothing() -> None:
    alert = example("uy-07", message_type="retraction", version=3, summary="Muestras confundidas.")
    letter = make_letter(
        alert, language="pt", urgency=Severity.HIGH, level=Severity.INFO, by_secretariat=True
    )
    email = _email(letter)
    lines = email.text.splitlines()
    assert lines[2].startswith("CANCELADO. ALTA. SATA-UY-2026-000007. ")
    assert any(each.startswith("CANCELADO: não usar mais SATA-UY-2026-000007.") for each in lines)
    assert any("Cancelado pela secretaria" in each for each in lines)
    assert "  > «Muestras confundidas.»" in lines
    for old in ("pentilona", "pentylone", "MDMA", "Montevideo"):
        assert old not in email.text + email.html + email.subject


def test_a_closure_is_one_sentence_and_a_date_and_asks_for_nothing() -> None:
    alert = example("uy-07", message_type="closure", version=3, findings=[], harms=[])
    lines = _lines(make_letter(alert, language="en", due_at=None))
    assert any(each.startswith("The sender has closed this alert: the event is over.") for each in lines)
    assert any(each.startswith("No answer is needed.") for each in lines)
    assert LINKS.acknowledge not in "\n".join(lines)
    assert "WHAT HAPPENED" not in lines


def test_who_disputes_is_named_only_where_the_reader_may_know() -> None:
    alert = example(
        "uy-07",
        message_type="dispute",
        version=2,
        summary="No lo confirmamos.",
        findings=[],
        harms=[],
        references=[{"ref": "UY:X-1", "relation": "disputes"}],
    )
    letter = make_letter(alert, language="en", due_at=None)
    named = _email(replace(letter, disputed_by="AR")).text
    assert "Argentina disputes this alert. The alert stands until its sender replies." in named
    assert "No lo confirmamos." in named
    unnamed = _email(letter).text
    assert "This alert is disputed. It stands until its sender replies." in unnamed
    assert "Observatorio" not in unnamed
    assert "No lo confirmamos." not in unnamed


def test_an_echo_names_its_origin_and_claims_no_first() -> None:
    finding = {
        "presence": "not_detected_here",
        "origin": {"country": "MX", "organisation": "Laboratorio (ficticio)"},
        "substances": [{"name": "xilacina", "confirmation": "confirmed"}],
    }
    correlation = Correlation(
        level=CorrelationLevel.ECHO,
        firsts=(FirstSeen(scope=First.COUNTRY, country="UY", substance="xylazine"),),
    )
    alert = example("uy-07", findings=[finding], harms=[])
    email = _email(make_letter(alert, language="en", correlation=correlation))
    assert "PASSED ON" in email.subject
    assert "The sender passes on a finding made elsewhere (Mexico, Laboratorio (ficticio))" in email.text
    assert "Found elsewhere, not by the sender." in email.text
    assert "First detection" not in email.text


def test_firsts_and_other_countries_are_told_where_it_happened() -> None:
    related = tuple(
        RelatedAlert(id=at, relay_id=f"SATA-{at}-2026-000001", level=CorrelationLevel.SAME_EVENT, reason="r")
        for at in ("AR", "BR", "AR")
    )
    correlation = Correlation(
        level=CorrelationLevel.SAME_EVENT,
        related=related,
        firsts=(FirstSeen(scope=First.COUNTRY, country="UY", substance="N-ethylpentylone"),),
        states_in_window=3,
    )
    lines = _lines(make_letter(example("uy-07"), language="fr", correlation=correlation))
    nbsp = "\u00a0"
    assert (
        f"N-ethylpentylone{nbsp}: première détection dans le pays{nbsp}: Uruguay "
        "(selon les alertes connues du système)." in lines
    )
    assert f"Aussi signalée par{nbsp}: Argentine, Brésil." in lines
    assert "3 pays ont signalé cette menace au cours des 180 derniers jours." in lines


def test_marks_stand_under_the_header_line() -> None:
    letter = replace(make_letter(example("uy-07"), language="en"), under_review=True, occasion="reminder 1")
    lines = _lines(letter)
    assert lines[2].startswith("REMINDER 1. HIGH. Alert ")
    assert lines[3] == "This alert has not been acknowledged yet."
    assert lines[4].startswith("UNDER REVIEW: sent before a person has checked it;")
    late = _lines(replace(letter, occasion="issue", under_review=False, accepted_late=True))
    assert late[3].startswith("SENT LATE: accepted on 14 November 2026, ")


def test_a_level_that_rose_without_a_new_version_says_so_first() -> None:
    before = classified(example("cl-12"))
    letter = make_letter(
        example("uy-07"), language="en", occasion="reassessed 1", earlier=_earlier(None, before)
    )
    lines = _lines(letter)
    assert lines[3] == "WHAT CHANGES"
    assert lines[4] == "Severity raised: was info, now high. Why this level: At least one recent death."


def test_a_thread_that_was_once_restricted_shows_both_references() -> None:
    lines = _lines(make_letter(example("ar-02"), language="en", ever_restricted=True))
    assert "SATA-AR-2026-000007 (N-7F3K-92QD)" in lines[2]


RESTRICTED = (
    "fentanyl", "carfentanil", "Arizona", "US-AZ", "United States", "Estados Unidos", "SATA", "SYN-US-08",
    "sat-us", "laboratory (", "M30", "oxycodone", "1219", "1,219", "SYN-",
)  # fmt: skip


@pytest.mark.parametrize("tlp", [Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED])
@pytest.mark.parametrize("content", [Content.NOTICE, Content.GONE, Content.FULL])
@pytest.mark.parametrize("kind", list(MessageType))
def test_above_green_no_part_of_an_email_says_what_it_is_about(
    tlp: Tlp, content: Content, kind: MessageType
) -> None:
    alert = example("us-08").model_copy(update={"tlp": tlp})
    letter = make_letter(alert, language="es", content=content, message_type=kind, earlier=_earlier(alert))
    email = _email(letter, first_notification_id="11111111-1111-4111-8111-111111111111")
    whole = "\n".join([email.subject, email.text, email.html, *email.headers, *email.headers.values()])
    for hidden in RESTRICTED:
        assert hidden not in whole


def test_a_notice_is_the_example() -> None:
    letter = make_letter(example("us-08"), language="en", timezone="America/Phoenix", content=Content.NOTICE)
    assert _lines(letter) == [
        "TLP:AMBER: share only within your organisation and the services it answers for, with those who need it to "
        "act.",
        "EXERCISE - NO REAL EVENT. All facts here are invented. Answer as in a real case, but do not act on it in "
        "the field.",
        "HIGH. Alert N-7F3K-92QD. Version 1. Please acknowledge by 22 April, 20:00 (UTC-7).",
        "The content is not in this email because it is TLP:AMBER. Sign in to read it: "
        "https://relay.example.org/n/N-7F3K-92QD",
        f"You can acknowledge receipt without signing in: {LINKS.acknowledge}",
        "One click, no password. The link is yours alone: remove it before you forward this message.",
        "EXERCISE - NO REAL EVENT. TLP:AMBER",
    ]


def test_who_may_no_longer_see_it_is_told_not_to_use_it() -> None:
    letter = make_letter(
        example("us-08"),
        language="en",
        content=Content.GONE,
        message_type=MessageType.CORRECTION,
        earlier=_earlier(None),
    )
    text = _email(letter).text
    assert "CORRECTED: do not use what you were sent under N-7F3K-92QD any more." in text
    assert "/n/" not in text  # there is nothing left for this reader to sign in to


def test_a_partner_reads_findings_without_what_is_not_for_it() -> None:
    alert = example("br-05", status="actual")
    email = _email(make_letter(alert, language="en", content=Content.FINDINGS))
    assert "Sold as: K4. Form: impregnated paper." in email.text
    assert "Country: Brazil." in email.text
    for hidden in ("São Paulo", "42", "presídio", "Observatório", "HARM REPORTED", "WHAT TO DO", "prison"):
        assert hidden not in email.text + email.html + email.subject


def test_a_test_of_the_system_asks_for_nothing_and_says_so_twice() -> None:
    lines = _lines(replace(make_letter(example("uy-07"), language="en"), status=Status.TEST))
    assert lines[1] == "SYSTEM TEST. Nothing to do."
    assert lines[-1] == "SYSTEM TEST. TLP:CLEAR"


def test_headers_are_the_same_on_every_try_and_thread_the_messages() -> None:
    letter = make_letter(example("uy-07"), language="pt")
    first = _email(letter, first_notification_id=letter.notification_id)
    assert dict(first.headers) == {
        "Message-ID": f"<{letter.notification_id}@relay.example.org>",
        "Content-Language": "pt",
        "Auto-Submitted": "auto-generated",
    }
    later = _email(letter, first_notification_id="11111111-1111-4111-8111-111111111111")
    assert later.headers["References"] == "<11111111-1111-4111-8111-111111111111@relay.example.org>"
    assert _email(letter) == first
