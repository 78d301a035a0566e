"""What several readers share is worked out once: a function of frozen values that remembers its last answers.

Values are told apart by identity, not by what they say: comparing an alert would cost as much as writing it.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def once(function: Callable[P, R], *, most: int = 256) -> Callable[P, R]:
    """Return ``function`` with its last ``most`` answers remembered; its arguments never change.

    The arguments of an answer are held with it, so that no other value takes over their identity.
    """
    answers: OrderedDict[tuple[int, ...], tuple[Any, R]] = OrderedDict()

    def remembered(*arguments: P.args, **named: P.kwargs) -> R:
        key = tuple(map(id, (*arguments, *named.values())))
        found = answers.get(key)
        if found is None:
            found = answers[key] = ((arguments, named), function(*arguments, **named))
            if len(answers) > most:
                answers.popitem(last=False)
        return found[1]

    return remembered
