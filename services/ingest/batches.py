"""A batch, cut into its alerts without parsing them into one big object.

Each alert keeps its own bytes, so that the parser of a single alert sees exactly what was sent: duplicate
keys, NaN and all. Pure.
"""

import json
import re

from services.ingest.counting import exceeds

MOST = 500
MOST_VALUES = 500_000  # a thousand for each alert

_BLANK = re.compile(r"[ \t\r\n]*")
_OPENING = re.compile(r'[ \t\r\n]*\{[ \t\r\n]*"alerts"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_CLOSING = re.compile(r"\][ \t\r\n]*\}[ \t\r\n]*")
_decoder = json.JSONDecoder(parse_int=str, parse_float=str)  # only the end of a value is asked for


class NotABatch(Exception):
    """The body is not `{"alerts": [...]}` with one alert or more: `code` says why.

    not_json, wrong_form, too_many (alerts) or too_many_values.
    """

    def __init__(self, code: str) -> None:
        """Keep the code of the fault."""
        super().__init__(code)
        self.code = code


def split(body: bytes) -> list[bytes]:
    """Return the JSON text of each alert, in order; raises `NotABatch`."""
    if exceeds(body, MOST_VALUES):
        raise NotABatch("too_many_values")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise NotABatch("not_json") from fault
    opening = _OPENING.match(text)
    if opening is None:
        raise NotABatch(_why(text))
    alerts: list[bytes] = []
    place = opening.end()
    while not text.startswith("]", place):
        end = _end_of_value(text, place)
        alerts.append(text[place:end].encode())
        if len(alerts) > MOST:
            raise NotABatch("too_many")
        place = _skip(text, end)
        if text.startswith(",", place):
            place = _skip(text, place + 1)
            if text.startswith("]", place):
                raise NotABatch("not_json")
        elif not text.startswith("]", place):
            raise NotABatch("not_json")
    if _CLOSING.fullmatch(text, place) is None:
        raise NotABatch(_why(text))
    if not alerts:
        raise NotABatch("wrong_form")
    return alerts


def _end_of_value(text: str, place: int) -> int:
    try:
        return _decoder.raw_decode(text, place)[1]
    except (ValueError, RecursionError) as fault:
        raise NotABatch("not_json") from fault


def _skip(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return place if found is None else found.end()


def _why(text: str) -> str:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "not_json"
    return "wrong_form"
