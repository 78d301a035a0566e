"""Open threads are decided again after the catalogue changed, once, and only a rise is told."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from services.classify.reviewing import reconsidering
from services.classify.service import Reclassifier
from services.reference.loader import load_catalogue
from services.reference.plan import load_plan_lines
from services.reference.tables import DATA
from services.storage.adapters import LedgerLeases
from services.storage.reviews import LedgerReviews
from services.storage.tables import notifications
from tests.builders import minimal_alert_json
from tests.http_rig import FullRig, full_rig, institution

SUBSTANCE = {"name": "polvo azul", "confirmation": "confirmed"}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[FullRig]:
    async with full_rig(tmp_path, institution("uy-ndo"), institution("co-fp")) as opened:
        yield opened


def _reclassifier(
    rig: FullRig, folder: Path, *, name: str, holder: str = "one", most: int = 2
) -> Reclassifier:
    tables = folder / f"tables of {name}"
    if not tables.exists():
        shutil.copytree(DATA, tables)
        with (tables / "added_names.csv").open("a", encoding="utf-8") as names:
            names.write(f"polvo azul,{name},a test\n")
        (tables / "manifest.json").write_text(json.dumps({"version": name}), "utf-8")
    catalogue = load_catalogue(tables)
    return Reclassifier(
        LedgerReviews(rig.ledger, may_see=lambda _institution, _message: True),
        LedgerLeases(rig.ledger),
        reconsider=reconsidering(catalogue=catalogue, structures=None, plan=load_plan_lines()),
        catalogue_version=catalogue.version,
        holder=holder,
        clock=rig.clock,
        most=most,
    )


async def _post(rig: FullRig, count: int) -> None:
    headers = await rig.key()
    alert = minimal_alert_json(event_types=["first_detection"], findings=[{"substances": [SUBSTANCE]}])
    for number in range(count):
        await rig.post(alert | {"national_ref": f"A-{number}"}, headers)


async def _occasions(rig: FullRig) -> list[str]:
    await rig.work()
    query = select(notifications.c.occasion).order_by(notifications.c.cursor)
    return list(await rig.ledger.read(lambda connection: connection.execute(query).scalars().all()))


async def test_a_rise_is_told_once_in_bounded_rounds(rig: FullRig, tmp_path: Path) -> None:
    await _post(rig, 3)
    reclassifier = _reclassifier(rig, tmp_path, name="isotonitazene")

    assert await reclassifier.round() == (2, True)
    assert (await reclassifier.round())[0] == 1
    while (await reclassifier.round())[1]:
        pass

    assert await _occasions(rig) == ["issue"] * 3 + ["reassessed 1"] * 3
    assert await _reclassifier(rig, tmp_path, name="isotonitazene").round() == (0, False)


async def test_what_does_not_rise_is_told_nobody(rig: FullRig, tmp_path: Path) -> None:
    await _post(rig, 1)

    assert await _reclassifier(rig, tmp_path, name="Paracetamol").round() == (1, False)

    assert await _occasions(rig) == ["issue"]


async def test_one_process_does_it_at_a_time(rig: FullRig, tmp_path: Path) -> None:
    await _post(rig, 1)
    first = _reclassifier(rig, tmp_path, name="isotonitazene")
    second = _reclassifier(rig, tmp_path, name="isotonitazene", holder="two")

    assert await first.round() == (1, False)
    assert await second.round() == (0, True)


async def test_it_ends_when_it_is_asked_to(rig: FullRig, tmp_path: Path) -> None:
    await _post(rig, 1)
    stop = asyncio.Event()
    running = asyncio.create_task(_reclassifier(rig, tmp_path, name="isotonitazene", most=50).run(stop))

    while await _occasions(rig) != ["issue", "reassessed 1"]:
        pass
    stop.set()

    await asyncio.wait_for(running, 5)
