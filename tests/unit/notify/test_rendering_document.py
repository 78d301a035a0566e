"""Text and HTML are written from one document, and neither lets the words of others out of their place."""

from services.notify.document import (
    Bullets,
    Document,
    Line,
    Link,
    Part,
    Quote,
    Row,
    Table,
    Word,
    line,
    to_html,
    to_text,
)


def _document(*blocks: object, language: str = "en") -> Document:
    part = Part("what", "What happened", tuple(blocks))  # type: ignore[arg-type]
    return Document(
        language=language,
        subject="subject",
        severity="high",
        top=(line("TLP:CLEAR", kind="tlp"),),
        header=line("HIGH.", kind="header"),
        under=(),
        parts=(part,),
        bottom=(line("TLP:CLEAR", kind="tlp"),),
    )


def test_headings_are_in_capitals_in_text_and_an_h2_in_html() -> None:
    document = _document(line("One."))
    assert to_text(document) == "TLP:CLEAR\nHIGH.\nWHAT HAPPENED\nOne.\nTLP:CLEAR\n"
    assert '<h2 class="relay-h2">What happened</h2>' in to_html(document)


def test_there_is_one_h1_with_the_class_of_the_level() -> None:
    html = to_html(_document())
    assert html.count("<h1") == 1
    assert '<h1 class="relay-h1 relay-high">HIGH.</h1>' in html


def test_a_short_list_stands_in_one_line_and_a_long_one_in_several() -> None:
    short = Bullets("Found", (line("a."), line("b.")))
    long = Bullets("Found", tuple(line("x" * 90 + ".") for _ in range(3)))
    assert "Found: a. b.\n" in to_text(_document(short))
    assert "Found:\n  - xxx" in to_text(_document(long))


def test_a_quotation_is_marked_and_carries_its_language() -> None:
    quote = Quote("Primera línea\nsegunda", "es")
    assert "  > «Primera línea\n  > segunda»\n" in to_text(_document(quote))
    assert '<blockquote class="relay-quote" lang="es">' in to_html(_document(quote))


def test_a_translation_gets_no_quotation_marks() -> None:
    assert "  > No consumir.\n" in to_text(_document(Quote("No consumir.", "es", original=False)))


def test_a_table_has_headings_with_a_scope_and_a_line_for_each_row() -> None:
    table = Table(("Before", "Now"), (Row("Deaths", ("1 death", "no deaths reported")),))
    assert "  Deaths.  Before: 1 death.  Now: no deaths reported.\n" in to_text(_document(table))
    html = to_html(_document(table))
    assert '<th scope="col">Before</th>' in html
    assert '<th scope="row">Deaths</th><td>1 death</td>' in html


def test_a_button_has_its_whole_address_in_text_beside_it() -> None:
    html = to_html(_document(Link("Acknowledge", "https://relay.example.org/a/t", button=True)))
    assert '<a class="relay-button" href="https://relay.example.org/a/t">Acknowledge</a>' in html
    assert '<p class="relay-url">https://relay.example.org/a/t</p>' in html


def test_a_french_link_has_a_space_before_its_colon() -> None:
    assert "Lire\u00a0: https://x.example" in to_text(
        _document(Link("Lire", "https://x.example"), language="fr")
    )


def test_markup_in_the_words_of_others_is_text() -> None:
    hostile = '<script>alert("1")</script>'
    blocks = (
        Line((Word(hostile, "es"),)),
        Quote(hostile, "es"),
        Bullets(hostile, (line(hostile),)),
        Table((hostile,), (Row(hostile, (hostile,)),)),
        Link(hostile, hostile),
    )
    html = to_html(_document(*blocks))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 7
