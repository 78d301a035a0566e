"""Put the tables of another version of the catalogue where the relay keeps its data."""

import filecmp
import re
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

_FORM: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}")
_KINDS: Final = ("*.csv", "*.json")


def install(tables: Path, *, version: str, into: Path) -> Path:
    """Copy the tables of `version` below `into`, all or none; return their directory.

    Raises ValueError for a version that cannot name a directory, FileExistsError where the same version is
    there with other tables. OSError of the file system passes.
    """
    if not _FORM.fullmatch(version):
        raise ValueError("the version is not of letters, digits, dots and hyphens, at most 40")
    target = into / version
    names = [file.name for kind in _KINDS for file in sorted(tables.glob(kind))]
    if target.is_dir():
        _, differing, absent = filecmp.cmpfiles(tables, target, names, shallow=False)
        if differing or absent:
            raise FileExistsError(target)
        return target
    into.mkdir(parents=True, exist_ok=True)
    being_made = Path(mkdtemp(prefix=".", dir=into))
    try:
        for name in names:
            shutil.copyfile(tables / name, being_made / name)
        being_made.chmod(0o755)
        being_made.rename(target)
    finally:
        shutil.rmtree(being_made, ignore_errors=True)
    return target
