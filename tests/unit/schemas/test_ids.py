"""Ids that derive from content."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import derived_id


@given(st.uuids(), st.text(max_size=80))
def test_a_derived_id_is_the_version_5_uuid_of_its_name(namespace: UUID, name: str) -> None:
    assert derived_id(namespace, name) == str(uuid5(namespace, name))
