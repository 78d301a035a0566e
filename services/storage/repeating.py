"""Units of work that may run again where nobody knows whether their commit was kept.

A connection that is lost while it commits leaves two possibilities. A unit that is marked here is run again: its
ids, or the conditions of its updates, absorb what the first run kept. Any other one ends as `Transient`, and whoever
asked decides.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "may_run_again"


def repeatable(unit: F) -> F:
    """Mark a unit of work: run a second time after a commit, it changes nothing more and answers as well."""
    setattr(unit, _MARK, True)
    return unit


def is_repeatable(unit: Callable[..., Any]) -> bool:
    """Return whether `unit`, or the function that it is a `partial` of, is marked."""
    while isinstance(unit, partial):
        unit = unit.func
    return bool(getattr(unit, _MARK, False))
