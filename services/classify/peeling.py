"""Take off a name what does not change what is named: salts, doses, forms, doubt, amounts, methods.

``citrato de fentanilo 0,05 mg/mL solución inyectable``, ``traces of xylazine``, ``fentanyl (présumé)`` and
``nitazenos (tira reactiva)`` are taken off at both ends and out of brackets, in any order and four languages.
The words are data (:mod:`services.reference.words`). A negation is one of them only before a participle:
``não confirmado`` says how sure the sender is, ``no fentanilo`` that it is something else.
"""

import re
from dataclasses import dataclass

from services.reference.names import exact_key
from services.reference.words import Words, singular

_DOTS = re.compile(
    r"[·•∙⋅*×]|(?<=[a-z)]{2})\.(?=[a-z0-9])|(?<=\s)x(?=\s)", re.IGNORECASE
)  # base and its acid
_ELISION = re.compile(r"(?<![a-z0-9])([dl])['’](?=\w)", re.IGNORECASE)
_NUMBER = r"[0-9]+(?:[.,][0-9]+)?"
_UNIT = r"(?:mg|µg|μg|ug|mcg|ng|kg|g|ml|l|ui|iu|%)"
_DOSE = re.compile(  # 2 mg, 5 %, 28% v/v, 0,05 mg/mL, 120 mg/dL, 50 mcg/h, 100 mg/10 ml, 10-20 mg, < 1 %
    rf"(?<![\w'’.,-])[<>~≈±]?\s?(?!0+(?:[.,]0+)?\s?{_UNIT}){_NUMBER}(?:\s?[-–/]\s?{_NUMBER})*\s?{_UNIT}(?:\s?[vpwm]/[vpwm]|\s?vol\.?)?"
    rf"(?:\s?/\s?(?:{_NUMBER}\s?)?(?:ml|[dµμu]?l|h|hr|hora|heure|dos[ei]s?|unit|unidad|kg|g"
    r"|tab\w*|pill\w*|pil|past\w*|troquel|gumm\w*|comp\w*|co|c[aá]ps\w*|amp\w*|vial|frasco))?(?![\w'’-])",
    re.IGNORECASE,
)
_NONE_OF_IT = re.compile(
    rf"(?<![\w.,])0+(?:[.,]0+)?\s?(?:{_UNIT}|(?:/|de|of|sur)\s?[0-9]+)(?!\w)", re.IGNORECASE
)
_STEREO = re.compile(
    r"^(?:\([RS]\)|[RS](?!-(?i:m?eth?[iy]l|prop|but[iy]l|pent|hex|benz|benc|ph?en[iy]l|fenil|acet|al+[iy]l|ox)))-"
    r"(?=[^\W\d_]{5,}(?:\s*$|\s+[\d(]))|(?<=\w{5})\s+\([RS]\)$"
)  # one connectivity, one identity
_LABEL = re.compile(r"^([^\W\d_]+(?:\s[^\W\d_]+)?)\s?[:=]\s*(?=\w)")
_FREE_OF_IT = re.compile(r"(?<!\bbase)[\s-](?:free|libre|livre)\s*$", re.IGNORECASE)
_SPOKEN = re.compile(r"[^\s,;:/()\[\]<=?º-]+(?![^\s,;:/()\[\]<=?-])")  # nº is a number
_A_DOSE = "\ue000"  # stands for one among the words
_INNERMOST = re.compile(r"\s*[(\[]([^()\[\]]+)[)\]]")
_OPENED, _CLOSED = re.compile(r"^[(\[][^)\]]*$"), re.compile(r"^[^(\[]*[)\]]$")  # of brackets with more words
_SEPARATORS = ",;:"
_BETWEEN = re.compile(r"[\s,;:/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peeled:
    """What is left of a name, and the salt words that were taken off, in the singular."""

    name: str
    salts: frozenset[str]


def peeled(name: str, words: Words, *, with_methods: bool = False) -> Peeled | None:
    """Return ``name`` without what stands around it, or None where there is nothing to take off, or only that.

    ``with_methods`` takes off words of method wherever they stand: a test strip in brackets is one that was used.
    """
    text = _DOSE.sub(f" {_A_DOSE} ", _ELISION.sub(r"\1 ", _DOTS.sub(" ", name)))
    peeling = _Peeling(words, with_methods=with_methods)
    text = peeling.without_label(_STEREO.sub(peeling.nothing, text))
    text = _INNERMOST.sub(peeling.out_of_brackets, text)
    parts = text.split()
    peeling.before(parts)
    peeling.behind(parts)
    if not peeling.taken or not parts:
        return None
    return Peeled(name=" ".join(parts).strip(" ,:;–"), salts=frozenset(peeling.salts))


def has_dose(name: str) -> bool:
    """Return whether a strength or an amount stands in ``name``."""
    return _DOSE.search(name) is not None


def denied(name: str, words: Words) -> bool:
    """Return whether something in ``name`` is negated, and not just not yet confirmed or specified."""
    if _NONE_OF_IT.search(name) or _FREE_OF_IT.search(name):
        return True
    parts = [_word(part) for part in _SPOKEN.findall(name)]
    free_of = len(parts) > 1 and parts[0] in words.acid_salts and parts[1] in words.joiners  # libre de
    return free_of or any(
        part in words.negations and not _before_participle(parts[place + 1 :], words)
        for place, part in enumerate(parts)
    )


def of_another(name: str, words: Words) -> bool:
    """Return whether ``name`` is of what stands in a relation to the substance named: adulterant of cocaine.

    What is in brackets is left out: norfentanyl (metabolite of fentanyl) has a name of its own.
    """
    parts = [_word(part) for part in _SPOKEN.findall(_INNERMOST.sub(" ", _ELISION.sub(r"\1 ", name)))]
    for place, part in enumerate(parts):
        following = parts[place + 1 :]
        while following and following[0] in words.asides and following[0] not in words.before_related:
            del following[0]  # componente principal de
        if part in words.relations or part in words.roles:
            led = bool(following) and following[0] in words.before_related
            rest = [each for each in following if each not in words.before_related]
            if led and rest and rest[0] not in words.asides and rest[0] not in words.methods:
                return True
    return False


def _before_participle(following: list[str], words: Words) -> bool:
    rest = [part for part in following if part not in words.adverbs]
    return bool(rest) and rest[0] in words.participles


def names_nothing(text: str, words: Words) -> bool:
    """Return whether ``text`` only says what a product looks like: polvo blanco, pastilla azul."""
    parts = [_word(part) for part in _BETWEEN.split(_DOSE.sub(f" {_A_DOSE} ", text)) if part]
    kinds = (words.asides, words.looks, words.methods, words.joiners, words.links)
    return all(part == _A_DOSE or any(part in kind for kind in kinds) for part in parts)


class _Peeling:
    """One name being peeled: what was taken off so far."""

    def __init__(self, words: Words, *, with_methods: bool) -> None:
        self.words = words
        self.methods = words.methods if with_methods else frozenset[str]()
        self.taken = False
        self.salts: set[str] = set()

    def nothing(self, _: re.Match[str]) -> str:
        """Return nothing for what is taken off."""
        self.taken = True
        return ""

    def without_label(self, text: str) -> str:
        """Return ``text`` without a label in front of it: sustancia: ketamina."""
        label = _LABEL.match(text)
        if label is None or not all(_word(part) in self.words.noise for part in label[1].split()):
            return text
        self.taken = True
        return text[label.end() :]

    def out_of_brackets(self, found: re.Match[str]) -> str:
        """Return nothing for brackets that hold only what may be taken off, else the brackets as they are."""
        parts = [_word(part) for part in _BETWEEN.split(found[1]) if part]
        words = self.words
        said = [part for part in parts if part not in words.joiners and part not in words.links]
        if not words.acid_salts.isdisjoint(said) and words.salts.isdisjoint(said):
            return found[0]  # an acid is another substance, an acid salt is not
        if not said or not all(self._aside(part) or self._with_participle(part, parts) for part in said):
            return found[0]
        self.taken = True
        self.salts |= words.salts.intersection(parts)
        return " "

    def before(self, parts: list[str]) -> None:
        """Take off what stands before the name."""
        taken = False
        while len(parts) > 1 and not _OPENED.search(parts[0]):
            word, after = _word(parts[0]), _word(parts[1])
            links = taken and (not word or word in self.words.joiners or word in self.words.links)
            acid = word in self.words.acid_salts and (after in self.words.salts or bool(self.salts))
            counted = word.isdigit() and after in self.words.asides  # 10 ampoules of
            if not (links or acid or counted or self._outside(word)):
                break
            self._take(word)
            taken = True
            del parts[0]

    def behind(self, parts: list[str]) -> None:
        """Take off what stands behind the name."""
        last: str | None = None  # the word taken off before, nearer to the end
        while (len(parts) > 1 or (parts and "-" in parts[0])) and not _CLOSED.search(parts[-1]):
            word = _word(parts[-1])
            stem, _, ending = parts[-1].rpartition("-")
            if not word or self._outside(word) or self._belongs(word, parts, last):
                self._take(word)
                last = word or last
                del parts[-1]
            elif stem and _word(ending) in self.words.salts:  # fentanyl-HCl
                self._take(_word(ending))
                last = _word(ending)
                parts[-1] = stem
            elif not self._method(parts):
                break

    def _belongs(self, word: str, parts: list[str], last: str | None) -> bool:
        """Return whether ``word`` belongs to what was taken off behind it, or to a salt before it."""
        words = self.words
        before = _word(parts[-2]) if len(parts) > 1 else ""
        if word in words.acid_salts and (last in words.salts or before in words.salts):
            return True
        if last is None:
            return False
        if last in words.participles and (word in words.negations or word in words.adverbs):
            return True
        counted = word.isdigit() and before == _A_DOSE  # 2 mg x 10 tablets
        to_be = parts[-1] in {"a", "à"} and (last.endswith("r") or last == _A_DOSE)  # à confirmer, a 37 %
        return counted or to_be or (len(word) > 1 and (word in words.joiners or word in words.links))

    def _method(self, parts: list[str]) -> bool:
        """Take off where or how it was found, behind a word or a mark that leads there: en orina, by GC-MS."""
        words = self.words
        start = len(parts)
        while start > 1 and (
            _word(parts[start - 1]) in words.methods or self._outside(_word(parts[start - 1]))
        ):
            start -= 1
        if start == len(parts) or start == 0:
            return False
        leads = parts[start - 1]
        if leads[-1] in _SEPARATORS:
            del parts[start:]
        elif start > 1 and (_word(leads) in words.links or leads in {"-", "–", "—"}):
            del parts[start - 1 :]
        else:
            return False
        self.taken = True
        return True

    def _take(self, word: str) -> None:
        self.taken = True
        if word in self.words.salts or word in self.words.acid_salts:
            self.salts.add(word)

    def _outside(self, word: str) -> bool:
        words = self.words
        if word in words.asides or word in words.salts or word == _A_DOSE or word in self.methods:
            return True
        compound = "-" in word and all(part in words.asides for part in word.split("-"))  # frasco-ampola
        return compound or (word[0:1] == "x" and word[1:].isdigit())  # x30

    def _aside(self, word: str) -> bool:
        return self._outside(word) or word in self.words.methods or word in self.words.acid_salts

    def _with_participle(self, word: str, parts: list[str]) -> bool:
        """Return whether ``word`` negates or stresses a participle that follows: no confirmado, à confirmer."""
        words = self.words
        following = parts[parts.index(word) + 1 :]
        return (word in words.negations or word in words.adverbs) and _before_participle(following, words)


def _word(part: str) -> str:
    return part if part == _A_DOSE else singular(exact_key(part.strip(" ,:;-–()[]")))
