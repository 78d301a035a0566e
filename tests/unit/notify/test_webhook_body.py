"""The webhook body: complete JSON, short, with nothing in it that this reader may not see."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from schemas.classifications import Classification, Correlation, RelatedAlert
from schemas.notifications import WebhookMessage
from schemas.vocabularies import CorrelationLevel, MessageType
from services.disclosure import Content
from services.notify.changes import changes, without_before
from services.notify.letters import Earlier, Letter
from services.notify.webhook_body import MOST_BYTES, render_webhook
from tests.letters import LINKS, PLACES, example, make_letter, terms


def _body(letter: Letter) -> bytes:
    return render_webhook(letter, terms=terms(), places=PLACES)


def _data(letter: Letter) -> dict[str, Any]:
    body = _body(letter)
    WebhookMessage.model_validate_json(body)
    data: dict[str, Any] = json.loads(body)["data"]
    return data


def test_the_body_is_what_the_contract_says() -> None:
    body = json.loads(_body(make_letter(example("ar-02"), language="pt")))
    assert body["type"] == "alert.updated"
    assert body["timestamp"] == "2026-02-10T21:00:02.000Z"
    data = body["data"]
    assert data["content"] == "full"
    assert data["unconfirmed"] is False
    assert data["text"]["subject"].endswith("carfentanil +1, Buenos Aires, AR")
    assert data["text"]["title_language"] == "es"
    assert data["alert"]["national_ref"] == "SYN-AR-02"
    assert data["classification"]["severity"]["reason"] == "C1.opioid"
    assert data["acknowledge"] == {
        "required": True,
        "due_at": "2026-02-11T01:00:00.000Z",
        "api": LINKS.acknowledge_api,
    }


def test_every_example_is_short_and_validates() -> None:
    for name in ("ar-01", "ca-03", "ca-04", "br-05", "co-06", "uy-07", "us-08", "mx-09", "gt-10", "cl-12"):
        letter = make_letter(example(name))
        assert _data(letter)["truncated"] == []
        assert len(_body(letter)) < MOST_BYTES


def test_the_personal_link_is_never_in_it() -> None:
    assert LINKS.acknowledge.encode() not in _body(make_letter(example("uy-07")))


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert _body(make_letter(example("uy-07"))) == _body(make_letter(example("uy-07")))


def test_what_was_written_before_is_taken_only_where_all_of_it_is_shown() -> None:
    asked: list[object] = []

    def known(answer: Classification | Correlation) -> str:
        asked.append(answer)
        return answer.model_dump_json()

    for content, taken in ((Content.FULL, 2), (Content.FINDINGS, 0), (Content.NOTICE, 0)):
        letter = make_letter(example("uy-07"), content=content)
        body = render_webhook(letter, terms=terms(), places=PLACES, text_of=known)
        assert body == _body(letter)
        assert len(asked) == taken
        asked.clear()


def test_a_notice_and_what_may_no_longer_be_seen_hold_no_content() -> None:
    letter = make_letter(example("us-08"), content=Content.NOTICE)
    for content, word in ((Content.NOTICE, "withheld"), (Content.GONE, "gone")):
        links = replace(LINKS, page="https://relay.example.org/n/N-7F3K-92QD")
        data = _data(replace(letter, content=content, links=links))
        assert data["content"] == word
        assert data["opaque_id"] == "N-7F3K-92QD"
        assert data["classification"] == {"severity": {"level": "high", "urgency": "high"}}
        text = json.dumps(data)
        for hidden in ("SATA", "fentanyl", "Arizona", "US-", "sat-us", "thread_id", "correlation"):
            assert hidden not in text


def test_a_partner_gets_findings_without_sender_place_harms_and_purity() -> None:
    harmed = [{"finding": 0, "deaths": 7, "cases": 5, "attribution": "suspected"}]
    substances = [
        {
            "name": "N-etilpentilona",
            "confirmation": "presumptive_lab",
            "purity": {"value": 41, "unit": "% w/w"},
        }
    ]
    alert = example("uy-07", harms=harmed, findings=[{"sold_as": "MDMA", "substances": substances}])
    data = _data(make_letter(alert, content=Content.FINDINGS))
    assert data["content"] == "findings"
    assert data["alert"]["findings"][0]["sold_as"] == "MDMA"
    assert data["alert"]["location"] == {"country": "UY"}
    text = json.dumps(data)
    for hidden in (
        "purity",
        "harms",
        "deaths",
        "Observatorio",
        "sat-uy",
        "SYN-UY-07",
        "Montevideo",
        "UY-MO",
        "title",
    ):
        assert hidden not in text


def test_a_fact_that_changed_has_both_sides_or_only_what_this_reader_may_see() -> None:
    before = example("ar-01")
    letter = make_letter(example("ar-02"))
    told = _data(replace(letter, changes=without_before(changes(before, example("ar-02")))))["changes"]
    assert {"pointer": "/harms/0/deaths", "after": 24} in told
    assert not any("before" in each for each in told)
    earlier = Earlier(
        thread_version=1, sent_at=datetime(2026, 2, 2, tzinfo=UTC), alert=before, classification=None
    )
    told = _data(replace(letter, earlier=earlier))["changes"]
    assert {"pointer": "/harms/0/deaths", "before": 17, "after": 24} in told


def test_a_retraction_repeats_nothing() -> None:
    letter = replace(make_letter(example("uy-07")), message_type=MessageType.RETRACTION)
    data = _data(letter)
    assert set(data["alert"]) >= {"summary", "national_ref", "sender"}
    assert "findings" not in data["alert"]
    assert "substances" not in data["classification"]
    assert data["changes"] == []
    del data["alert"]["summary"]  # the reason, in the sender's own words
    assert "pentilona" not in json.dumps(data)


def test_who_disputes_is_not_shown_by_the_message_itself() -> None:
    letter = replace(make_letter(example("uy-07")), message_type=MessageType.DISPUTE)
    data = _data(letter)
    assert data["content"] == "summary"
    assert "alert" not in data
    assert "title" not in data["text"]
    assert "alert" in _data(replace(letter, disputed_by="AR"))


def test_what_is_too_long_is_cut_in_turn_and_named() -> None:
    long = {"narrative": "n" * 19_000}
    data = _data(make_letter(example("uy-07", **long)))
    assert data["truncated"] == ["alert.narrative"]
    assert "narrative" not in data["alert"]
    french = {"title": "t", "summary": "s", "narrative": "n" * 19_000, "origin": "human"}
    data = _data(make_letter(example("uy-07", **long, translations={"fr": french})))
    assert data["truncated"] == ["alert.narrative"]
    assert "narrative" not in data["alert"]["translations"]["fr"]


def test_the_alert_goes_whole_before_the_verdict_and_the_related_beyond_ten_before_it() -> None:
    substances = [{"name": f"substance {at}" + "x" * 150, "confirmation": "confirmed"} for at in range(40)]
    related = tuple(
        RelatedAlert(
            id=str(at), relay_id="SATA-AR-2026-000001", level=CorrelationLevel.SAME_THREAT, reason="r"
        )
        for at in range(12)
    )
    letter = make_letter(
        example("uy-07", findings=[{"substances": substances}], harms=[], narrative="n"),
        correlation=Correlation(level=CorrelationLevel.SAME_THREAT, related=related),
    )
    data = _data(letter)
    assert data["truncated"][:2] == ["correlation.related", "alert"]
    assert data["content"] == "summary"
    assert "alert" not in data
    assert len(data["correlation"]["related"]) == 10
    assert data["classification"]["severity"]["level"]
    assert data["acknowledge"]["api"]
    assert len(_body(letter)) < MOST_BYTES


def test_a_verdict_without_a_new_version_is_its_own_event() -> None:
    letter = replace(make_letter(example("uy-07")), occasion="reassessed 1")
    assert json.loads(_body(letter))["type"] == "alert.reassessed"


def test_a_translation_into_the_readers_language_is_marked_by_its_origin() -> None:
    machine = {"title": "Tablet", "summary": "s", "origin": "machine"}
    letter = make_letter(example("uy-07", translations={"en": machine}), language="en")
    text = _data(letter)["text"]
    assert (text["title"], text["title_language"], text["machine_translation"]) == ("Tablet", "en", True)


def test_a_long_text_among_the_changes_is_cut_and_stands_whole_in_the_alert() -> None:
    long = "No mezclar. " * 100
    before = example("uy-07", recommended_actions=[{"text": "Nada."}])
    after = example("uy-07", message_type="correction", version=2, recommended_actions=[{"text": long}])
    letter = make_letter(after, changes=changes(before, after))
    data = _data(letter)
    told = [each for each in data["changes"] if each["pointer"] == "/recommended_actions/0"]
    assert told == [
        {
            "pointer": "/recommended_actions/0",
            "before": {"text": "Nada."},
            "after": {"text": long[:200] + "…"},
        }
    ]
    assert data["alert"]["recommended_actions"][0]["text"] == long
