"""`relay identify`: as many lines out as in, in the same order, whatever they hold."""

import json
from pathlib import Path

import pytest

from services import cli
from services.classify.lines import MOST_BYTES


def test_each_line_is_answered_in_its_place(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "names.jsonl"
    file.write_bytes(
        b'{"ref": "a", "name": "coca\xc3\xadna"}\n'
        b"\n"
        b"not json\n"
        b'{"ref": "' + b"x" * 3 * MOST_BYTES + b'"}\n'
        b'{"ref": "\\ud800", "name": "nitazenos"}\n'
        b'{"ref": "z", "cas": "50-36-2"}'
    )
    assert cli.run(["identify", str(file)]) == 0
    written, said = capfdbinary.readouterr()
    answers = [json.loads(line) for line in written.splitlines()]
    assert [answer["ref"] for answer in answers] == ["a", None, None, "\ud800", "z"]
    assert [answer["outcome"] for answer in answers] == [
        "resolved", "invalid", "invalid", "class_only", "resolved",
    ]  # fmt: skip
    assert said == b""


def test_a_missing_file_is_a_failure(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["identify", str(tmp_path / "none.jsonl")]) == 1
    assert "none.jsonl" in capfd.readouterr().err
