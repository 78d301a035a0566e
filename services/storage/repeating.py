"""What an executor may know of a unit of work: that it may run again, that it is a single statement.

A connection that is lost while it commits leaves two possibilities. A unit that is marked here is run again: its
ids, or the conditions of its updates, absorb what the first run kept. Any other one ends as `Transient`, and whoever
asked decides.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK: Final = "may_run_again"
_SINGLE: Final = "is_one_statement"


def repeatable(unit: F) -> F:
    """Mark a unit of work: run a second time after a commit, it changes nothing more and answers as well."""
    setattr(unit, _MARK, True)
    return unit


def is_repeatable(unit: Callable[..., Any]) -> bool:
    """Return whether `unit`, or the function that it is a `partial` of, is marked."""
    return bool(getattr(_function(unit), _MARK, False))


def one_statement(query: F) -> F:
    """Mark a query of a single statement: it sees one moment by itself, without a transaction around it."""
    setattr(query, _SINGLE, True)
    return query


def is_one_statement(query: Callable[..., Any]) -> bool:
    """Return whether `query`, or the function that it is a `partial` of, is marked."""
    return bool(getattr(_function(query), _SINGLE, False))


def _function(unit: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(unit, partial):
        unit = unit.func
    return unit
