"""From bytes to an alert, or to every fault with its place. Pure: the clock is an argument.

What cannot be read at all is 400: not UTF-8, not JSON, nested too deep. What can be read and is refused is 422
with a JSON Pointer per fault: keys given twice, NUL, lone surrogates, numbers beyond range, and all that the
contract forbids; so is a structure that is no molecule, for it would hide what the name says. No fault repeats a value
that was sent.
Source: RFC 8259 §8 (UTF-8, no byte order mark), RFC 6901 (pointers).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from math import inf, isfinite
from typing import Any, Final, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.alerts import Alert
from schemas.base import RULES, Broken
from schemas.problems import Fault
from services.ingest.counting import exceeds
from services.reference.drawn import is_inchi, is_smiles

ALERT_BYTES: Final = 1 << 20
DEEPEST: Final = 32  # levels of objects and lists
MOST_VALUES: Final = 20_000  # several times what the longest lists of the contract need
AHEAD: Final = timedelta(minutes=10)  # how far `sent_at` may be ahead of our clock

_MOST_FAULTS = 100
_MOST_POINTER_SEGMENT = 100
_LONGEST_INTEGER = 19  # digits; beyond, no field takes it, and converting takes time

_LENGTHS: Final = {"too_short": ("At least", "min_length"), "too_long": ("At most", "max_length")}
_NO_MOLECULE: Final = "This is no molecule: see to brackets, rings and valences, or leave it out"

# Only with one of these in its bytes can an alert that the contract takes hold NUL or half a character or, in a
# field of the sender's own, too many levels. All others need no walk through every value.
_SUSPICIOUS: Final = (b"\\u", b'"x_')

# Stable codes of the faults that the models' library finds, with words of ours where its own would say more than
# the place and the rule, or less.
_CODES: Final[Mapping[str, tuple[str, str | None]]] = {
    "missing": ("required", "The field is required"),
    "enum": ("not_in_vocabulary", None),
    "literal_error": ("not_in_vocabulary", None),
    "string_type": ("wrong_type", "Write a string"),
    "int_type": ("wrong_type", "Write an integer"),
    "int_from_float": ("wrong_type", "Write an integer"),
    "float_type": ("wrong_type", "Write a number"),
    "bool_type": ("wrong_type", "Write true or false"),
    "tuple_type": ("wrong_type", "Write a list"),
    "dict_type": ("wrong_type", "Write an object"),
    "model_type": ("wrong_type", "Write an object"),
    "model_attributes_type": ("wrong_type", "Write an object"),
    "string_too_short": ("too_short", None),
    "string_too_long": ("too_long", None),
    "too_short": ("too_short", None),
    "too_long": ("too_long", None),
    "greater_than": ("out_of_range", None),
    "greater_than_equal": ("out_of_range", None),
    "less_than": ("out_of_range", None),
    "less_than_equal": ("out_of_range", None),
    "finite_number": ("number_out_of_range", "The number is too large"),
    "string_unicode": ("lone_surrogate", "The text holds half a character"),
}


class InvalidAlert(Exception):
    """The alert is refused with `status` 400, 413 or 422; `faults` are up to 100, in the order of the fields."""

    def __init__(self, faults: Sequence[Fault], status: int) -> None:
        """Keep the faults; there is at least one."""
        super().__init__(", ".join(sorted({fault.code for fault in faults})))
        self.faults = tuple(faults)
        self.status = status


class _Repeating(dict[str, Any]):
    """An object in which keys were given twice; the later value stands, as in every reader."""

    repeated: tuple[str, ...] = ()


def parse_alert(body: bytes, *, now: datetime) -> Alert:
    """Return the alert that `body` holds. Raises `InvalidAlert`."""
    if len(body) > ALERT_BYTES:
        _refuse(413, "", "too_large", "An alert is at most 1 MiB")
    if exceeds(body, MOST_VALUES):
        _refuse(413, "", "too_many_values", f"An alert holds at most {MOST_VALUES} values")
    if not any(mark in body for mark in _SUSPICIOUS):
        with suppress(ValueError, RecursionError):  # what is wrong is told below, with all else that is
            return _checked(Alert.model_validate(_plain.decode(body.decode())), now=now)
    return alert_from_json(read_body(body), now=now)


def read_body(body: bytes) -> Any:
    """Return the JSON value of `body`, with what was wrong in it marked for `alert_from_json`.

    Raises `InvalidAlert` 400 for what is not JSON in UTF-8.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(400, "", "not_utf8", "The body is not UTF-8")
    if text.startswith("\ufeff"):
        _refuse(400, "", "byte_order_mark", "Leave out the byte order mark")
    try:
        return _marking.decode(text)
    except RecursionError:
        _refuse(400, "", "too_deep", f"At most {DEEPEST} levels")
    except ValueError:
        _refuse(400, "", "not_json", "The body is not JSON")


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    marked = _Repeating(found)
    marked.repeated = tuple(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return marked


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else inf


def _beyond(_digits: str) -> float:
    return inf


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


_marking: Final = json.JSONDecoder(object_pairs_hook=_marked, parse_int=_integer, parse_constant=_beyond)
# For what has nothing to mark: no field of the contract takes the infinities that the two hooks make.
_plain: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=_integer, parse_constant=_beyond)


def alert_from_json(value: Any, *, now: datetime) -> Alert:
    """Return the alert that a JSON value of `read_body` states; pointers begin at `value`.

    Raises `InvalidAlert`.
    """
    if not isinstance(value, dict):
        _refuse(422, "", "wrong_type", "An alert is an object")
    faults = [*islice(_unreadable(value), _MOST_FAULTS)]
    if faults:
        too_deep = any(fault.code == "too_deep" for fault in faults)
        raise InvalidAlert(faults, 400 if too_deep else 422)
    try:
        alert = Alert.model_validate(value)
    except ValidationError as found:
        errors = found.errors(include_input=False, include_url=False)
        every = (one for error in errors for one in _faults(error))
        raise InvalidAlert([*islice(every, _MOST_FAULTS)], 422) from None
    return _checked(alert, now=now)


def _checked(alert: Alert, *, now: datetime) -> Alert:
    """Return an alert that holds by itself, if it does so at this time and its structures are of molecules."""
    faults = [*islice(_unlikely(alert, now=now), _MOST_FAULTS)]
    if faults:
        raise InvalidAlert(faults, 422)
    return alert


def _unlikely(alert: Alert, *, now: datetime) -> Iterator[Fault]:
    if alert.sent_at > now + AHEAD:
        yield _fault(("sent_at",), "sent_in_future", "Sending lies ahead of the relay's clock")
    for number, finding in enumerate(alert.findings):
        for place, substance in enumerate(finding.substances):
            at = ("findings", number, "substances", place)
            if substance.smiles is not None and not is_smiles(substance.smiles):
                yield _fault((*at, "smiles"), "smiles_form", _NO_MOLECULE)
            if substance.inchi is not None and not is_inchi(substance.inchi):
                yield _fault((*at, "inchi"), "inchi_form", _NO_MOLECULE)


def pointer(place: Sequence[str | int]) -> str:
    """Return the JSON Pointer of `place`; what cannot be sent back is replaced, long keys are cut."""
    return "".join(f"/{_segment(part)}" for part in place)


def _segment(part: str | int) -> str:
    cut = str(part)[:_MOST_POINTER_SEGMENT]
    return cut.encode("utf-8", "replace").decode().replace("~", "~0").replace("/", "~1")


def _unreadable(value: Any) -> Iterator[Fault]:
    """Yield what JSON allows and we do not, found without recursion: it may be nested as deep as it likes."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            yield from _bad_text(one, place)
        elif isinstance(one, float):
            if not isfinite(one):
                yield _fault(place, "number_out_of_range", "NaN, infinite or too large")
        elif isinstance(one, dict | list):
            if len(place) >= DEEPEST:
                yield _fault(place[:DEEPEST], "too_deep", f"At most {DEEPEST} levels")
                return
            if isinstance(one, dict):
                yield from _bad_keys(one, place)
                waiting.extend(((*place, key), item) for key, item in reversed(one.items()))
            else:
                waiting.extend(((*place, index), one[index]) for index in reversed(range(len(one))))


def _bad_keys(one: dict[str, Any], place: tuple[str | int, ...]) -> Iterator[Fault]:
    if isinstance(one, _Repeating):
        for key in one.repeated:
            yield _fault((*place, key), "duplicate_key", "The key is given more than once")
    for key in one:
        yield from _bad_text(key, (*place, key))


def _bad_text(text: str, place: tuple[str | int, ...]) -> Iterator[Fault]:
    if text.isascii():
        if "\0" in text:
            yield _fault(place, "nul_character", "NUL is not allowed")
        return
    if "\0" in text:
        yield _fault(place, "nul_character", "NUL is not allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        yield _fault(place, "lone_surrogate", "The text holds half a character")


def _faults(error: ErrorDetails) -> Iterator[Fault]:
    place = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == RULES:
        broken: Sequence[Broken] = error["ctx"]["broken"]
        for one in broken:
            yield _fault((*place, *one.at), one.code, one.detail)
        return
    code, detail = _CODES.get(error["type"], (error["type"], None))
    words, bound = _LENGTHS.get(error["type"], ("", ""))
    if bound in error.get("ctx", {}):  # of a list: the library would call it a tuple
        detail = f"{words} {error['ctx'][bound]} entries"
    yield _fault(place, code, detail or error["msg"])


def _fault(place: Sequence[str | int], code: str, detail: str) -> Fault:
    return Fault(pointer=pointer(place), code=code, detail=detail)


def _refuse(status: int, at: str, code: str, detail: str) -> NoReturn:
    raise InvalidAlert([Fault(pointer=at, code=code, detail=detail)], status)
