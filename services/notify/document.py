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
    writer = _Writer(document.language, styles)
    out = [writer.line(each) for each in document.top]
    out.append(writer.heading(document))
    out += [writer.block(block) for block in document.under]
    out += writer.parts(document)
    out += [writer.line(each) for each in document.bottom]
    return Markup("\n".join(out))  # noqa: S704  # every text in it went through `_safe`


def parts_html(document: Document) -> Markup:
    """Return the parts alone, without what stands above and below them."""
    out = _Writer(document.language, PLAIN).parts(document)
    return Markup("\n".join(out))  # noqa: S704  # likewise


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes HTML as plain strings: building it of `Markup` costs three times the rest of an email."""

    language: str
    styles: Mapping[str, str]

    def heading(self, document: Document) -> str:
        level = document.severity
        style = self.styles.get(level or "h1", self.styles.get("h1", ""))
        return _element("h1", f"h1 relay-{level}" if level else "h1", _words(document.header), style=style)

    def parts(self, document: Document) -> list[str]:
        out = []
        for part in document.parts:
            out.append(self.element("h2", "h2", _safe(part.heading)))
            out += [self.block(block) for block in part.blocks]
        return out

    def element(self, tag: str, kind: str, content: str, attributes: str = "") -> str:
        return _element(tag, kind, content, style=self.styles.get(kind, ""), attributes=attributes)

    def line(self, each: Line) -> str:
        return self.element("p", each.kind, _words(each))

    def block(self, block: Block) -> str:
        match block:
            case Line():
                return self.line(block)
            case Link():
                return self.link(block)
            case Quote():
                return self.quote(block)
            case Bullets():
                return self.bullets(block)
            case Table():
                return self.table(block)

    def link(self, block: Link) -> str:
        href = f' href="{_safe(block.url)}"'
        if block.button:  # the whole address in text beside it: a button alone cannot be read or copied
            anchor = self.element("a", "button", _safe(block.label), href)
            return f"{self.element('p', 'action', anchor)}\n{self.element('p', 'url', _safe(block.url))}"
        anchor = self.element("a", "link", _safe(block.url), href)
        return self.element("p", "line", f"{_safe(block.label + colon(self.language))} {anchor}")

    def quote(self, block: Quote) -> str:
        text = quoted(block.text, block.language) if block.original else block.text
        inner = "<br>\n".join(_safe(each) for each in text.split("\n"))
        return self.element("blockquote", "quote", inner, f' lang="{_safe(block.language)}"')

    def bullets(self, block: Bullets) -> str:
        lead = self.element("p", "lead", _safe(block.lead + colon(self.language)))
        items = "\n".join(self.element("li", "item", _words(item)) for item in block.items)
        return f"{lead}\n{self.element('ul', 'list', items)}"

    def table(self, block: Table) -> str:
        cell = f' style="{_safe(self.styles["cell"])}"' if "cell" in self.styles else ""
        heads = "".join(f'<th scope="col"{cell}>{_safe(each)}</th>' for each in block.headings)
        rows = "\n".join(_row_html(row, cell) for row in block.rows)
        top = f"<thead><tr><td{cell}></td>{heads}</tr></thead>"
        return self.element("table", "table", f"{top}<tbody>{rows}</tbody>")


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


def _row_html(row: Row, cell: str) -> str:
    cells = "".join(f"<td{cell}>{_safe(each)}</td>" for each in row.cells)
    return f'<tr><th scope="row"{cell}>{_safe(row.head)}</th>{cells}</tr>'


def _words(each: Line) -> str:
    return "".join(
        f'<span lang="{_safe(word.language)}">{_safe(word.text)}</span>'
        if word.language
        else _safe(word.text)
        for word in each.words
    )


def _element(tag: str, kind: str, content: str, *, style: str, attributes: str = "") -> str:
    styled = f' style="{_safe(style)}"' if style else ""
    return f'<{tag} class="relay-{kind}"{attributes}{styled}>{content}</{tag}>'


def _safe(text: str) -> str:
    return str(escape(text))
