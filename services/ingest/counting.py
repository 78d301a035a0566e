"""How many values a JSON text may hold, told before anything is built of it.

What is sent is bounded in bytes, but a byte costs more where each second one is a value: a million of zeros is
walked, converted and judged one by one, while every other caller waits. Pure.
"""

import re

# A string, escapes and all; possessive, so that no text makes it try twice.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def exceeds(body: bytes, most: int) -> bool:
    """Return whether `body` holds more than `most` values, of any kind and at any depth; names are not counted.

    A value stands first in its list or object, or after a comma. What is no JSON may be counted wrongly.
    """
    if _signs(body) < most:  # commas in prose counted too, and still too few
        return False
    return _signs(_STRING.sub(b'""', body)) >= most


def _signs(body: bytes) -> int:
    """Return how many signs there are that a value follows; the outermost value follows none."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")
