"""Directory files: what they say, and what is wrong with them, without repeating it."""

import json
from typing import Any

import pytest

from services.directory.entries import Parsed
from services.directory.files import COLUMNS, parse_directory
from services.reference.states import load_states
from services.storage.records import ChannelKind, Participation, RecipientKind

STATES = load_states()
HEADING = ",".join(COLUMNS)


def refuses_none(_url: str) -> None:
    return None


def parsed(content: bytes, *, is_csv: bool) -> Parsed:
    return parse_directory(content, is_csv=is_csv, states=STATES, refuses_url=refuses_none)


def institution(**overrides: Any) -> dict[str, Any]:
    return {
        "id": "co-focal",
        "country": "CO",
        "organisation": "Punto focal de ejemplo",
        "kind": "focal_point",
        "language": "es",
        "timezone": "America/Bogota",
        "audiences": ["health"],
        "channels": [{"kind": "email", "address": "co@example.org"}],
    } | overrides


def read(*institutions: dict[str, Any], **more: Any) -> Parsed:
    content = json.dumps({"institutions": institutions} | more).encode()
    return parsed(content, is_csv=False)


def test_a_file_is_read_and_each_state_takes_part_as_the_table_says() -> None:
    parsed = read(institution(), institution(id="cu", country="CU"))
    assert parsed.faults == ()
    assert [(one.id, one.participation) for one in parsed.recipients] == [
        ("co-focal", Participation.ACTIVE),
        ("cu", Participation.NOT_PARTICIPATING),
    ]


def test_the_file_overrides_the_table() -> None:
    parsed = read(institution(), participations={"CO": "withdrawn"})
    assert parsed.stated == {"CO": Participation.WITHDRAWN}
    assert parsed.recipients[0].participation is Participation.WITHDRAWN


@pytest.mark.parametrize("code", ["XX", "co", "Colombia", ""])
def test_a_participation_is_of_a_state_that_the_relay_knows(code: str) -> None:
    parsed = read(institution(), participations={code: "active"})
    assert [(one.pointer, one.code) for one in parsed.faults] == [
        (f"/participations/{code}", "country_unknown")
    ]


def test_an_institution_of_a_territory_takes_part_as_its_state_does() -> None:
    parsed = read(institution(country="PR"))
    assert parsed.recipients[0].participation is Participation.ACTIVE


@pytest.mark.parametrize(
    ("overrides", "pointer", "code"),
    [
        ({"id": "Not An Id"}, "/institutions/0/id", "string_pattern_mismatch"),
        ({"kind": "friend"}, "/institutions/0/kind", "enum"),
        ({"colour": "red"}, "/institutions/0/colour", "extra_forbidden"),
        ({"timezone": "Bogota"}, "/institutions/0/timezone", "timezone_unknown"),
        ({"country": "ZZ"}, "/institutions/0/country", "country_unknown"),
        ({"audiences": []}, "/institutions/0/audiences", "audiences_empty"),
        ({"kind": "private_sector"}, "/institutions/0/audiences", "not_private_sector"),
        (
            {"channels": [{"kind": "email", "address": "a b@example.org"}]},
            "/institutions/0/channels/0/address",
            "email_address",
        ),
        (
            {"channels": [{"kind": "webhook", "address": "hooks.example.org"}]},
            "/institutions/0/channels/0/address",
            "webhook_address",
        ),
        (
            {"channels": [{"kind": "feed", "address": "x"}]},
            "/institutions/0/channels/0/address",
            "feed_address",
        ),
        (
            {"channels": [{"kind": "email", "address": f"{n}@example.org"} for n in "ab"]},
            "/institutions/0/channels/0/kind",
            "channel_twice",
        ),
        (
            {"deputies": [{"kind": "email", "address": "co@example.org"}]},
            "/institutions/0/deputies/0/address",
            "address_twice",
        ),
        (
            {"deputies": [{"kind": "webhook", "address": "https://d.example.org"}]},
            "/institutions/0/deputies/0/kind",
            "deputy_by_email",
        ),
    ],
)
def test_each_fault_has_its_place_and_a_code(overrides: dict[str, Any], pointer: str, code: str) -> None:
    parsed = read(institution(**overrides))
    assert (pointer, code) in [(one.pointer, one.code) for one in parsed.faults]
    assert parsed.recipients == ()


def test_a_word_that_may_not_stand_there_is_answered_with_those_that_may() -> None:
    (fault,) = read(institution(kind="friend")).faults
    assert "friend" not in fault.detail
    assert "'focal_point'" in fault.detail
    assert "'secretariat'" in fault.detail


def test_no_fault_repeats_what_was_written() -> None:
    parsed = read(institution(channels=[{"kind": "email", "address": "someone private"}]))
    assert "someone" not in str(parsed.faults)


def test_two_institutions_with_one_id_are_refused() -> None:
    assert {one.code for one in read(institution(), institution()).faults} == {"id_twice"}


@pytest.mark.parametrize(
    ("content", "is_csv", "code"),
    [
        (b"{", False, "not_json"),
        (b"\xff", False, "not_utf8"),
        (b"[]", False, "model_type"),
        (b"id,colour\nx,red\n", True, "columns"),
        (b"id\nx,y,z\n", True, "columns"),
        (b'{"institutions": []}', False, "institutions_empty"),
        (b"", True, "columns"),
        (b"name,colour\n", True, "columns"),
        (f"{HEADING}\n".encode(), True, "institutions_empty"),
        (f"{HEADING},active\n".encode(), True, "columns"),
        (HEADING.replace(",active", "").encode(), True, "columns"),
        (f"{HEADING}\nuy,UY\n".encode(), True, "columns"),
    ],
)
def test_what_is_no_directory_at_all_says_so(content: bytes, code: str, *, is_csv: bool) -> None:
    assert [one.code for one in parsed(content, is_csv=is_csv).faults] == [code]


def test_a_table_from_a_spreadsheet_is_read() -> None:
    table = (
        "\ufeffid,country,organisation,kind,language,timezone,audiences,categories,email,email_personal,"
        "webhook,webhook_withheld,feed,deputies,active\r\n"
        "co-focal,CO,Punto focal,focal_point,es,America/Bogota,health; forensic,SYN,co@example.org,yes,"
        "https://hooks.example.org/co,no,x,d1@example.org;d2@example.org,yes\r\n"
    )
    found = parsed(table.encode(), is_csv=True)
    assert found.faults == ()
    one = found.recipients[0]
    assert one.kind is RecipientKind.FOCAL_POINT
    assert one.categories == {"SYN"}
    assert [channel.kind for channel in one.channels] == [
        ChannelKind.EMAIL,
        ChannelKind.WEBHOOK,
        ChannelKind.FEED,
    ]
    assert one.channels[0].personal
    assert [channel.address for channel in one.deputies] == ["d1@example.org", "d2@example.org"]


def test_a_word_that_is_neither_yes_nor_no_is_refused() -> None:
    table = f"{HEADING}\nx,CO,X,network,es,America/Bogota,health,,a@example.org,,,,,,maybe\n".encode()
    assert [one.pointer for one in parsed(table, is_csv=True).faults] == ["/institutions/0/active"]
