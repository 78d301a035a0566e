"""The rules of the layout, checked on sources: who imports whom, what is pure, what no file may hold.

Each rule is a function of sources and returns what breaks it, one sentence each; the tests give it the real tree
and planted sources.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SERVICES = ("ingest", "classify", "notify", "metrics", "upkeep", "console")

_LAYERS: Mapping[str, int] = {
    "schemas": 0,
    "services.errors": 1,
    "services.reference": 2,
    "services.storage": 2,
    "services.disclosure": 3,
    "services.directory": 3,
    "services.http": 4,
    **{f"services.{name}": 5 for name in SERVICES},
    "services.runtime": 6,
    "services.demo": 7,
    "services.commands": 8,
    "services.cli": 9,
}
_ADAPTERS = frozenset(
    f"services.storage.{name}" for name in ("adapters", "sqlite", "postgresql", "feed_sqlite", "feed_kafka")
)
_PORTS_OVER_ANY_EXECUTOR = "services.storage.adapters"
_ASSEMBLY = (
    "services.runtime.assembly"  # the same for every runtime, so it may name no database and no transport
)
_MAY_NAME_ADAPTERS = frozenset(
    {
        "services.runtime.embedded",
        "services.runtime.kafka",
        "services.runtime.ledgers",  # which of the two databases, by the settings
        "services.commands.ledger",  # the ports, for commands
        "services.demo.parties",  # before there is one
    }
)
_OPEN = re.compile(r"services\.storage\.(\w+_)?(ports|records)$")  # what a service sees of the ledger

_IMPURE_FILES = frozenset({"service", "dispatch", "api", "instruments"})
_IMPURE_FOLDERS = frozenset({"sources", "channels", "pages"})
_IMPURE_IMPORTS = frozenset(
    {"asyncio", "time", "random", "secrets", "logging", "structlog", "threading", "socket", "subprocess"}
)
_IMPURE_CALLS = re.compile(
    r"(^|\.)(datetime|date)\.(now|utcnow|today)$|(^|\.)uuid[14]$|(^|\.)urandom$|^(open|print|input)$"
    r"|\.(read_text|read_bytes|write_text|write_bytes|unlink|mkdir)$"
)
_PACKAGES_NAMED_LIKE_STDLIB = frozenset({"services/http"})  # absolute imports keep the two apart

MOST_LINES = 400
TEXT = frozenset(
    {
        ".py",
        ".toml",
        ".md",
        ".yml",
        ".yaml",
        ".html",
        ".txt",
        ".css",
        ".js",
        ".sh",
        ".j2",
        ".service",
        ".cfg",
        "",
    }
)
_DATA = ("services/reference/data/", "schemas/json/", "/locale/")
_DATA_FILES = frozenset({"requirements.lock", "LICENSE", "CHANGELOG.md"})
_INDEX_OPTIONS = re.compile(r"(?<![\w-])--?(?:extra-)?index-url|--trusted-host|--find-links|--registry\b")
_HOME = re.compile(r"(?<![\w.])/(?:home|Users)/[A-Za-z]\w*/")
_SKIPPED = frozenset({"__pycache__", "node_modules", "dist", "build", "demo-output", "htmlcov"})


def sources(root: Path) -> dict[str, str]:
    """Return the Python sources of `services` and `schemas` by path below `root`."""
    found = sorted([*(root / "services").rglob("*.py"), *(root / "schemas").rglob("*.py")])
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found}


def texts(root: Path) -> dict[str, str]:
    """Return every text that belongs to the project, by path below `root`; no hidden or generated folder."""
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if any(part in _SKIPPED or (part.startswith(".") and part != ".github") for part in parts[:-1]):
            continue
        if path.is_file() and (path.suffix in TEXT or path.name == "requirements.lock"):
            found[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    return found


def wrong_imports(tree: Mapping[str, str]) -> list[str]:
    """Return imports against the direction, between services, of adapters, and relative ones."""
    taken = _types_of_ports(tree.get("services/storage/ports.py", ""))
    return [
        f"{path}: {fault}"
        for path, source in tree.items()
        for target, name in _imports(source)
        if (fault := _fault(_module(path), target, name, taken))
    ]


def impure(tree: Mapping[str, str]) -> list[str]:
    """Return what waits, reads a clock, draws, logs or opens files in modules that are to be pure."""
    return [
        f"{path}:{line}: {what}"
        for path, source in tree.items()
        if is_pure(path)
        for line, what in _impurities(source)
    ]


def is_pure(path: str) -> bool:
    """Return whether the layout asks the module at `path` to be pure."""
    parts = path.removesuffix(".py").split("/")
    if parts[0] != "services" or len(parts) < 3 or parts[1] not in SERVICES:
        return False
    return parts[-1] not in _IMPURE_FILES and _IMPURE_FOLDERS.isdisjoint(parts[2:-1])


def stdlib_names(paths: Sequence[str]) -> list[str]:
    """Return modules and packages that take a name of the standard library."""
    found = []
    for path in paths:
        name = path.removesuffix(".py").removesuffix("/__init__")
        if name.rpartition("/")[2] in sys.stdlib_module_names and name not in _PACKAGES_NAMED_LIKE_STDLIB:
            found.append(f"{path}: named like a module of the standard library")
    return found


def too_long(files: Mapping[str, str]) -> list[str]:
    """Return files of more than `MOST_LINES` lines, data and lock files apart."""
    return [
        f"{path}: {lines} lines"
        for path, text in files.items()
        if not _is_data(path) and (lines := len(text.splitlines())) > MOST_LINES
    ]


# folders that every machine has
_ANYBODYS = frozenset({"/", "/tmp", "/var/tmp", "/opt", "/srv", "/usr/src"})  # noqa: S108  # nothing is written


def machine_traces(files: Mapping[str, str], *, root: Path) -> list[str]:
    """Return files that name a package index, a person's folder or the folder that the checkout is in."""
    near = None if str(root.parent) in _ANYBODYS else f"{root.parent}/"
    found = []
    for path, text in files.items():
        if _INDEX_OPTIONS.search(text) and path != "tests/architecture.py":
            found.append(f"{path}: names a package index")
        if path == "requirements.lock" and "://" in text:
            found.append(f"{path}: names a host")
        if _HOME.search(text) or (near and re.search(rf"(?<![\w.-]){re.escape(near)}", text)):
            found.append(f"{path}: names a path of one machine")
    return found


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports(source: str) -> Iterator[tuple[str, str | None]]:
    """Yield (module, name) of all imports, also those inside functions; a relative one as (".", None)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield ".", None
            else:
                yield from ((node.module or "", alias.name) for alias in node.names)


def _types_of_ports(source: str) -> frozenset[tuple[str, str]]:
    """Return what the ports take and give, as (module, name): a service may import these values too."""
    return frozenset(
        (module, name)
        for module, name in _imports(source)
        if module.startswith("services.storage.") and name is not None and name[:1].isupper()
    )


def _layer(module: str) -> tuple[str, int] | None:
    parts = module.split(".")
    for length in (2, 1):
        name = ".".join(parts[:length])
        if name in _LAYERS:
            return name, _LAYERS[name]
    return None


def _fault(module: str, target: str, name: str | None, taken: frozenset[tuple[str, str]]) -> str | None:
    if target == ".":
        return "imports relatively"
    if name is not None and _layer(f"{target}.{name}") and target == "services":
        target = f"{target}.{name}"
    mine, theirs = _layer(module), _layer(target)
    if theirs is None and target.split(".")[0] in ("services", "schemas"):
        return f"imports {target}, which has no place in the layout"
    if mine is None or theirs is None:
        return None
    if mine[0] != theirs[0] and mine[1] <= theirs[1]:
        return f"imports {target} against the direction"
    full = f"{target}.{name}" if f"{target}.{name}" in _ADAPTERS else target
    allowed = module in _MAY_NAME_ADAPTERS or (module, full) == (_ASSEMBLY, _PORTS_OVER_ANY_EXECUTOR)
    if full in _ADAPTERS and mine[0] != "services.storage" and not allowed:
        return f"names the adapter {full}"
    if module.split(".")[1:2] and module.split(".")[1] in SERVICES and target.startswith("services.storage"):
        opened = _OPEN.match(target) or _OPEN.match(f"{target}.{name}") or (target, name) in taken
        return None if opened else f"imports {target}.{name}: a service sees ports and records only"
    return None


def _impurities(source: str) -> Iterator[tuple[int, str]]:
    for node in _outside_protocols(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield node.lineno, "waits"
        elif isinstance(node, ast.Import):
            yield from (
                (node.lineno, f"imports {alias.name}")
                for alias in node.names
                if alias.name.split(".")[0] in _IMPURE_IMPORTS
            )
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in _IMPURE_IMPORTS:
            yield node.lineno, f"imports from {node.module}"
        elif isinstance(node, ast.Call) and _IMPURE_CALLS.search(ast.unparse(node.func)):
            yield node.lineno, f"calls {ast.unparse(node.func)}"


def _outside_protocols(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs: a port that is only described waits for nothing."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in child.bases):
            continue
        yield child
        yield from _outside_protocols(child)


def _is_data(path: str) -> bool:
    return path in _DATA_FILES or any(part in f"/{path}" for part in _DATA)
