"""The layout's rules hold for the tree, and each rule finds what is planted against it."""

from pathlib import Path

import pytest

from tests import architecture

ROOT = Path(__file__).resolve().parents[2]
SOURCES = architecture.sources(ROOT)
TEXTS = architecture.texts(ROOT)
PORTS = "from services.storage.keys import NewKey\n"


def imports(path: str, source: str) -> list[str]:
    return architecture.wrong_imports({"services/storage/ports.py": PORTS, path: source})


def test_imports_point_one_way() -> None:
    assert architecture.wrong_imports(SOURCES) == []


def test_pure_modules_are_pure() -> None:
    assert architecture.impure(SOURCES) == []


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    assert architecture.stdlib_names(list(SOURCES)) == []


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    assert architecture.too_long(TEXTS) == []


def test_nothing_names_a_package_index_or_a_machine() -> None:
    assert architecture.machine_traces(TEXTS, root=ROOT) == []


def test_the_rules_saw_the_tree() -> None:
    assert "services/storage/ports.py" in SOURCES
    assert "services/metrics/measures.py" in SOURCES
    assert {"pyproject.toml", "Makefile", "requirements.lock"} <= set(TEXTS)
    assert any(architecture.is_pure(path) for path in SOURCES)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("schemas/alerts.py", "import services.errors"),
        ("schemas/alerts.py", "from services import errors"),
        ("services/storage/receipts.py", "from services.http.problems import Refusal"),
        ("services/storage/receipts.py", "def late():\n    import services.notify.retry"),
        ("services/classify/severity.py", "from services.notify.retry import RetryPolicy"),
        ("services/notify/service.py", "from services import classify"),
        ("services/notify/service.py", "from services.storage.sqlite import SqliteLedger"),
        ("services/notify/service.py", "from services.storage import adapters"),
        ("services/notify/service.py", "from services.storage.receipts import counts"),
        ("services/notify/service.py", "from services.storage import receipts"),
        ("services/notify/service.py", "from services.runtime.settings import Settings"),
        ("services/runtime/lifecycle.py", "from services.storage.sqlite import SqliteLedger"),
        ("services/runtime/assembly.py", "from services.storage.sqlite import SqliteLedger"),
        ("services/runtime/assembly.py", "from services.storage import feed_kafka"),
        ("services/runtime/lifecycle.py", "from services.demo import run"),
        ("services/commands/keys.py", "from services.storage.adapters import LedgerKeys"),
        ("services/commands/keys.py", "from . import faults"),
        ("services/metrics/service.py", "import services.elsewhere"),
    ],
)
def test_an_import_against_the_direction_is_found(path: str, source: str) -> None:
    assert len(imports(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "services/storage/receipts.py",
            "from schemas.alerts import Alert\nfrom services.errors import Invalid",
        ),
        ("services/ingest/service.py", "from services.storage.keys import NewKey"),
        ("services/ingest/service.py", "from services.storage.receipt_records import Submission"),
        ("services/ingest/service.py", "from services.storage.ports import Receipts"),
        ("services/notify/dispatch.py", "from services.disclosure import Content"),
        ("services/runtime/embedded.py", "from services.storage.sqlite import SqliteLedger"),
        ("services/runtime/assembly.py", "from services.storage.adapters import LedgerReceipts"),
        ("services/commands/ledger.py", "from services.storage.sqlite import SqliteLedger"),
        ("services/cli.py", "from services.commands import keys\nimport services.runtime.settings"),
        ("services/notify/service.py", "from services.notify.retry import RetryPolicy\nimport httpx"),
    ],
)
def test_an_import_along_the_direction_is_not_found(path: str, source: str) -> None:
    assert imports(path, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "async def f(): ...",
        "import asyncio",
        "from time import monotonic",
        "import logging.handlers",
        "import structlog",
        "from random import random",
        "from datetime import datetime\nx = datetime.now()",
        "import datetime\nx = datetime.date.today()",
        "import uuid\nx = uuid.uuid4()",
        "from uuid import uuid4\nx = uuid4()",
        "x = open('f')",
        "def f(path):\n    return path.read_text()",
    ],
)
def test_an_impurity_is_found_in_a_pure_module_only(source: str) -> None:
    assert architecture.impure({"services/classify/severity.py": source})
    assert architecture.impure({"services/classify/service.py": source}) == []
    assert architecture.impure({"services/notify/channels/webhook.py": source}) == []
    assert architecture.impure({"services/storage/sqlite.py": source}) == []


def test_a_port_may_be_described_in_a_pure_module() -> None:
    described = "from typing import Protocol\nclass Port(Protocol):\n    async def get(self) -> int: ...\n"
    assert architecture.impure({"services/notify/inbox.py": described}) == []
    used = f"{described}async def f(port: Port) -> int:\n    return await port.get()"
    assert architecture.impure({"services/notify/inbox.py": used}) != []


def test_times_that_are_arguments_are_pure() -> None:
    source = "from datetime import datetime, time\ndef f(now: datetime) -> time:\n    return now.time()"
    assert architecture.impure({"services/metrics/measures.py": source}) == []


@pytest.mark.parametrize(
    "path", ["services/notify/email.py", "schemas/types.py", "services/json/__init__.py"]
)
def test_a_stdlib_name_is_found(path: str) -> None:
    assert len(architecture.stdlib_names([path])) == 1


def test_a_long_file_is_found_and_data_is_not() -> None:
    long = "x = 1\n" * 401
    assert architecture.too_long({"services/notify/retry.py": long}) == [
        "services/notify/retry.py: 401 lines"
    ]
    assert architecture.too_long({"services/storage/migrations/versions/0009_more.py": long}) != []
    assert architecture.too_long({"services/reference/data/terms.csv": long, "requirements.lock": long}) == []
    assert architecture.too_long({"services/notify/retry.py": "x = 1\n" * 400}) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Makefile", "pip install --index" + "-url x"),
        ("deploy/Dockerfile", "RUN npm ci --regis" + "try x"),
        ("requirements.lock", "a @ https" + "://example.org/a.whl"),
        ("README.md", "see /ho" + "me/ana/notes"),
        ("README.md", "cd /srv/checkouts/relay"),
        ("README.md", "`/srv/checkouts/other/`"),
    ],
)
def test_a_trace_of_a_machine_is_found(path: str, text: str) -> None:
    assert len(architecture.machine_traces({path: text}, root=Path("/srv/checkouts/relay"))) == 1


def test_an_ordinary_path_is_no_trace() -> None:
    files = {"README.md": "https://example.org/srv/x and /var/lib/relay", "deploy/Dockerfile": "WORKDIR /app"}
    assert architecture.machine_traces(files, root=Path("/srv/checkouts/relay")) == []
    assert architecture.machine_traces(files, root=Path("/app")) == []
