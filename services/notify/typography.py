"""How each of the four languages is set: colons, quotation marks, decimal commas, sentence ends.

Also the one place where words of others are made fit to stand in a line: no control character, no line
break and no change of writing direction gets through, so none can forge a line, a heading or a header.
"""

import re
import unicodedata
from typing import Final

NBSP: Final = "\u00a0"  # before a French colon and inside French quotation marks

_QUOTES: Final = {
    "en": ("\u201c", "\u201d"),
    "es": ("\u00ab", "\u00bb"),
    "fr": ("\u00ab" + NBSP, NBSP + "\u00bb"),
    "pt": ("\u201c", "\u201d"),
}
_MARKS: Final = {"en": (",", ".", 4), "es": (NBSP, ",", 5), "fr": (NBSP, ",", 5), "pt": (".", ",", 4)}
_SPACES: Final = re.compile(r"[\s\u00a0]+")
_ENDS: Final = (".", "!", "?", "\u2026")


def colon(language: str) -> str:
    """Return the colon as it follows a word."""
    return NBSP + ":" if language == "fr" else ":"


def semicolon(language: str) -> str:
    """Return the semicolon as it follows a word."""
    return NBSP + ";" if language == "fr" else ";"


def quoted(text: str, language: str) -> str:
    """Return ``text`` in the quotation marks of its own language."""
    opening, closing = _QUOTES.get(language, _QUOTES["en"])
    return f"{opening}{text}{closing}"


def sentence(text: str) -> str:
    """Return ``text`` with one full stop, unless it ends as a sentence already."""
    return text if text.endswith(_ENDS) else text + "."


def capital(text: str) -> str:
    """Return ``text`` with its first letter raised and the rest as it is."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """Return ``text`` as it stands within a sentence: abbreviations and codes keep their capitals."""
    plain = len(text) > 1 and text[0].isupper() and (text[1].islower() or text[1] == " ")
    return text[0].lower() + text[1:] if plain else text


def number(value: float, language: str) -> str:
    """Return a number with the marks of the language; Spanish groups by a space, which no one misreads."""
    thousands, decimal, grouped_from = _MARKS.get(language, _MARKS["en"])
    whole, _, fraction = format(value, "f" if value == int(value) else ".10g").partition(".")
    fraction = fraction.rstrip("0")
    if len(whole) >= grouped_from:
        whole = f"{int(whole):,}".replace(",", thousands)
    return whole + (decimal + fraction if fraction else "")


def one_line(text: str) -> str:
    """Return the words of others as one run: no control, no line break, no invisible mark of direction."""
    if text.isprintable():  # neither controls nor marks of direction: nearly every text
        return " ".join(text.split())
    return _SPACES.sub(" ", "".join(_harmless(character) for character in text)).strip()


def paragraphs(text: str) -> str:
    """Return the words of others with their line breaks as LF, at most one empty line in a row."""
    lines = [one_line(each) for each in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    kept = [each for at, each in enumerate(lines) if each or (at and lines[at - 1])]
    return "\n".join(kept).strip("\n")


def _harmless(character: str) -> str:
    # Cc: controls, CR, LF; Cf: direction marks and zero-width; Zl, Zp: breaks that are not LF; Cs: surrogates
    if character == "\u00ad" or unicodedata.category(character) in ("Cf", "Cs"):
        return ""
    return " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
