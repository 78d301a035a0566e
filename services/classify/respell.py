"""Other spellings of the same name: what chemists write in two ways without meaning two things.

``5-MeO-DMT`` is ``5-methoxy DMT``, ``a-PHP`` is ``alpha-PHP``, ``para-chloromethcathinone`` is
``4-chloromethcathinone``, ``dl-amphetamine`` and ``amphetamine (racemate)`` are amphetamine. Each rule keeps
every locant; a rule that holds for one ring only (ortho is 2) asks for a skeleton with one numbered ring.
Nothing here guesses: an answer still has to be a name of the catalogue.
"""

import re
from collections.abc import Callable, Iterator

_TAKEN_FOR = str.maketrans({"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"})  # İ ı ſ and Kelvin
_MOST = 12  # spellings of one name; the rules make fewer of any that a person would write

_RACEMIC = re.compile(
    r"^(?:\(?(?:dl|d,l|d/l|rac|rs|r,s|r/s|±|\+/-|\+-)\)?[- ]+|(?:racemic|rac[eé]mic[oa]|rac[eé]mique|racêmic[oa])\s+)"
    r"|[\s,]*\(?\b(?:racemate|racemic|rac[eé]mic[oa]|rac[eé]mique|racemato|rac[eé]mate)\)?$",
    re.IGNORECASE,
)
_ENANTIOMER = re.compile(r"^\([RS]\)-(?:\([+-]\)-)?(?=[A-Za-z]{5,}$)")  # one connectivity, one identity
_GREEK_INITIAL = re.compile(
    r"^(?:([ab])(?:[- ](?=[A-Za-z]{3,})|(?=[A-Z]{2,}))|([AB])-(?=[A-Z]{3})|([Dd])(?=(?:8|9|10)-))"
)
_GREEK = {"a": "alpha-", "b": "beta-", "d": "delta-"}
_POSITION_OF_CODE = re.compile(r"^([omp])(-?)(?=[A-Z][A-Za-z]*[A-Z])")

# Groups as they are abbreviated behind a locant: 5-MeO-, 4F-, 4-HO-.
_GROUPS = {
    "meo": "methoxy", "ome": "methoxy", "eto": "ethoxy", "oet": "ethoxy", "ho": "hydroxy",
    "oh": "hydroxy", "aco": "acetoxy", "oac": "acetoxy", "f": "fluoro", "fl": "fluoro", "cl": "chloro", "br": "bromo",
    "i": "iodo", "me": "methyl", "et": "ethyl", "pr": "propyl", "bu": "butyl", "cn": "cyano", "no2": "nitro",
    "cf3": "trifluoromethyl", "nh2": "amino",
}  # fmt: skip
_GROUP = re.compile(
    r"(?<![A-Za-z0-9])((?:[0-9]'*,)*[0-9]'*)-?("
    + "|".join(sorted(_GROUPS, key=len, reverse=True))
    + r")[- ]",
    re.IGNORECASE,
)
_WORDS = {word: ["MeO", "HO", "AcO", "F", "Cl", "Br", "I", "Me", "Et"][place] for place, word in enumerate(
    ("methoxy", "hydroxy", "acetoxy", "fluoro", "chloro", "bromo", "iodo", "methyl", "ethyl")
)}  # fmt: skip
_WORD = re.compile(
    r"(?<![A-Za-z0-9])((?:[0-9]'*,)*[0-9]'*)-(" + "|".join(_WORDS) + r")[- ]?(?-i:(?=[A-Zα-ω0-9(]))",
    re.IGNORECASE,
)

# Radicals of Spanish, Portuguese and French, for names that are half a code and have no folded spelling.
_RADICALS = {
    "metilendioxi": "methylenedioxy", "metilenodioxi": "methylenedioxy", "méthylènedioxy": "methylenedioxy",
    "metoxi": "methoxy", "metóxi": "methoxy", "méthoxy": "methoxy", "etoxi": "ethoxy", "éthoxy": "ethoxy",
    "hidroxi": "hydroxy", "hidróxi": "hydroxy", "acetoxi": "acetoxy", "acétoxy": "acetoxy",
    "metileno": "methylene", "etileno": "ethylene", "pirrolidin": "pyrrolidin", "piperidinil": "piperidinyl",
    "formil": "formyl", "adamantil": "adamantyl", "quinolinil": "quinolinyl", "nitrilo": "nitrile",
    "cloro": "chloro", "yodo": "iodo", "ciano": "cyano", "ciclo": "cyclo", "metil": "methyl",
    "méthyl": "methyl", "etil": "ethyl", "éthyl": "ethyl", "acetil": "acetyl", "acétyl": "acetyl",
    "propil": "propyl", "butil": "butyl", "pentil": "pentyl", "hexil": "hexyl", "fenil": "phenyl",
    "bencil": "benzyl", "benzil": "benzyl", "alil": "allyl",
}  # fmt: skip
_RADICAL = re.compile("|".join(sorted(_RADICALS, key=len, reverse=True)), re.IGNORECASE)

_ONE_RING = (
    r"(?:cath?inon[ae]|(?:ph|f)etamin[ae]|(?:bu(?:ph|f)|pent|hex)edron[ae]"
    r"|(?:ph|f)enidat[eo]|(?:ph|f)enmetra[zc]in[ae])$"
)
_NUMBERED = re.compile(r"^([234])-(?=[a-z]{4,}[^0-9]*" + _ONE_RING + ")", re.IGNORECASE)
_PLACED = re.compile(
    r"^(ort(?:h)?o|meta|para|[omp](?=-))[- ]?(?=[a-z]{4,}[^0-9]*" + _ONE_RING + ")", re.IGNORECASE
)
_OF_FENTANYL = re.compile(r"^([234])-(?=[a-z]{4,}[^0-9]*fentan[iy]l[oa]?$)", re.IGNORECASE)
_PLACES = {"2": "ortho", "3": "meta", "4": "para"}
_NUMBERS = {"o": "2", "m": "3", "p": "4"}

# Esters of glycidic acids as the tables of 1988 name them, in Spanish, Portuguese and French.
_ESTER_OF = re.compile(
    r"[éèe]ster ((?:iso)?(?:m[eé]th?|[eé]th?|prop|but))(?:[ií]lico|ylique) (?:del? |do |de l['’])"
    r"(?:[aá]cido|acide) (.+?)gl[iy]c[ií]d(?:ico|ique)",
    re.IGNORECASE,
)
_GLYCIDATE = re.compile(
    r"(?:([pb]mk) )?gl[iy]cidat[eo] de ((?:iso)?(?:m[eé]th?|[eé]th?|prop|but))(?:il[aoe]?|yle?)(?: (?:de )?([pb]mk))?",
    re.IGNORECASE,
)

_SHORT = re.compile(r"^(?:([aá]c)|anh)(?:\.\s?|\s)(?=[^\W\d_]{4})", re.IGNORECASE)  # ác. fenilacético
_METAL = re.compile(r"^([^\W\d_]+(o|e) de )(K|Na)$")
_METALS = {"K": ("potasio", "potassium"), "Na": ("sodio", "sodium")}

_ONE_LOCANT = r"(?:[2-9]'?|ortho|orto|meta|para|[omp])"
_LOCANT = re.compile(rf"(?<![a-z]){_ONE_LOCANT}(?![a-z])", re.IGNORECASE)
_OR = rf"(?:-?\s?/\s?{_ONE_LOCANT}|-?\s(?:o|or|ou|u)\s{_ONE_LOCANT}|\({_ONE_LOCANT}\))"
_LOCANTS = re.compile(rf"({_ONE_LOCANT}{_OR}+)-\s?(\w.+)", re.IGNORECASE)

_BETA_KETO = re.compile(r"^(?:β-?k|b-k|beta-?(?:k|keto)|β-?keto)[- ]?(?=[A-Z0-9])")  # βk-MDMA, beta-keto-MDMA
_INNER_ENDING = re.compile(r"(?<=[a-zé]{3})(?:(n)[ao]|i(l)[ao])(?=[- ][0-9A-Za-z])", re.IGNORECASE)

_TWO_ON_NITROGEN = re.compile(
    r"\bN-([a-z]+[yi]l)-N-([a-z]+?[yi]l)(?=(?:tr[yi]pt|am|cat)[a-z]{3,})", re.IGNORECASE
)


def respelt(name: str) -> Iterator[str]:
    """Yield other spellings of ``name``, each once and none equal to it, the nearest first."""
    waiting = [name, *_in_full(name)]
    seen = set(waiting)
    yield from waiting[1:]
    while waiting and len(seen) <= _MOST:
        written = waiting.pop(0)
        for rule in _RULES:
            other = rule(written).strip()
            if other and other not in seen:
                seen.add(other)
                waiting.append(other)
                yield other


def with_each_locant(name: str) -> list[str]:
    """Return ``name`` with each of its alternative locants; none where it has no alternatives: 3-/4-MMC.

    A comma makes no alternatives: 3,4-MMC has both.
    """
    found = _LOCANTS.fullmatch(name.strip())
    if found is None:
        return []
    return [f"{locant}-{found[2]}" for locant in _LOCANT.findall(found[1])]


def perhaps(name: str) -> str | None:
    """Return what a numbered fentanyl probably is: its aniline ring is meant more often than its piperidine."""
    found = _OF_FENTANYL.match(name.strip())
    return None if found is None else f"{_PLACES[found[1]]}-{name.strip()[found.end() :]}"


def _lower(text: str) -> str:
    """Return ``text`` in small letters, as a pattern that ignores case takes them: İ and ı for i, ſ for s."""
    return text.translate(_TAKEN_FOR).lower()


def _without_racemic(name: str) -> str:
    return _ENANTIOMER.sub("", _RACEMIC.sub("", name))


def _greek(name: str) -> str:
    return _GREEK_INITIAL.sub(lambda found: _GREEK[_lower(found[found.lastindex or 0])], name)


def _position_of_code(name: str) -> str:
    return _POSITION_OF_CODE.sub(lambda found: found[1] if found[2] else f"{found[1]}-", name)


def _groups_in_words(name: str) -> str:
    return _GROUP.sub(lambda found: f"{found[1]}-{_GROUPS[_lower(found[2])]}-", name)


def _words_as_groups(name: str) -> str:
    return _WORD.sub(lambda found: f"{found[1]}-{_WORDS[_lower(found[2])]}-", name)


def _radicals(name: str) -> str:
    return _RADICAL.sub(lambda found: _RADICALS[_lower(found[0])], name)


def _numbers_as_places(name: str) -> str:
    return _NUMBERED.sub(lambda found: f"{_PLACES[found[1]]}-", name)


def _places_as_numbers(name: str) -> str:
    return _PLACED.sub(lambda found: f"{_NUMBERS[_lower(found[1][0])]}-", name)


def _beta_keto(name: str) -> str:
    return _BETA_KETO.sub("bk-", name)


def _inner_ending(name: str) -> str:
    """Return ``name`` with its words but the last as in English: etileno etonitazeno, piperidina-3-fluoro..."""
    return _INNER_ENDING.sub(lambda found: "ne" if found[1] else "yl", name)


def _ester_of_acid(name: str) -> str:
    return _ESTER_OF.sub(lambda found: f"{found[2]}glycidic acid {_alkyl(found[1])} ester", name)


def _glycidate(name: str) -> str:
    return _GLYCIDATE.sub(lambda found: f"{found[1] or found[3]} {_alkyl(found[2])} glycidate", name)


def _alkyl(stem: str) -> str:
    plain = stem.lower().replace("é", "e")
    return f"{plain}hyl" if plain.endswith("et") else f"{plain}yl"


def _turned_on_nitrogen(name: str) -> str:
    return _TWO_ON_NITROGEN.sub(r"N-\2-N-\1", name)


def _in_full(name: str) -> Iterator[str]:
    """Yield ``name`` with its first word, or the metal of its salt, in full: ác. fenilacético, permanganato de K."""
    if (short := _SHORT.match(name)) is not None:
        for full in ("ácido", "acide") if short[1] else ("anhídrido", "anhydride"):
            yield f"{full} {name[short.end() :]}"
    elif (salt := _METAL.fullmatch(name)) is not None:
        yield f"{salt[1]}{_METALS[salt[3]][salt[2] == 'e']}"


_RULES: tuple[Callable[[str], str], ...] = (
    _without_racemic,
    _position_of_code,
    _greek,
    _groups_in_words,
    _words_as_groups,
    _places_as_numbers,
    _numbers_as_places,
    _radicals,
    _beta_keto,
    _inner_ending,
    _turned_on_nitrogen,
    _ester_of_acid,
    _glycidate,
)
