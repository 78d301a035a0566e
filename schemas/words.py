"""A word of a closed vocabulary."""

from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING


class Word(StrEnum):
    """A word; its `value` is read dozens of times for each alert, which by the library's own way takes two calls."""

    if not TYPE_CHECKING:  # to a type checker it is what the library declares
        value = property(attrgetter("_value_"))
