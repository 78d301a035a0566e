"""What every adapter of keys, dead letters, leases and the audit promises."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from services.errors import Invalid
from services.storage import outbox
from services.storage.adapters import LedgerAudit, LedgerDeadLetters, LedgerKeys, LedgerLeases
from services.storage.keys import NewKey
from services.storage.records import ApiKey, Record
from services.storage.tables import audit
from tests.builders import NOW
from tests.databases import Ledger

SECRET = "rk_" + "s" * 40
KEY = ApiKey(
    id="key-1",
    institution_id="uy-ndo",
    country="UY",
    organisation="Observatorio (ejercicio)",
    role="ndo",
    contact=None,
    countries=frozenset({"UY"}),
    scopes=frozenset({"send", "read"}),
    created_at=NOW,
)
RECORD = Record(topic="alerts.v1", event_id="e-1", key="k", payload="{}", position=7)


async def test_a_key_is_found_by_its_secret_and_by_nothing_else(ledger: Ledger) -> None:
    keys = LedgerKeys(ledger)
    await keys.create(NewKey(key=KEY, secret=SECRET), actor="t")
    assert await keys.find(SECRET, now=NOW) == KEY
    for wrong in ("", SECRET[:-1], SECRET + "s", SECRET[:12] + "x" * 31, "rk_"):
        assert await keys.find(wrong, now=NOW) is None


async def test_a_revoked_or_expired_key_is_not_found(ledger: Ledger) -> None:
    keys = LedgerKeys(ledger)
    ending = replace(KEY, id="key-2", expires_at=NOW + timedelta(hours=1))
    await keys.create(NewKey(key=KEY, secret=SECRET), actor="t")
    await keys.create(NewKey(key=ending, secret="another_" + SECRET), actor="t")
    assert await keys.revoke("key-1", at=NOW, actor="t")
    assert not await keys.revoke("key-1", at=NOW, actor="t")
    assert await keys.find(SECRET, now=NOW) is None
    assert await keys.find("another_" + SECRET, now=NOW + timedelta(hours=2)) is None


async def test_both_keys_work_while_one_is_rotated(ledger: Ledger) -> None:
    keys = LedgerKeys(ledger)
    await keys.create(NewKey(key=KEY, secret=SECRET), actor="t")
    new = NewKey(
        key=replace(KEY, id="key-2", created_at=NOW + timedelta(seconds=1)), secret="another_" + SECRET
    )
    overlap = NOW + timedelta(days=1)
    assert await keys.rotate("key-1", new, overlap_until=overlap, actor="t")
    for at, usable in ((NOW, True), (overlap + timedelta(seconds=1), False)):
        assert (await keys.find(SECRET, now=at) is not None) is usable
        successor = await keys.find("another_" + SECRET, now=at)
        assert successor is not None
        assert (successor.scopes, successor.countries) == (KEY.scopes, KEY.countries)
    assert [one.id for one in await keys.listed()] == ["key-1", "key-2"]


async def test_a_record_dies_once_and_can_be_replayed(ledger: Ledger) -> None:
    letters = LedgerDeadLetters(ledger)
    for _ in range(2):
        await letters.keep(RECORD, Invalid("not_json", "no JSON"), group="classify", now=NOW)
    (letter,) = await letters.listed(most=10)
    assert (letter.reason, await letters.count()) == ("not_json", 1)
    assert await letters.replay(letter.id, now=NOW)
    assert not await letters.replay("unknown", now=NOW)
    assert await letters.count() == 0
    (again,) = await ledger.read(partial(outbox.read, topics=["alerts.v1"], after=0, most=10))
    assert again.payload == RECORD.payload
    assert again.event_id != RECORD.event_id


async def test_a_lease_has_one_holder_until_it_ends(ledger: Ledger) -> None:
    leases = LedgerLeases(ledger)
    until = NOW + timedelta(minutes=1)
    assert await leases.acquire("sweep", holder="a", now=NOW, until=until)
    assert await leases.acquire("sweep", holder="a", now=NOW, until=until)
    assert not await leases.acquire("sweep", holder="b", now=NOW, until=until)
    after = until + timedelta(seconds=1)
    assert await leases.acquire("sweep", holder="b", now=after, until=after + timedelta(minutes=1))


async def test_a_changed_act_breaks_the_chain(ledger: Ledger) -> None:
    acts = LedgerAudit(ledger)
    for number in range(5):
        await acts.record(
            actor="t", act="key.created", subject=f"key-{number}", detail={"n": number}, now=NOW
        )
    assert await acts.chain(most=3) == 3
    assert await acts.chain(most=10) == 2
    assert await acts.broken() is None
    await ledger.write(
        lambda connection: connection.execute(update(audit).where(audit.c.id == 3).values(actor="another"))
    )
    assert await acts.broken() == 3


@pytest.mark.parametrize("secret", ["\x00", "ñ" * 12, "a" * 10_000])
async def test_a_hostile_key_is_just_not_found(ledger: Ledger, secret: str) -> None:
    assert await LedgerKeys(ledger).find(secret, now=NOW) is None
