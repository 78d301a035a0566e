"""What a start loads: a health check next to nothing, a relay only what it uses."""

import json
import subprocess
import sys

import pytest

_CHEMISTRY = ("rdkit", "rapidfuzz", "services.classify", "services.reference")
_LEDGERS = ("sqlalchemy", "alembic", "services.storage", "services.runtime.ledgers")
_SERVER = (
    "fastapi",
    "uvicorn",
    "structlog",
    "services.http",
    "services.notify",
    "services.ingest",
    "schemas",
)
_BROKERS = ("faust", "aiokafka", "services.runtime.kafka")
_POSTGRESQL = ("asyncpg", "sqlalchemy.ext.asyncio", "sqlalchemy.orm", "services.storage.postgresql")
_HELP = "from services import cli; cli.run(['--help'])"
_CHECK = "from services import cli; cli.run(['healthcheck', '--url', 'http://127.0.0.1:1/'])"
_RELAY = "import services.runtime.embedded"


def loaded_by(code: str) -> set[str]:
    """Return the modules that a new process has loaded after `code`."""
    told = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "used", "unused"),
    [
        (_HELP, {"services.cli"}, (*_CHEMISTRY, *_LEDGERS, *_SERVER, *_BROKERS, "pydantic", "httpx")),
        (_CHECK, {"httpx"}, (*_CHEMISTRY, *_LEDGERS, *_SERVER, *_BROKERS, *_POSTGRESQL)),
        (
            _RELAY,
            {"services.runtime.embedded"},
            ("rdkit", "alembic", *_BROKERS, *_POSTGRESQL, "services.demo"),
        ),
    ],
    ids=["help", "healthcheck", "relay on one file"],
)
def test_a_start_loads_what_it_uses(code: str, used: set[str], unused: tuple[str, ...]) -> None:
    loaded = loaded_by(code)
    assert used <= loaded
    assert loaded.isdisjoint(unused)
