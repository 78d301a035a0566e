"""What the demonstration must deliver: `expected.toml`, written by hand, opened out to single notifications."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "expected.toml"


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """One notification: at which step, for whom, through which channel, in which language, how much of it."""

    step: str
    recipient: str
    channel: str
    language: str
    content: str


def load(path: Path = FILE) -> dict[str, frozenset[Expected]]:
    """Return the notifications that each step must cause, in the order of the steps."""
    with path.open("rb") as file:
        document = tomllib.load(file)
    recipients = {name: line.split() for name, line in document["recipients"].items()}
    return {
        step["name"]: frozenset(_open(step, document["groups"], recipients)) for step in document["steps"]
    }


def _open(
    step: Mapping[str, Any], groups: Mapping[str, list[str]], recipients: Mapping[str, list[str]]
) -> list[Expected]:
    told = {name for group in step["to"] for name in groups[group]} - set(step["not_to"])
    special: Mapping[str, str] = step.get("content", {})
    return [
        Expected(step["name"], name, channel, recipients[name][0], special.get(name, step[channel]))
        for name in told
        for channel in recipients[name][1:]
    ]
