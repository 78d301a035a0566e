"""Signing in to the pages of a rig, as a browser does."""

import re

import httpx

from tests.http_rig import FullRig


def seal_of(page: httpx.Response, action: str = "") -> str:
    """Return the seal of the form that posts to `action`."""
    found = re.search(
        rf'action="{action}[^"]*"[^>]*>\s*<input type="hidden" name="seal" value="([^"]+)"', page.text
    )
    assert found is not None
    return found[1]


async def ask(rig: FullRig, address: str, *, query: str = "") -> httpx.Response:
    """Ask for a code."""
    page = await rig.client.get(f"/sign-in{query}")
    return await rig.client.post(
        f"/sign-in{query}", data={"seal": seal_of(page, "/sign-in"), "address": address}
    )


async def enter(
    rig: FullRig, asked: httpx.Response, address: str, code: str, *, query: str = "", **more: str
) -> httpx.Response:
    """Type a code."""
    fields = {"seal": seal_of(asked, "/sign-in"), "address": address, "code": code, **more}
    return await rig.client.post(f"/sign-in{query}", data=fields)


async def sign_in(rig: FullRig, recipient_id: str) -> None:
    """Sign in with the only mailbox of a recipient."""
    rig.client.cookies.clear()
    address = f"{recipient_id}@example.org"
    asked = await ask(rig, address)
    entered = await enter(rig, asked, address, rig.codes[-1][1])
    assert entered.status_code == 303, entered.text
