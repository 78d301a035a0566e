"""The words of the pages: complete in four languages, and every one that a page asks for."""

import csv
import re
from importlib.resources import files

from services.notify.pages.words import LANGUAGES, code_letter, load_words

_PAGES = files("services.notify.pages")
_TEMPLATES = ("base", "answer", "answer_form", "alert", "sign_in", "message", "list")


def _rows() -> list[dict[str, str]]:
    text = _PAGES.joinpath("words.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_word_is_there_in_every_language_with_the_same_values() -> None:
    for row in _rows():
        values = {tuple(sorted(set(re.findall(r"\{\w+\}", row[language])))) for language in LANGUAGES}
        assert all(row[language].strip() for language in LANGUAGES), row["code"]
        assert len(values) == 1, row["code"]


def test_every_word_that_a_template_asks_for_exists() -> None:
    words = load_words()
    asked = {
        name
        for template in _TEMPLATES
        for name in re.findall(
            r"""words\(["']([\w.]+)["'][,)]""",
            _PAGES.joinpath("templates", f"{template}.html").read_text(encoding="utf-8"),
        )
    }
    assert len(asked) > 15
    for name in asked:
        for language in LANGUAGES:
            assert words.say(language, name)


def test_the_mail_of_a_code_says_it_in_its_text_only() -> None:
    for language in LANGUAGES:
        subject, text = code_letter(load_words(), code="01234567", language=language, minutes=10)
        assert "01234567" in text
        assert "0" not in subject
