"""What tests need beside Python: skipped by name where it is missing, unless it is required; then they fail.

`RELAY_TEST_REQUIRE` lists what must be there, separated by commas or blanks. The rule is pure; finding the programs
is one function each.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.demo import kafka_jars, postgresql_server

VARIABLE = "RELAY_TEST_REQUIRE"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Need(StrEnum):
    """What a test may need; the word of the marker and of `RELAY_TEST_REQUIRE`."""

    BROWSER = "browser"
    PROMTOOL = "promtool"
    POSTGRESQL = "postgresql"
    KAFKA = "kafka"


class Verdict(StrEnum):
    """What becomes of a test."""

    RUN = "run"
    SKIP = "skip"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A verdict and its reason, which names what is missing."""

    verdict: Verdict
    reason: str = ""


def required(environment: Mapping[str, str]) -> frozenset[Need]:
    """Return what `RELAY_TEST_REQUIRE` lists; raises `ValueError` for a word that is none of ours."""
    words = environment.get(VARIABLE, "").replace(",", " ").split()
    unknown = sorted(set(words) - set(Need))
    if unknown:
        raise ValueError(f"{VARIABLE}: {unknown[0]} is none of {', '.join(Need)}")
    return frozenset(Need(word) for word in words)


def decide(need: Need, *, found: str | None, must: frozenset[Need]) -> Decided:
    """Return what becomes of a test that needs `need`, which was found at `found` or not at all."""
    if found is not None:
        return Decided(verdict=Verdict.RUN)
    if need in must:
        return Decided(verdict=Verdict.FAIL, reason=f"{need} is missing, and {VARIABLE} requires it")
    return Decided(verdict=Verdict.SKIP, reason=f"needs {need}, which is not installed")


def find(need: Need) -> str | None:
    """Return the path of the program, or None."""
    return _FINDERS[need]()


def _browser() -> str | None:
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


_FINDERS: Mapping[Need, Callable[[], str | None]] = {
    Need.BROWSER: _browser,
    Need.PROMTOOL: lambda: shutil.which("promtool"),
    Need.POSTGRESQL: postgresql_server.installed,
    Need.KAFKA: kafka_jars.obtainable,
}
