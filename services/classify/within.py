"""What a name that nobody can read as a whole holds: whole words of it that are names of the catalogue.

``cocaína (aprox. 80%)`` and ``MDMA 270mg/pill`` are no names, but a person and the severity may know what is in
them. Nothing here resolves a name: a word beside it may make another substance of it.
"""

import re

from services.classify.identities import Candidate, candidate
from services.classify.peeling import of_another
from services.reference.catalogue import Catalogue, Entry
from services.reference.names import exact_key, loosened
from services.reference.words import Words, singular

PART_OF_NAME = "part_of_name"
_TOKEN = re.compile(r"(?:[^\s,;:/|\\()\[\]+&=?*\"®™]|(?<=[0-9]),(?=[0-9]))+")
_MOST_TOKENS = 12
_LONGEST_RUN = 4  # tokens of one name
_LEAST_LETTERS, _LEAST_CAPITALS = 5, 3  # shorter ones are words of other languages: met, off, spa


def named_within(name: str, catalogue: Catalogue) -> tuple[Candidate, ...]:
    """Return the substances whose names stand in ``name`` as whole words, each once.

    None where it says that the substance is another one (a metabolite, a test strip for it). Where it may be an
    isomer or an analogue the reason is ``related_to_name``, and nobody knows the substance.
    """
    written = _TOKEN.findall(name)
    if not 1 < len(written) <= _MOST_TOKENS:
        return ()
    words = catalogue.words
    tokens = [exact_key(token) for token in written]
    said = {singular(part) for token in tokens for part in (token, *token.split("-"))}
    if not said.isdisjoint(words.relations) or of_another(name, words):
        return ()
    related = not (said.isdisjoint(words.isomers) and said.isdisjoint(words.analogue))
    reason = "related_to_name" if related else PART_OF_NAME
    found: dict[str, Entry] = {}
    beside: list[str] = []
    at = 0
    while at < len(tokens):
        for size in range(min(_LONGEST_RUN, len(tokens) - at), 0, -1):
            entry = _named(tokens[at : at + size], written[at], catalogue)
            if entry is not None:
                found[entry.key] = entry
                at += size - 1
                break
        else:
            beside.append(singular(tokens[at]))
        at += 1
    if beside and all(word in words.methods for word in beside):  # a test strip for it
        return ()
    return tuple(candidate(entry, reason) for entry in found.values())


def claimed(name: str, words: Words) -> bool:
    """Return whether ``name`` tells what something was sold as, not what it is."""
    written = _TOKEN.findall(name)
    return len(written) > 1 and not words.claims.isdisjoint(singular(exact_key(word)) for word in written)


def _named(run: list[str], written: str, catalogue: Catalogue) -> Entry | None:
    name = " ".join(run)
    keys = catalogue.names.exact.get(name, ())
    if len(keys) != 1 or loosened(name) in catalogue.names.ambiguous:
        return None
    if len(run) == 1 and (
        singular(name) in catalogue.words.salts or not _is_telling(written, catalogue.words)
    ):
        return None
    return catalogue.by_key[keys[0]]


def _is_telling(written: str, words: Words) -> bool:
    letters = sum(map(str.isalnum, written))
    return (letters >= _LEAST_LETTERS and written not in words.plain_words) or (
        letters >= _LEAST_CAPITALS and written.isupper()
    )
