"""A correction says what it corrects, whatever field of the contract it is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from schemas.alerts import Alert
from schemas.vocabularies import MessageType
from services.disclosure import Content
from services.notify.change import OTHER, TEXT
from services.notify.changes import NO_FACTS, changes
from services.notify.letter_document import render_page_parts
from services.notify.letters import Earlier, Letter
from services.notify.rendering import render_email
from services.notify.voice import sentences
from tests.letters import PLACES, classified, make_letter, terms
from tests.whole_alert import (
    Path,
    fields,
    fields_of_contract,
    is_valid,
    owner,
    stated,
    whole_alert,
    with_another,
)

LANGUAGES = ("en", "es", "fr", "pt")
BEFORE = whole_alert()
_OWN = {("Alert", name) for name in NO_FACTS}
_SAID_BY_ANOTHER = {
    ("Alert", "sender"),  # another institution speaks now: no fact of the event
    ("Sender", "country"),
    ("Sender", "organisation"),
    ("Translation", "summary"),  # of a correction its reason
    ("Reference", "ref"),
    ("Reference", "relation"),
}
NONE = [path for path in fields(BEFORE) if owner(BEFORE, path) in _OWN | _SAID_BY_ANOTHER]
FACTS = [path for path in fields(BEFORE) if path not in NONE and is_valid(with_another(BEFORE, path), path)]


def _letter(after: Alert, *, language: str = "en", before: Alert | None = BEFORE) -> Letter:
    earlier = Earlier(
        thread_version=1,
        sent_at=datetime(2026, 11, 14, 23, 31, tzinfo=UTC),
        alert=before,
        classification=None,
    )
    return make_letter(
        after, language=language, thread_version=2, replaces=1, earlier=earlier, classification=VERDICT
    )


VERDICT = classified(BEFORE)


def _told(letter: Letter) -> list[str]:
    """Return what stands under "What changes" before the reason, as text."""
    document = render_page_parts(letter, terms=terms(), places=PLACES)
    blocks = document.parts[0].blocks
    assert document.parts[0].code == "changes"
    return [
        str(block) for block in blocks[:-3]
    ]  # the last three: the reason, its text, whom to pass it on to


def test_the_whole_alert_states_every_field_of_the_contract() -> None:
    owners = {owner(BEFORE, path) for path in fields(BEFORE)}
    assert owners == fields_of_contract()
    assert {owner(BEFORE, path) for path in (*FACTS, *NONE)} == owners


def test_no_field_is_both_a_fact_and_none() -> None:
    assert {name for _, name in _OWN} <= {name for model, name in fields_of_contract() if model == "Alert"}


@pytest.mark.parametrize("path", FACTS, ids=lambda path: "/".join(map(str, path)))
def test_each_field_that_a_message_tells_is_compared(path: Path) -> None:
    after = with_another(BEFORE, path)
    assert changes(BEFORE, after)
    assert changes(after, BEFORE)
    assert _told(_letter(after)) != []


@pytest.mark.parametrize("path", NONE, ids=lambda path: "/".join(map(str, path)))
def test_what_is_no_fact_of_the_event_is_no_change(path: Path) -> None:
    assert changes(BEFORE, with_another(BEFORE, path)) == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_has_words_for_each_change_it_lists(language: str) -> None:
    for path in FACTS:
        for before, after in ((BEFORE, with_another(BEFORE, path)), (with_another(BEFORE, path), BEFORE)):
            assert _told(_letter(after, language=language, before=before))


@pytest.mark.parametrize(
    ("path", "row"),
    [
        (("event_types",), "Type of event.  Before: Substitution (sold as another substance).  Now: Death."),
        (("findings", 0, "market"), "Market.  Before: Illicit market.  Now: Diverted medicine."),
        (("shipment", "origin"), "Origin.  Before: China.  Now: Paraguay."),
        (("source_types",), "Source.  Before: Forensic laboratory.  Now: Police."),
        (
            ("recommended_actions",),
            "What to do.  Before: Health sector: “Tener naloxona.”.  Now: Health sector: “No mezclar.”.",
        ),
        (("location", "setting"), "Setting.  Before: Nightlife and parties.  Now: Prison."),
        (
            ("findings", 0, "substances", 0, "methods"),
            "N-etilpentilona, method.  Before: GC-MS.  Now: NMR.",
        ),
    ],
)
def test_what_a_correction_of_one_field_says(path: Path, row: str) -> None:
    values = {
        "event_types": ["death"],
        "market": "diverted_medicine",
        "origin": "PY",
        "source_types": ["police"],
        "recommended_actions": [{"text": "No mezclar.", "audience": "health"}],
        "setting": "prison",
        "methods": ["nmr"],
    }
    written = stated(BEFORE)
    block = written
    for step in path[:-1]:
        block = block[step]
    block[path[-1]] = values[str(path[-1])]
    text = render_email(
        _letter(Alert.model_validate(written)), terms=terms(), places=PLACES, domain="relay.example.org"
    ).text
    assert f"\n  {row}\n" in text


def test_where_only_what_a_letter_does_not_print_changed_it_says_so() -> None:
    after = with_another(BEFORE, ("source_count",))
    assert [each.label for each in changes(BEFORE, after)] == [OTHER]
    assert _told(_letter(after)) == [str(_said("changed_others"))]


def test_another_title_is_said_of_a_correction_and_not_of_an_update() -> None:
    after = with_another(BEFORE, ("title",))
    assert [each.label for each in changes(BEFORE, after)] == [TEXT]
    assert _told(_letter(after)) == [str(_said("changed_text"))]
    update = after.model_copy(update={"message_type": MessageType.UPDATE})
    assert changes(BEFORE, update) == ()


def test_a_correction_of_nothing_that_the_reader_is_shown_says_that() -> None:
    assert _told(_letter(BEFORE)) == [str(_said("correction_none"))]
    hidden = replace(_letter(with_another(BEFORE, ("reliability",))), content=Content.FINDINGS)
    parts = render_page_parts(hidden, terms=terms(), places=PLACES).parts
    assert parts[0].blocks[0] == _said("correction_none")


def _said(code: str) -> object:
    return sentences(terms().phrase("phrase", code, "en"))
