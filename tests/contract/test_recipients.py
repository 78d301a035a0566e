"""The directory and the secrets of webhooks, as they are stored."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from services.errors import Misconfigured
from services.storage import recipients
from services.storage.recipients import Replaced
from services.storage.records import Participation, Recipient
from services.storage.tables import audit, webhook_secrets
from services.storage.webhook_secrets import LedgerSecrets, SecretBox
from tests.deliveries_rig import Rig, email, make_recipient, webhook


async def replace_all(rig: Rig, people: Sequence[Recipient], **how: Any) -> Replaced:
    """Make these the directory, at the rig's time."""
    unit = partial(recipients.replace_all, recipients=people, now=rig.now, **how)
    return await rig.ledger.write(unit)


async def test_the_directory_is_read_as_it_was_written(rig: Rig) -> None:
    one = make_recipient(channels=(webhook(withheld=True), email(personal=True)), deputies=(email("deputy"),))
    made = await replace_all(rig, [one], taking_part={"CO": Participation.ACTIVE}, actor="x")
    directory = await rig.deliveries.directory()
    assert (directory.version, directory.recipients) == (made.version, {"co-focal": one})


async def test_who_is_no_longer_named_stays_inactive_and_can_come_back(rig: Rig) -> None:
    one, other = make_recipient(), make_recipient("br-focal", country="BR")
    active = {"CO": Participation.ACTIVE, "BR": Participation.ACTIVE}
    await replace_all(rig, [one, other], taking_part=active, actor="x")
    replaced = await replace_all(rig, [one], taking_part={}, actor="x")
    assert (replaced.ended, replaced.participations) == (("br-focal",), {})
    assert (await rig.deliveries.directory()).recipients.get("br-focal") == replace(other, active=False)
    await rig.ledger.write(partial(recipients.put, recipient=other, actor="x", now=rig.now))
    assert (await rig.deliveries.directory()).recipients.get("br-focal") == other
    assert (await rig.deliveries.directory()).version == 3


async def test_a_state_that_nobody_set_up_takes_no_part(rig: Rig) -> None:
    await replace_all(rig, [make_recipient()], taking_part={}, actor="x")
    found = (await rig.deliveries.directory()).recipients.get("co-focal")
    assert found is not None
    assert found.participation is Participation.NOT_PARTICIPATING


async def test_what_changes_for_a_state_is_told_and_evidenced(rig: Rig) -> None:
    people = [make_recipient(), make_recipient("br-focal", country="BR")]
    active, withdrawn = Participation.ACTIVE, Participation.WITHDRAWN
    made = await replace_all(rig, people, taking_part={"CO": active, "BR": active}, actor="x")
    assert made.participations == {"CO": (None, active), "BR": (None, active)}
    gone = await replace_all(rig, people, taking_part={"CO": withdrawn, "BR": active}, actor="x")
    assert gone.participations == {"CO": (active, withdrawn)}
    details = await rig.ledger.read(
        lambda connection: connection.execute(select(audit.c.detail).order_by(audit.c.id)).scalars().all()
    )
    assert json.loads(details[-1])["participations"] == {"CO": ["active", "withdrawn"]}


async def test_every_change_is_evidenced_without_an_address(rig: Rig) -> None:
    await replace_all(rig, [make_recipient()], taking_part={}, actor="secretariat")
    rows = await rig.ledger.read(lambda connection: connection.execute(select(audit)).all())
    assert [(row.actor, row.act) for row in rows] == [("secretariat", "directory.replaced")]
    assert "example.org" not in rows[0].detail


async def test_two_secrets_sign_while_one_is_rotated(rig: Rig) -> None:
    await rig.direct(make_recipient())
    port = LedgerSecrets(rig.ledger, SecretBox([Fernet.generate_key().decode()]))

    async def rotate(secret_id: str, secret: bytes) -> None:
        await port.rotate(
            "co-focal",
            secret_id=secret_id,
            secret=secret,
            overlap_until=rig.now + timedelta(days=1),
            actor="x",
            now=rig.now,
        )

    await rotate("1", b"a" * 32)
    rig.pass_time(hours=1)
    await rotate("2", b"b" * 32)
    await rotate("2", b"b" * 32)
    assert await port.valid("co-focal", now=rig.now) == [b"b" * 32, b"a" * 32]
    rig.pass_time(days=2)
    assert await port.valid("co-focal", now=rig.now) == [b"b" * 32]
    assert await port.valid("br-focal", now=rig.now) == []


async def test_a_secret_is_not_in_the_file_and_needs_its_key(rig: Rig) -> None:
    await rig.direct(make_recipient())
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    port = LedgerSecrets(rig.ledger, SecretBox([old]))
    await port.rotate(
        "co-focal", secret_id="1", secret=b"s" * 32, overlap_until=rig.now, actor="x", now=rig.now
    )
    sealed = await rig.ledger.read(
        lambda connection: connection.execute(select(webhook_secrets.c.secret)).scalar_one()
    )
    assert b"s" * 8 not in sealed
    assert SecretBox([new, old]).open(sealed) == b"s" * 32
    with pytest.raises(Misconfigured):
        SecretBox([new]).open(sealed)
    with pytest.raises(Misconfigured):
        SecretBox(["short"])
