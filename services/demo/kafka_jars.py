"""The jars of Apache Kafka: fetched once by Maven into the checkout's cache, for whoever starts a broker.

Only a checkout has them (`deploy/kafka`): an installed relay speaks to brokers, it starts none.
"""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.errors import Misconfigured

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "kafka"
_CACHE = ROOT / ".cache" / "kafka"
_FETCH_WITHIN = 300.0  # seconds


def java() -> str | None:
    """Return the path of the Java virtual machine, or None."""
    return shutil.which("java")


def present() -> Path | None:
    """Return the folder of the jars if they were fetched for this `pom.xml`, else None."""
    folder = _folder()
    return folder if folder is not None and folder.is_dir() else None


def obtainable() -> str | None:
    """Return what would run a broker here: the path of `java`, or None where it or the jars cannot be had."""
    found = java()
    return found if found and (present() or (_folder() and shutil.which("mvn"))) else None


def fetch() -> Path:
    """Return the folder of the jars, fetched first where they are missing; safe to call from many processes.

    `Misconfigured` where there is no `deploy/kafka`, no Maven, or Maven fails.
    """
    folder = _folder()
    if folder is None:
        raise Misconfigured("deploy/kafka/pom.xml", "not there: only a checkout can start a broker")
    if not folder.is_dir():
        with _locked(folder.parent):
            if not folder.is_dir():
                _copy_dependencies(folder)
    return folder


def archive(make: Callable[[Path], None]) -> Path:
    """Return the file of classes that the virtual machine need not load one by one, which halves a start.

    `make` writes it where there is none for these jars and this Java; only one process does, the others wait.
    """
    folder = fetch().parent
    machine = hashlib.sha256(str(Path(java() or "").resolve()).encode()).hexdigest()[:8]
    path = folder / f"classes-{machine}.jsa"
    if path.is_file():
        return path
    with _locked(folder):
        if not path.is_file():
            unfinished = path.with_suffix(".unfinished")
            make(unfinished)
            unfinished.rename(path)
    return path


def _folder() -> Path | None:
    pom = DEPLOY / "pom.xml"
    if not pom.is_file():
        return None
    return _CACHE / hashlib.sha256(pom.read_bytes()).hexdigest()[:12] / "libs"


def _copy_dependencies(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise Misconfigured("mvn", "Maven is needed once, to fetch the jars of Apache Kafka")
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        target = Path(unfinished) / "libs"
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={target}")
        ran = subprocess.run(  # noqa: S603  (our own arguments)
            [maven, "-B", "-ntp", "-q", "-f", str(DEPLOY / "pom.xml"), *goal],
            capture_output=True,
            text=True,
            timeout=_FETCH_WITHIN,
            check=False,
        )
        if ran.returncode:
            raise Misconfigured("mvn", f"cannot fetch the jars of Apache Kafka: {ran.stdout[-600:].strip()}")
        target.rename(folder)  # all of them or none


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
