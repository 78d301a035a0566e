"""One mailbox of two institutions: its reader says for which, after the code has shown who it is."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from services.storage.records import Channel, ChannelKind, Participation
from tests.http_rig import FullRig, full_rig, institution
from tests.signing_in import ask, enter

_SHARED = "desk@example.org"


def _mailbox(recipient_id: str, **fields: object) -> object:
    channel = Channel(kind=ChannelKind.EMAIL, address=_SHARED, personal=True)
    return replace(institution(recipient_id), channels=(channel,), **fields)  # type: ignore[arg-type]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    people = (
        _mailbox("co-fp"),
        _mailbox("co-lab"),
        _mailbox("ve-fp", participation=Participation.WITHDRAWN),
        institution("ca-lab"),
    )
    async with full_rig(tmp_path, *people) as opened:  # type: ignore[arg-type]  # recipients, made above
        yield opened


def _offered(page: httpx.Response) -> list[str]:
    return re.findall(r'name="institution" value="([^"]+)"', page.text)


async def _signed_in_for(rig: FullRig) -> str | None:
    found = re.search(r"Signed in for: ([^<]+)<", (await rig.client.get("/alerts")).text)
    return found[1] if found else None


async def test_the_institutions_are_shown_after_the_right_code_only(rig: FullRig) -> None:
    asked = await ask(rig, _SHARED)
    assert [one[0] for one in rig.codes] == [_SHARED]  # one code, not one for each
    right = rig.codes[0][1]
    wrong = await enter(rig, asked, _SHARED, f"{(int(right) + 1) % 10**8:08}")
    assert (wrong.status_code, _offered(wrong)) == (403, [])
    shown = await enter(rig, asked, _SHARED, right)
    assert (shown.status_code, _offered(shown)) == (200, ["co-fp", "co-lab"])
    assert "set-cookie" not in shown.headers
    assert _offered(asked) == []


@pytest.mark.parametrize("chosen", ["co-fp", "co-lab"])
async def test_the_session_is_for_the_institution_that_was_chosen(rig: FullRig, chosen: str) -> None:
    asked = await ask(rig, _SHARED)
    shown = await enter(rig, asked, _SHARED, rig.codes[0][1])
    entered = await enter(rig, shown, _SHARED, rig.codes[0][1], institution=chosen)
    assert entered.status_code == 303
    assert await _signed_in_for(rig) == f"Institution {chosen}"
    rig.client.cookies.clear()
    again = await enter(rig, shown, _SHARED, rig.codes[0][1], institution="co-lab")
    assert again.status_code == 403  # a code is good for one session


@pytest.mark.parametrize("other", ["ca-lab", "ve-fp", "nobody", ""])
async def test_no_institution_of_another_mailbox_can_be_chosen(rig: FullRig, other: str) -> None:
    asked = await ask(rig, _SHARED)
    shown = await enter(rig, asked, _SHARED, rig.codes[0][1], institution=other)
    assert (shown.status_code, _offered(shown)) == (200, ["co-fp", "co-lab"])
    assert await _signed_in_for(rig) is None


async def test_looking_at_the_choice_costs_no_try_and_wrong_codes_still_do(rig: FullRig) -> None:
    asked = await ask(rig, _SHARED)
    right = rig.codes[0][1]
    wrong = f"{(int(right) + 1) % 10**8:08}"
    for _ in range(4):
        assert (await enter(rig, asked, _SHARED, wrong)).status_code == 403
        assert _offered(await enter(rig, asked, _SHARED, right)) == ["co-fp", "co-lab"]
    assert (await enter(rig, asked, _SHARED, wrong)).status_code == 403
    assert (
        await enter(rig, asked, _SHARED, right, institution="co-fp")
    ).status_code == 403  # five wrong: void


async def test_a_mailbox_of_one_institution_is_asked_nothing(rig: FullRig) -> None:
    asked = await ask(rig, "ca-lab@example.org")
    assert (await enter(rig, asked, "ca-lab@example.org", rig.codes[0][1])).status_code == 303
    assert await _signed_in_for(rig) == "Institution ca-lab"
