"""Identifiers follow from what identifies a message, and from nothing else."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from schemas.vocabularies import Status
from services.ingest.identifiers import message_id, reference_key

_PART = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)
_IDENTITY = st.tuples(_PART, st.sampled_from(Status), _PART, st.integers(1, 99))


def _id(identity: tuple[str, Status, str, int]) -> str:
    sender_id, status, national_ref, version = identity
    return message_id(sender_id=sender_id, status=status, national_ref=national_ref, version=version)


def test_ids_stay_the_same_over_releases() -> None:
    assert _id(("uy-ndo", Status.ACTUAL, "SAT-UY-2026-014", 1)) == "b4a52192-8537-586e-9d30-bb65995b0106"


@given(_IDENTITY, _IDENTITY)
def test_two_messages_share_an_id_only_where_they_are_one(
    one: tuple[str, Status, str, int], other: tuple[str, Status, str, int]
) -> None:
    assert (_id(one) == _id(other)) is (one == other)
    assert UUID(_id(one)).version == 5


def test_all_versions_of_a_reference_share_its_key_and_other_senders_do_not() -> None:
    key = reference_key(sender_id="uy-ndo", status=Status.ACTUAL, national_ref="A")
    assert len(key) == 64
    assert key == reference_key(sender_id="uy-ndo", status=Status.ACTUAL, national_ref="A")
    assert key != reference_key(sender_id="uy-lab", status=Status.ACTUAL, national_ref="A")
    assert key != reference_key(sender_id="uy-ndo", status=Status.EXERCISE, national_ref="A")
