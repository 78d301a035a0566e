"""Words around and instead of names of substances, in four languages: classes, effects, salts, qualifiers.

Words are compared without accents, in lower case and in the singular (:func:`singular`). A phrase of several
words is a set: word order differs between languages, and articles and prepositions are left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from services.reference.names import exact_key
from services.reference.tables import rows, table

SYNTHETIC = "synthetic"  # stands for each word that means it, inside a phrase

Phrase = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of ``words.csv`` by kind, and the endings of ``endings.csv``.

    ``esterlike`` names, by family, salts that are rather another substance: psilocin phosphate is psilocybin.
    ``endings`` is ordered: the first that matches names the family.
    """

    families: Mapping[Phrase, str]
    effects: Mapping[str, str]
    synthetic: frozenset[str]
    analogue: frozenset[str]
    noise: frozenset[str]
    asides: frozenset[str]  # doubt, amount, form, quality: they do not change what is named
    methods: frozenset[str]  # how or in what it was found
    looks: frozenset[str]  # of a product: they name nothing
    isomers: frozenset[str]  # isomer, homologue, similar: of another substance, but of its kind
    claims: frozenset[str]  # sold as, labelled: what it was to be, not what it is
    relations: frozenset[str]  # metabolite, precursor: of another substance, whose name follows
    roles: frozenset[str]  # adulterant, cutting agent: before a preposition, of another substance too
    before_related: frozenset[str]  # the prepositions between a relation or a role and that substance
    plain_words: frozenset[str]  # codes that are everyday words: names only in capitals (OFF, DOC)
    participles: frozenset[str]  # said without and with a negation: (not) confirmed, (non-)medical
    negations: frozenset[str]
    verbal_negations: frozenset[str]  # those that deny a verb: not found, as against without prescription
    adverbs: frozenset[str]  # between a negation and its participle
    unnamed: frozenset[str]  # unknown, unspecified: the substance is not named
    salts: frozenset[str]
    acid_salts: frozenset[str]  # words of a salt only beside another: hydrogen, free (base)
    joiners: frozenset[str]
    around: frozenset[str]  # every word that says nothing of which class is meant
    links: frozenset[str]  # what leads to a form, a use or a method behind a name
    name_parts: frozenset[str]  # classes that are also groups within a name: 2C-B is not mescaline NBOMe
    no_drugs: frozenset[Phrase]  # sugars, sweeteners, solvents, fillers that are no drug and in no table
    esterlike: Mapping[str, frozenset[str]]
    radical_pattern: re.Pattern[str]  # finds each radical of a folded spelling, the longest first
    endings: tuple[tuple[str, re.Pattern[str]], ...]


def singular(word: str) -> str:
    """Return ``word`` without the plural ending that the four languages share."""
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def load_words(directory: Path) -> Words:
    """Read the words. Raises OSError, KeyError or ValueError on a broken table."""
    listed = [
        (row["kind"], row["value"], row["words"].split()) for row in rows(table(directory, "words.csv"))
    ]

    def of(kind: str, value: str | None = None) -> frozenset[str]:
        return frozenset(
            _word(word) for k, v, words in listed if k == kind and value in {None, v} for word in words
        )

    synthetic = of("synthetic")
    return Words(
        families=MappingProxyType(
            {_phrase(w, synthetic): value for k, value, words in listed if k == "family" for w in words}
        ),
        effects=MappingProxyType(
            {_word(word): value for k, value, words in listed if k == "effect" for word in words}
        ),
        synthetic=synthetic,
        analogue=of("analogue"),
        noise=of("noise"),
        asides=of("aside"),
        methods=of("method"),
        looks=of("look"),
        isomers=of("isomer"),
        claims=of("claim"),
        relations=of("relation"),
        roles=of("role") | of("aside", "role"),
        before_related=of("precedes_related"),
        plain_words=of("plain_word"),
        participles=of("participle"),
        negations=of("negation") | of("verbal_negation"),
        verbal_negations=of("verbal_negation"),
        adverbs=of("adverb"),
        unnamed=of("unnamed"),
        salts=of("salt"),
        acid_salts=of("acid_salt"),
        joiners=of("joiner"),
        links=of("link"),
        around=frozenset().union(
            *map(of, ("noise", "unnamed", "aside", "participle", "adverb", "salt", "link"))
        ),
        name_parts=of("name_part"),
        no_drugs=frozenset(
            _phrase(word, synthetic) for k, _, words in listed if k == "no_drug" for word in words
        ),
        esterlike=MappingProxyType(
            {value: frozenset(map(_word, words)) for k, value, words in listed if k == "esterlike"}
        ),
        radical_pattern=re.compile("|".join(sorted(of("radical"), key=len, reverse=True))),
        endings=tuple(
            (row["family"], re.compile(row["pattern"])) for row in rows(table(directory, "endings.csv"))
        ),
    )


def _word(word: str) -> str:
    return singular(exact_key(word))


def _phrase(words: str, synthetic: Iterable[str]) -> Phrase:
    parts = [_word(part) for part in words.split("-")]
    return frozenset(SYNTHETIC if part in synthetic else part for part in parts)
