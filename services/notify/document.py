"""What one reader is told, as data: built once, written as plain text, as HTML or as a page.

The seven parts stand here in their order; the writers decide nothing but form, so the text part, the HTML
part and the pages cannot say different things. Words of the sender carry their own language.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from markupsafe import Markup, escape

from services.notify.typography import colon, quoted

_INLINE_AT_MOST: Final = 240  # characters: a longer list is printed one item to the line


@dataclass(frozen=True, slots=True)
class Word:
    """A run of text within a line; `language` only where it is not the document's."""

    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One or more whole sentences; `kind` names its place for a style sheet (`tlp`, `status`, `mark`)."""

    words: tuple[Word, ...]
    kind: str = "line"

    @property
    def text(self) -> str:
        """The line without its markup."""
        return "".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list under its lead ("Substances found")."""

    lead: str
    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the sender, unchanged; a translation (`original` False) gets no quotation marks."""

    text: str
    language: str
    original: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: what it is about, and a cell for each heading."""

    head: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Facts side by side (before and now)."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An address and what it is for; `button` for the one thing that is asked of the reader."""

    label: str
    url: str
    button: bool = False


Block = Line | Bullets | Quote | Table | Link


@dataclass(frozen=True, slots=True)
class Part:
    """One heading and what stands under it; `code` is the code of `heading` in the terms."""

    code: str
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole message: label and status, the header line, what stands under it, the parts, the last line."""

    language: str
    subject: str
    severity: str | None  # the word `critical` ... `info`, for a style; None where none is shown
    top: tuple[Line, ...]
    header: Line
    under: tuple[Block, ...]
    parts: tuple[Part, ...]
    bottom: tuple[Line, ...]


_NOTHING: Final = Markup("")
PLAIN: Final[Mapping[str, str]] = MappingProxyType({})


def line(*words: str | Word, kind: str = "line") -> Line:
    """Return a line of plain strings and words."""
    return Line(tuple(Word(word) if isinstance(word, str) else word for word in words), kind)


def to_text(document: Document) -> str:
    """Return the plain text; lines end in LF and are not wrapped, so that a reader's window does it."""
    lines = [each.text for each in document.top]
    lines.append(document.header.text)
    for block in document.under:
        lines += block_text(block, document.language)
    for part in document.parts:
        lines.append(part.heading.upper())
        for block in part.blocks:
            lines += block_text(block, document.language)
    lines += [each.text for each in document.bottom]
    return "\n".join(lines) + "\n"


def block_text(block: Block, language: str) -> list[str]:
    """Return the lines of one block."""
    match block:
        case Line():
            return [block.text]
        case Link():
            return [f"{block.label}{colon(language)} {block.url}"]
        case Quote():
            text = quoted(block.text, block.language) if block.original else block.text
            return [f"  > {each}".rstrip() for each in text.split("\n")]
        case Bullets():
            return _bullets_text(block, language)
        case Table():
            return [_row_text(block, row, language) for row in block.rows]


def to_html(document: Document, *, styles: Mapping[str, str] = PLAIN) -> Markup:
    """Return the fragment that goes into a body: one `h1`, an `h2` for each part.

    Every element has a class (`relay-tlp`, `relay-h2` ...); `styles` gives some of them an inline style,
    which mail needs and a page with a style sheet does not.
    """
    out = [line_html(each, styles=styles) for each in document.top]
    severity = f" relay-{document.severity}" if document.severity else ""
    style = styles.get(document.severity or "h1", styles.get("h1", ""))
    out.append(_element("h1", "h1" + severity, _words_html(document.header), style=style))
    out += [block_html(block, language=document.language, styles=styles) for block in document.under]
    out += [part_html(part, language=document.language, styles=styles) for part in document.parts]
    out += [line_html(each, styles=styles) for each in document.bottom]
    return Markup("\n").join(out)


def part_html(part: Part, *, language: str, styles: Mapping[str, str] = PLAIN) -> Markup:
    """Return one part: its heading and its blocks."""
    out = [_element("h2", "h2", escape(part.heading), style=styles.get("h2", ""))]
    out += [block_html(block, language=language, styles=styles) for block in part.blocks]
    return Markup("\n").join(out)


def block_html(block: Block, *, language: str, styles: Mapping[str, str] = PLAIN) -> Markup:
    """Return the HTML of one block; everything in it is escaped."""
    match block:
        case Line():
            return line_html(block, styles=styles)
        case Link():
            return _link_html(block, language, styles)
        case Quote():
            return _quote_html(block, styles)
        case Bullets():
            return _bullets_html(block, language, styles)
        case Table():
            return _table_html(block, styles)


def line_html(each: Line, *, styles: Mapping[str, str] = PLAIN) -> Markup:
    """Return one paragraph."""
    return _element("p", each.kind, _words_html(each), style=styles.get(each.kind, ""))


def _bullets_text(block: Bullets, language: str) -> list[str]:
    lead = block.lead + colon(language)
    inline = " ".join(item.text for item in block.items)
    if len(block.items) == 1 or len(lead) + len(inline) < _INLINE_AT_MOST:
        return [f"{lead} {inline}"]
    return [lead, *(f"  - {item.text}" for item in block.items)]


def _row_text(table: Table, row: Row, language: str) -> str:
    cells = (
        f"{heading}{colon(language)} {_stopped(cell)}"
        for heading, cell in zip(table.headings, row.cells, strict=True)
    )
    return "  ".join(("", _stopped(row.head), *cells))


def _stopped(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."


def _words_html(each: Line) -> Markup:
    return Markup("").join(_word_html(word) for word in each.words)


def _word_html(word: Word) -> Markup:
    if word.language is None:
        return escape(word.text)
    return Markup('<span lang="{}">{}</span>').format(word.language, word.text)


def _element(tag: str, kind: str, content: Markup, *, style: str, attributes: Markup = _NOTHING) -> Markup:
    names = " ".join(name if name.startswith("relay-") else f"relay-{name}" for name in kind.split())
    styled = Markup(' style="{}"').format(style) if style else _NOTHING
    return Markup('<{0} class="{1}"{2}{3}>{4}</{0}>').format(tag, names, attributes, styled, content)


def _link_html(block: Link, language: str, styles: Mapping[str, str]) -> Markup:
    kind = "button" if block.button else "link"
    href = Markup(' href="{}"').format(block.url)
    anchor = _element("a", kind, escape(block.label), style=styles.get(kind, ""), attributes=href)
    if block.button:  # the whole address in text beside it: a button alone cannot be read or copied
        address = _element("p", "url", escape(block.url), style=styles.get("url", ""))
        return _element("p", "action", anchor, style=styles.get("action", "")) + Markup("\n") + address
    bare = _element("a", kind, escape(block.url), style=styles.get(kind, ""), attributes=href)
    text = escape(f"{block.label}{colon(language)} ")
    return _element("p", "line", text + bare, style=styles.get("line", ""))


def _quote_html(block: Quote, styles: Mapping[str, str]) -> Markup:
    text = quoted(block.text, block.language) if block.original else block.text
    inner = Markup("<br>\n").join(escape(each) for each in text.split("\n"))
    language = Markup(' lang="{}"').format(block.language)
    return _element("blockquote", "quote", inner, style=styles.get("quote", ""), attributes=language)


def _bullets_html(block: Bullets, language: str, styles: Mapping[str, str]) -> Markup:
    lead = _element("p", "lead", escape(block.lead + colon(language)), style=styles.get("lead", ""))
    items = (_element("li", "item", _words_html(item), style=styles.get("item", "")) for item in block.items)
    return (
        lead + Markup("\n") + _element("ul", "list", Markup("\n").join(items), style=styles.get("list", ""))
    )


def _table_html(block: Table, styles: Mapping[str, str]) -> Markup:
    cell = Markup(' style="{}"').format(styles["cell"]) if "cell" in styles else Markup("")
    heads = (Markup('<th scope="col"{}>{}</th>').format(cell, each) for each in block.headings)
    top = Markup("<thead><tr><td{}></td>{}</tr></thead>").format(cell, Markup("").join(heads))
    rows = (
        Markup('<tr><th scope="row"{}>{}</th>{}</tr>').format(
            cell, row.head, Markup("").join(Markup("<td{}>{}</td>").format(cell, each) for each in row.cells)
        )
        for row in block.rows
    )
    body = Markup("<tbody>{}</tbody>").format(Markup("\n").join(rows))
    return _element("table", "table", top + body, style=styles.get("table", ""))
