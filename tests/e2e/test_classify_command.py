"""`relay classify -`: one line out for each line in, in order, from a process with no ledger at all."""

import json
from pathlib import Path

from tests.e2e.stage import alert, command

_EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"


async def test_each_line_is_answered_in_its_place(tmp_path: Path) -> None:
    examples = [json.loads(path.read_text()) for path in sorted(_EXAMPLES.glob("[a-z][a-z]-[0-9][0-9].json"))]
    assert len(examples) >= 12
    lines = [*(json.dumps(one) for one in examples), '{"national_ref":', "[]", json.dumps(alert(1))]
    settings = {"RELAY_LEDGER__PATH": str(tmp_path / "none.sqlite3")}
    ended = await command(settings, "classify", "-", typed="\n".join(lines).encode() + b"\n")
    answers = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.status == 1, "two lines were refused"
    assert ["classification" if "classification" in one else "problem" for one in answers] == [
        *["classification"] * len(examples),
        *["problem"] * 2,
        "classification",
    ]
    for example, answer in zip(examples, answers, strict=False):
        assert len(answer["classification"]["substances"]) == sum(
            len(finding["substances"]) for finding in example.get("findings", ())
        )
    again = await command(settings, "classify", "-", typed=lines[3].encode())
    assert json.loads(again.out) == answers[3]
    assert list(tmp_path.iterdir()) == []
