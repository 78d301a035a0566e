"""The HTML part of an email: the document in a shell with its styles, for light and dark screens.

Complete without its styles: nothing remote, no image, no script, no form. Every colour of text has a contrast
of 7:1 or more on its ground (WCAG 2.2 AAA); the level is always a word, never a colour alone.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from schemas.vocabularies import Tlp
from services.notify.document import Document, to_html

INK: Final = "#1B1B1B"
PAPER: Final = "#FFFFFF"
LINK: Final = "#0B4F8A"
SEVERITY: Final = {"critical": "#A4001D", "high": "#8A3B00", "moderate": "#0B4F8A", "info": "#3D3D3D"}
INK_DARK: Final = "#EDEDED"
PAPER_DARK: Final = "#1B1B1B"
SEVERITY_DARK: Final = {"critical": "#FF9AA5", "high": "#FFB878", "moderate": "#8EC7FF", "info": "#D0D0D0"}
LABEL_GROUND: Final = "#000000"  # TLP 2.0: the label's colour on black
LABEL: Final = {
    Tlp.RED: "#FF2B2B",
    Tlp.AMBER: "#FFC000",
    Tlp.AMBER_STRICT: "#FFC000",
    Tlp.GREEN: "#33FF00",
    Tlp.CLEAR: "#FFFFFF",
}

_FONT: Final = "font-family:Arial,Helvetica,sans-serif"
_TEXT: Final = f"{_FONT};font-size:16px;line-height:1.5;color:{INK}"
_STYLES: Final = {
    "status": f"{_TEXT};font-weight:bold;border:2px solid {INK};padding:8px 12px;margin:12px 0",
    "line": f"{_TEXT};margin:8px 0",
    "lead": f"{_TEXT};margin:8px 0 0",
    "mark": f"{_TEXT};font-weight:bold;border-left:4px solid {INK};padding-left:12px;margin:12px 0",
    "list": f"{_TEXT};margin:0 0 8px;padding-left:24px",
    "item": "margin:4px 0",
    "h2": f"{_FONT};font-size:19px;line-height:1.3;color:{INK};border-top:1px solid #767676;"
    "margin:24px 0 8px;padding-top:12px",
    "quote": f"{_TEXT};margin:8px 0 8px 4px;padding-left:12px;border-left:4px solid #767676",
    "table": f"{_TEXT};border-collapse:collapse;width:100%;margin:12px 0",
    "cell": "border:1px solid #767676;padding:6px 8px;text-align:left;vertical-align:top",
    "link": f"color:{LINK};word-break:break-all",
    "url": f"{_TEXT};margin:8px 0;word-break:break-all",
    "action": "margin:16px 0 8px",
    "button": f"{_FONT};display:inline-block;min-height:24px;line-height:24px;padding:12px 24px;font-size:17px;"
    f"font-weight:bold;color:{PAPER};background-color:{LINK};text-decoration:none;border-radius:4px",
}


def email_html(document: Document, *, tlp: Tlp) -> str:
    """Return the whole HTML part, under 100 kB for what an email holds."""
    return _template().render(
        document=document,
        body=to_html(document, styles=styles(tlp)),
        ink_dark=INK_DARK,
        paper_dark=PAPER_DARK,
        severity_dark=SEVERITY_DARK,
        link_dark=SEVERITY_DARK["moderate"],
        ink=INK,
        paper=PAPER,
    )


@cache
def styles(tlp: Tlp) -> Mapping[str, str]:
    """Return the inline style of each kind of element under one label."""
    label = f"{_FONT};font-size:16px;line-height:1.5;font-weight:bold;color:{LABEL[tlp]};"
    heading = f"{_FONT};font-size:22px;line-height:1.3;margin:16px 0 8px"
    return MappingProxyType(
        {
            **_STYLES,
            "tlp": f"{label}background-color:{LABEL_GROUND};padding:8px 12px;margin:0 0 12px",
            "h1": f"{heading};color:{INK}",
            **{level: f"{heading};color:{colour}" for level, colour in SEVERITY.items()},
        }
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("services.notify"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("email.html")
