"""One fact that changed between two versions of an alert, and how two values are held side by side."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]

OTHER: Final = (
    "other"  # a particular that a letter does not print: an API shows it, a letter says that one changed
)
TEXT: Final = "text"  # the sender's own text, which stands in the message as it is now


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One fact that changed; None where it was not there before, or is no more.

    `label` says what kind of fact: `harm.deaths`, `substance`, `confirmation`, `purity`, `date.detected_at`,
    `product.colour`, `shipment.origin`, `sold_as`, `event_types` ..., `text` or `other`.
    `about` is the substance's name, and the links to the product of a harm before and after.
    """

    pointer: str
    before: Value
    after: Value
    label: str
    about: tuple[str | None, ...] = ()


def differs(
    sides: Iterable[Value], pointer: str, label: str, *, about: tuple[str | None, ...] = ()
) -> Iterator[Change]:
    """Yield the change where the two ``sides``, before and after, are not equal; an empty list is no value."""
    old, new = (None if each == [] else each for each in sides)
    if old != new:
        yield Change(pointer=pointer, before=old, after=new, label=label, about=about)


def names(words: Sequence[str]) -> list[Value]:
    """Return words of a vocabulary in an order of their own: another order is no change."""
    return list[Value](sorted(words))


def dumped(value: BaseModel | None) -> Value:
    """Return a block as JSON has it, without what it leaves to its defaults."""
    written: Value = None if value is None else value.model_dump(mode="json", exclude_defaults=True)
    return written


def text(value: object) -> str | None:
    """Return a value as its text."""
    return None if value is None else str(value)
