"""Another catalogue in the running relay: open threads are decided again, and only who must is told again."""

import json
from pathlib import Path
from typing import Any

from services.demo.installation import Installation
from services.reference.tables import DATA
from tests.e2e.stage import alert, command, institution, staged, until

_UNKNOWN = {"name": "polvo azul", "confirmation": "confirmed"}
_WHITE = {"name": "polvo blanco", "confirmation": "confirmed"}


def _reported(number: int, substance: dict[str, Any]) -> dict[str, Any]:
    return alert(
        number,
        event_types=["first_detection"],
        findings=[{"substances": [substance]}],
        harms=[],
        source_types=["forensic_lab"],
    )


async def test_a_loaded_version_decides_again_and_tells_only_of_a_rise(tmp_path: Path) -> None:
    tables = tmp_path / "2027.1"
    tables.mkdir()
    added = (DATA / "added_names.csv").read_text("utf-8")
    more = "polvo azul,isotonitazene,a test\npolvo blanco,Paracetamol,a test\n"
    (tables / "added_names.csv").write_text(added + more, "utf-8")
    (tables / "substances.csv").write_bytes((DATA / "substances.csv").read_bytes())
    (tables / "manifest.json").write_text(json.dumps({"version": "2027.1"}), "utf-8")
    async with staged(tmp_path, recipients=[institution("bo-1")]) as stage:
        assert isinstance(stage.relay, Installation)
        assert set(await stage.post_all([_reported(1, _UNKNOWN), _reported(2, _WHITE)])) == {202}
        await stage.at_rest()
        told = len(stage.webhooks.taken())
        assert await stage.relay.stop() == 0

        loaded = await command(stage.relay.environment, "catalogue", "load", str(tables))
        setting, _, place = loaded.out.strip().partition("=")
        assert (loaded.status, setting) == (0, "RELAY_CLASSIFY__CATALOGUE")
        stage.relay.environment[setting] = place
        await stage.relay.start()

        first, second = sorted(stage.accepted)

        async def decided() -> bool:
            views = [(await stage.view(ref))["classification"] for ref in (first, second)]
            return {one["catalogue_version"] for one in views} == {"2027.1"}

        await until(decided)
        await until(lambda: len(stage.webhooks.taken()) > told)
        await stage.at_rest()

        views = {ref: (await stage.view(ref))["classification"] for ref in (first, second)}
        assert views[first]["substances"][0]["preferred_name"] == "isotonitazene"
        assert views[second]["substances"][0]["preferred_name"] == "Paracetamol"
        assert [one.national_ref for one in stage.webhooks.taken()[told:]] == [first]
