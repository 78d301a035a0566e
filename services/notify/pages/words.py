"""The words of the pages in four languages: the relay's terms and, beside this module, the pages' own."""

import csv
import io
from collections.abc import Callable, Mapping
from importlib.resources import files

from starlette.requests import Request

LANGUAGES = ("en", "es", "fr", "pt")
NAMES = (("en", "English"), ("es", "Español"), ("fr", "Français"), ("pt", "Português"))  # each in itself
_TERMS = (("services.reference", "data/terms.csv"), ("services.notify.pages", "words.csv"))

Say = Callable[..., str]


class Words:
    """Texts by `group.code`; every one in every language."""

    def __init__(self, texts: Mapping[tuple[str, str], str]) -> None:
        """Take the texts by (language, `group.code`)."""
        self._texts = texts

    def say(self, language: str, name: str, **values: object) -> str:
        """Return a text with its values put in; a name that is not there is a fault in the code."""
        text = self._texts[language, name]
        return text.format(**values) if values else text

    def within(self, language: str) -> Say:
        """Return `say` for one language: what templates call `words`."""

        def say(name: str, **values: object) -> str:
            return self.say(language, name, **values)

        return say


def load_words() -> Words:
    """Read both files."""
    texts: dict[tuple[str, str], str] = {}
    for package, name in _TERMS:
        table = files(package).joinpath(name).read_text(encoding="utf-8")
        for row in csv.DictReader(io.StringIO(table)):
            for language in LANGUAGES:
                texts[language, f"{row['group']}.{row['code']}"] = row[language]
    return Words(texts)


def language_of(request: Request, *, known: str | None = None) -> str:
    """Return the language of a page: chosen (`?lang=`), else the recipient's, else the browser's."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    if known in LANGUAGES:
        return str(known)
    for part in request.headers.get("accept-language", "")[:200].split(","):
        code = part.partition(";")[0].strip()[:2].lower()
        if code in LANGUAGES:
            return code
    return "en"


def code_letter(words: Words, *, code: str, language: str, minutes: int) -> tuple[str, str]:
    """Return subject and text of the mail that brings a sign-in code."""
    return (
        words.say(language, "code_mail.subject"),
        words.say(language, "code_mail.text", code=code, minutes=minutes),
    )
