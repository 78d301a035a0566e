"""Put the tables of another version of the catalogue where the relay keeps its data."""

import filecmp
import re
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from services.reference.tables import DATA, table

_FORM: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}")
_KINDS: Final = ("*.csv", "*.json")


def install(tables: Path, *, version: str, into: Path) -> Path:
    """Copy the tables of `version` below `into`, all or none; return their directory.

    What `tables` leaves out is copied from the package, so that a later package does not change the version.

    Raises ValueError for a version that cannot name a directory, FileExistsError where the same version is
    there with other tables. OSError of the file system passes.
    """
    if not _FORM.fullmatch(version):
        raise ValueError("the version is not of letters, digits, dots and hyphens, at most 40")
    target = into / version
    names = {file.name for place in (DATA, tables) for kind in _KINDS for file in place.glob(kind)}
    if target.is_dir():
        if not all(_same(table(tables, name), target / name) for name in names):
            raise FileExistsError(target)
        return target
    into.mkdir(parents=True, exist_ok=True)
    being_made = Path(mkdtemp(prefix=".", dir=into))
    try:
        for name in names:
            shutil.copyfile(table(tables, name), being_made / name)
        being_made.chmod(0o755)
        being_made.rename(target)
    finally:
        shutil.rmtree(being_made, ignore_errors=True)
    return target


def _same(one: Path, other: Path) -> bool:
    return other.exists() and filecmp.cmp(one, other, shallow=False)
