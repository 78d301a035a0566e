"""What the page of a correction says was wrong, and to whom."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.storage.records import RecipientKind
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

_BEFORE = "Antes"
_NOW = "Ahora"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (
        institution("uy-ndo"),
        institution("co-fp", language="es"),
        institution("ca-lab", RecipientKind.NETWORK, language="es"),
    )
    async with full_rig(tmp_path, *people) as opened:
        yield opened


def _harmed(deaths: int, **fields: Any) -> dict[str, Any]:
    return minimal_alert_json(harms=[{"deaths": deaths, "attribution": "suspected"}], **fields)


async def _text(rig: FullRig, message_id: str, recipient_id: str) -> str:
    page = await rig.client.get(f"/a/{rig.token(message_id, recipient_id)}")
    assert page.status_code == 200
    return re.sub(r"<[^>]+>", " ", page.text)


@pytest.mark.parametrize(
    ("first", "shown"),
    [("TLP:GREEN", [_BEFORE, _NOW]), ("TLP:AMBER+STRICT", [_NOW])],
)
async def test_a_page_compares_with_the_earlier_version_only_for_who_may_see_that_one(
    rig: FullRig, first: str, shown: list[str]
) -> None:
    headers = await rig.key()
    await rig.post(_harmed(7, tlp=first), headers)
    message_id = await rig.post(_harmed(0, message_type="correction", version=2), headers)
    text = await _text(rig, message_id, "ca-lab")
    assert [one for one in (_BEFORE, _NOW) if re.search(rf"\b{one}\b", text)] == shown
    assert ("7 fallecimientos" in text) is (_BEFORE in shown)


async def test_a_first_alert_has_no_changes(rig: FullRig) -> None:
    message_id = await rig.post(_harmed(7), await rig.key())
    assert not re.search(rf"\b{_NOW}\b", await _text(rig, message_id, "ca-lab"))
