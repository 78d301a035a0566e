"""Every bad input has its status and its place, and no answer repeats what was sent."""

import json

import pytest

from services.ingest.validation import InvalidAlert, parse_alert
from tests.bad_inputs import BAD_INPUTS, BadInput
from tests.builders import NOW

_PARSED = [bad for bad in BAD_INPUTS if not bad.http_only]


def test_the_table_is_large_and_its_names_differ() -> None:
    assert len(BAD_INPUTS) >= 150
    assert len({bad.name for bad in BAD_INPUTS}) == len(BAD_INPUTS)


@pytest.mark.parametrize("bad", _PARSED, ids=lambda bad: bad.name)
def test_a_bad_input_is_refused_with_its_place(bad: BadInput) -> None:
    with pytest.raises(InvalidAlert) as refused:
        parse_alert(bad.body, now=NOW)
    faults = refused.value.faults
    assert refused.value.status == bad.status
    assert bad.pointer is None or bad.pointer in {fault.pointer for fault in faults}, faults
    assert all(fault.code.isidentifier() and fault.code.islower() and fault.detail for fault in faults)
    assert not any("no_such_word" in fault.detail for fault in faults)
    json.dumps([fault.model_dump() for fault in faults], ensure_ascii=False).encode()


def test_codes_are_ours_and_never_the_library_s() -> None:
    ours = {
        "blank", "byte_order_mark", "cas_check_digit", "cas_form", "control_character", "country_unknown",
        "date_form", "date_value", "dates_reversed", "detected_after_sent", "duplicate_key", "file_name_form",
        "first_and_known", "inchi_form", "inchikey_form", "lone_surrogate", "mailbox_form", "media_type_form",
        "name_beside_one_of", "name_repeated", "named_recipients_without_red", "no_such_attachment",
        "no_such_finding", "not_in_vocabulary", "not_json", "not_utf8", "nul_character", "number_out_of_range",
        "out_of_range", "positive_above_tested", "publish_ok_without_clear", "range_reversed", "reference_self",
        "relation_required", "required", "sent_in_future", "sha256_form", "share_beside_counts", "smiles_form",
        "subdivision_of_other_country", "subdivision_unknown", "timestamp_form", "tlp_wider_than_alert",
        "too_deep", "too_large", "too_long", "too_many_structures", "too_many_substances", "too_many_values",
        "too_short",
        "translation_of_itself", "unknown_field", "update_reason_without_update", "url_form",
        "value_beside_several", "wrong_form", "wrong_type",
    }  # fmt: skip
    found = set()
    for bad in _PARSED:
        with pytest.raises(InvalidAlert) as refused:
            parse_alert(bad.body, now=NOW)
        found |= {fault.code for fault in refused.value.faults}
    assert found == ours
