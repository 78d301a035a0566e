"""What several readers share is worked out once: a function of frozen values that remembers its last answers.

Values are told apart by identity, not by what they say: comparing an alert would cost as much as writing it.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def once(
    function: Callable[P, R],
    *,
    most: int = 256,
    most_bytes: int = 4 * 2**20,
    weigh: Callable[[R], int] = lambda _: 0,
) -> Callable[P, R]:
    """Return ``function`` with its last ``most`` answers remembered; its arguments never change.

    The arguments of an answer are held with it, so that no other value takes over their identity. By ``weigh``
    all answers together are ``most_bytes`` at most: an alert may be a thousand times as long as another.
    """
    answers: OrderedDict[tuple[int, ...], tuple[Any, R, int]] = OrderedDict()
    total = 0

    def remembered(*arguments: P.args, **named: P.kwargs) -> R:
        nonlocal total
        key = tuple(map(id, (*arguments, *named.values())))
        found = answers.get(key)
        if found is None:
            answer = function(*arguments, **named)
            found = answers[key] = ((arguments, named), answer, weigh(answer))
            total += found[2]
            while len(answers) > most or total > most_bytes:
                total -= answers.popitem(last=False)[1][2]
        return found[1]

    return remembered
