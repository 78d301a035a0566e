"""What every part is told from, and the small forms that they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.alerts import Alert
from services.notify.document import Block, Line, Part, Quote, Word
from services.notify.letters import Letter
from services.notify.named import Found, short_name
from services.notify.typography import capital, colon, lowered, one_line, paragraphs, sentence
from services.notify.voice import Voice

Words = Sequence[str | Word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One letter with content, the voice to tell it in, and which findings are told (gravest first)."""

    letter: Letter
    alert: Alert
    voice: Voice
    found: tuple[Found, ...]  # every substance in the order given
    gravest: tuple[Found, ...]  # what was found, each once, the one that decided the severity first
    shown: tuple[int, ...]  # positions of findings
    on_page: bool  # all of it, with the ids of rules; an email is short
    reason_given: bool  # the summary is told as the reason of a change, and not again

    @property
    def foreign(self) -> bool:
        """Whether the sender writes in another language than the reader reads."""
        return self.alert.language.value != self.voice.language

    @property
    def language(self) -> str:
        """The sender's language."""
        return self.alert.language.value

    @property
    def left(self) -> int:
        """How many findings are only on the page."""
        return len(self.alert.findings) - len(self.shown)

    def part(self, code: str, blocks: Iterable[Block]) -> Part:
        """Return a part under its heading."""
        return Part(code, self.voice.say("heading", code), tuple(blocks))

    def called(self, reported: str) -> str:
        """Return the reader's name of a substance that the sender reports under ``reported``."""
        for one in self.found:
            if one.substance.name == reported:
                return short_name(one, self.voice, language=self.language)
        return one_line(reported)

    def original_mark(self) -> str:
        """Return `(Original text in Spanish)`, empty where it is the reader's language."""
        return f"({self.voice.original_in(self.language)})" if self.foreign else ""

    def inline_mark(self) -> str:
        """Return the same within a line."""
        return f"({lowered(self.voice.original_in(self.language))})"

    def quote(self, text: str) -> Quote:
        """Return words of the sender as a quotation."""
        return Quote(paragraphs(text), self.language)

    def own_words(self, code: str, text: str) -> Words:
        """Return `Colour: "white"`, the sender's word marked as such."""
        label = f"{self.voice.say('label', code)}{colon(self.voice.language)} "
        return (label, self.voice.foreign(text, self.language, marked=True), ".")

    def missing(self, code: str, *, group: str = "label") -> str:
        """Return `Place: not stated by the sender.`"""
        return self.voice.label(code, self.voice.not_stated(), group=group)


def prose(parts: Iterable[str | Words], *, kind: str = "line") -> Line:
    """Return one line of sentences, a space between; empty ones are left out."""
    words: list[Word] = []
    for part in parts:
        if not part:
            continue
        if words:
            words.append(Word(" "))
        each: Words = (sentence(capital(part)),) if isinstance(part, str) else part
        words += (Word(word) if isinstance(word, str) else word for word in each)
    return Line(tuple(words), kind)
