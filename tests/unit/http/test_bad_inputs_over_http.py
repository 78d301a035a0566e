"""Everything that must be refused, posted: a clear problem each time, never a fault of ours, nothing kept."""

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bad_inputs import BAD_INPUTS, BadInput
from tests.http_rig import Rig, posting_rig


async def _wrong(rig: Rig, bad: BadInput, key: dict[str, str]) -> str | None:
    """Return what is wrong with the answer to one body, None where it is as it must be."""
    answer = await rig.client.post("/v1/alerts", content=bad.body, headers={**bad.headers, **key})
    if answer.status_code != bad.status:
        return f"{bad.name}: {answer.status_code}, not {bad.status}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"{bad.name}: {answer.headers['content-type']}"
    problem = json.loads(answer.content)
    if problem["status"] != bad.status or not problem["type"].startswith("/docs/problems#"):
        return f"{bad.name}: {problem}"
    pointers = [one["pointer"] for one in problem["errors"]]
    if bad.pointer is not None and bad.pointer not in pointers:
        return f"{bad.name}: {pointers}, not {bad.pointer}"
    return None


async def test_every_bad_input_gets_its_problem_and_changes_nothing(tmp_path: Path) -> None:
    async with posting_rig(tmp_path) as rig:
        key = await rig.key(countries=["UY", "AR", "MX", "CO"])
        found = [await _wrong(rig, bad, key) for bad in BAD_INPUTS]
        assert [one for one in found if one is not None] == []
        assert await rig.stored() == (0, 0)


async def test_in_a_batch_bad_inputs_are_refused_one_by_one(tmp_path: Path) -> None:
    readable = [bad for bad in BAD_INPUTS if bad.status == 422]
    async with posting_rig(tmp_path) as rig:
        headers = await rig.key(countries=["UY", "AR", "MX", "CO"]) | {"Content-Type": "application/json"}
        for start in range(0, len(readable), 500):
            some = readable[start : start + 500]
            body = b'{"alerts": [' + b",".join(bad.body for bad in some) + b"]}"
            answer = await rig.client.post("/v1/alerts:batch", content=body, headers=headers)
            assert answer.status_code == 207, answer.text
            assert {one["status"] for one in answer.json()["results"]} == {422}
        assert await rig.stored() == (0, 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=400), path=st.sampled_from(["/v1/alerts", "/v1/alerts:batch"]))
async def test_whatever_bytes_are_posted_the_fault_is_the_callers(
    tmp_path: Path, body: bytes, path: str
) -> None:
    async with posting_rig(tmp_path) as rig:
        headers = {"Content-Type": "application/json"}
        if not await rig.keys.listed():
            await rig.key()
        headers |= {"Authorization": f"Bearer {0:012}_{'uy-ndo':_<40}"}
        answer = await rig.client.post(path, content=body, headers=headers)
        assert answer.status_code in (400, 422)
        assert await rig.stored() == (0, 0)
