"""How names of substances are compared: keys under which two spellings are the same name.

Four keys, from strict to lenient. ``exact_key`` evens out case, accents, Greek letters, dashes, primes.
``loose_key`` also drops hyphens, spaces and punctuation, but never a locant, a prime or the border between
two numbers. ``fold_key`` evens out how English, Spanish, French and Portuguese spell the same word; codes
such as JWH-018 have none. ``locantless_key`` says what is left of a name when its locants are gone.
"""

import re
import unicodedata

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron",
    "π": "pi", "ρ": "rho", "ς": "sigma", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi",
    "ψ": "psi", "ω": "omega", "ß": "beta", "µ": "mu",
}  # fmt: skip
_MARKS = {
    **dict.fromkeys("‐‑‒–—―−⁃﹘﹣－", "-"),  # every dash
    **dict.fromkeys("′’‘ʹʼ´`＇‛", "'"),  # every prime; NFKC would make a space of some
    **dict.fromkeys("″“”＂ʺ", "''"),
    **dict.fromkeys("⁗", "''''"),
    **dict.fromkeys("‴", "'''"),
}
_BEFORE_NFKC = str.maketrans(_MARKS)
_AFTER_LOWER = str.maketrans(_GREEK)

_QUOTED = re.compile(r"^'+(?=[^']*[^0-9']'+$)|(?<=[^0-9'])'+$")
_GREEK_WORDS = re.compile(r"(?<![a-z])(?:(alfa)|(gama)|(orto))(?![a-z])")
_POSITION = re.compile(r"(?<![a-z0-9'])([omp])-(?=[a-z]{3,})")
_POSITIONS = {"o": "ortho", "m": "meta", "p": "para"}
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9'])[^\w']+(?=[0-9])")
_STRAY_PRIME = re.compile(r"(?<![0-9'])(?<!\bn)(?<!\bo)'")
_PUNCTUATION = re.compile(r"[^\w',]|_|(?<![0-9']),|,(?![0-9])")

_LOCANT = re.compile(r"(?<![a-z0-9'])(?:[0-9]+'*(?:,[0-9]+'*)*|ortho|meta|para|[omp])(?:-|\s+)(?=[a-z]{2,})")

_CAPITALS = re.compile(r"[A-Z]")
# A capital that makes no code: a locant (N,N-dimethyl, O-acetyl), and the first of a word (4-Methyl Fentanyl).
_NO_CODE = re.compile(r"(?<![A-Za-z0-9])[NOS](?=[,-])|(?<![A-Za-z])[A-Z](?=[a-z]{3})")
_IN_QUOTES = re.compile(r"""\s*(?:“([^“”]+)”|«([^«»]+)»|"([^"]+)"|„([^„“”]+)[“”])\s*""")
_SHOUTED = re.compile(r"[A-Z]{11}")  # a whole word in capitals; the parts of codes are shorter
_DIGIT = re.compile(r"[0-9]")
_LONE_LETTER = re.compile(r"(?<![a-z,])[a-z](?![a-z',])")  # F-phenibut; not the N,N- of a dimethyl
_TWO_ENDINGS = re.compile(r"inn[aeo]s?$")  # cathinne: a slip for -inone as much as for -ine
_SHORT_AT_THE_END = re.compile(r"[^a-z0-9'][a-z]{1,2}$")  # fentanyl-A, ondansetron (no): a word of its own
_THOUSANDS = re.compile(r"(?<=[a-z][ -])([1-9][0-9]{0,2})[,.]([0-9]{3})(?![0-9])")  # U-47,700
_DOUBLED = re.compile(r"([a-z])\1+")
_FOLDS = (
    ("ph", "f"),
    ("que", "ke"),
    ("qui", "ki"),
    ("y", "i"),
    ("ce", "se"),
    ("ci", "si"),
    ("enedio", "endio"),
)
_SOUNDS = str.maketrans({"c": "k", "q": "k", "z": "s", "h": ""})
_VOWELS = tuple("aeiouy")
_FINAL_VOWELS = ("a", "e", "o")
_LEAST_LETTERS = 6
LEAST_NEAR = 5  # letters and digits of a spelling to which another is compared

_POSITION_DATA = re.compile(r"[0-9]+'*|(?<![a-z])(?:ortho|meta|para|[omp])(?![a-z])")


_JOINED = re.compile(
    r"(?:[^\W_]{2}|[^\W\d_]{2}-)\s*[+&;|/]\s*(?=[^\W\d_])|[^\W_]\s*[+&;|/]\s*(?=[^\W\d_]{2})"
    r"|(?<![^\W\d_])(?!(?:alpha|beta|gamma|delta|alfa|gama|ortho|orto|meta|para|acid|acide),)[^\W\d_]{3,},\s*(?=[^\W\d_]{3})",
    re.IGNORECASE,
)


def is_joined(name: str) -> bool:
    """Return whether marks stand in ``name`` that part substances: meth + cathinone is not methcathinone."""
    return _JOINED.search(name) is not None


def exact_key(name: str) -> str:
    """Return ``name`` in lower case, without accents; dashes and primes plain, Greek letters spelt out."""
    if (quoted := _IN_QUOTES.fullmatch(name)) is not None:
        name = next(filter(None, quoted.groups()))
    text = (name.replace("`", "'") if name.isascii() else name.translate(_BEFORE_NFKC)).lower()
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).lower().translate(_BEFORE_NFKC).translate(_AFTER_LOWER)
        text = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in text if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    text = " ".join(text.split()).strip(' .;,:"')
    if "'" in text:
        text = _QUOTED.sub("", text)
    if "," in text or "." in text:
        text = _THOUSANDS.sub(r"\1\2", text)
    if "alfa" in text or "gama" in text or "orto" in text:
        text = _GREEK_WORDS.sub(_spelt_as_in_english, text)
    return text


def loose_key(name: str) -> str:
    """Return what is left without hyphens, spaces and punctuation.

    Locants and primes stay, and so does the border between two numbers: 1,4 is not 14, 4' is not 4.
    """
    return loosened(exact_key(name))


def loosened(exact: str) -> str:
    """Return the loose key of a name whose exact key is known."""
    if exact.isalpha():
        return exact
    text = _POSITION.sub(lambda found: _POSITIONS[found[1]], exact)
    if "'" in text:
        text = _STRAY_PRIME.sub("", text)
    text = _BETWEEN_DIGITS.sub(",", text)
    return _PUNCTUATION.sub("", text)


def fold_key(name: str) -> str | None:
    """Return the spelling shared by four languages, or None for a code and for what is too short to fold.

    None too where folding would swallow a letter that stands for a group: F-phenibut is not phenibut.
    """
    if is_code(name):
        return None
    exact = exact_key(name)
    spelling = folded(loosened(exact)) if may_fold(exact) else None
    return None if spelling is None or _swallowed(exact, spelling) else spelling


def may_fold(exact: str) -> bool:
    """Return whether an exact key may be folded: no short word at its end is swallowed, no ending guessed."""
    return _SHORT_AT_THE_END.search(exact.rstrip(")]")) is None and _TWO_ENDINGS.search(exact) is None


def _swallowed(exact: str, spelling: str) -> bool:
    """Return whether a letter that stands alone, or the first one, leaves no trace in the spelling."""
    lone = [found.start() for found in _LONE_LETTER.finditer(exact)]
    silent = exact[0] == "h" and exact[1:2] in _VOWELS  # heroína, eroina
    if not silent:
        lone.append(0)
    return any(spelt_alike(loosened(exact[:at] + exact[at + 1 :])) == spelling for at in lone)


def folded(loose: str) -> str | None:
    """Return the folded form of a loose key, or None where it has fewer than six letters."""
    return spelt_alike(loose) if long_enough(loose) else None


def long_enough(loose: str) -> bool:
    """Return whether a loose key has the six letters that folding needs."""
    return sum(map(str.isalpha, loose)) >= _LEAST_LETTERS


def spelt_alike(loose: str) -> str:
    """Return a loose key in the spelling that four languages share, whatever its length."""
    if loose.startswith("seudo"):  # seudoefedrina, pseudoephedrine
        loose = "p" + loose
    for written, alike in _FOLDS:
        loose = loose.replace(written, alike)
    loose = loose.translate(_SOUNDS).replace("mf", "nf")  # anfetamina, amphetamine
    loose = _DOUBLED.sub(r"\1", loose)
    if loose.endswith("an"):  # alprazolán, alprazolam
        return loose[:-1] + "m"
    return loose[:-1] if loose[-1:] in _FINAL_VOWELS else loose


def positions(exact: str) -> str:
    """Return the numbers, primes and o/m/p of an exact key in order, to be compared as data."""
    return " ".join(_POSITION_DATA.findall(exact))


def locantless_key(name: str) -> str:
    """Return the loose key of ``name`` without its locants (numbers, ortho, meta, para)."""
    return without_locants(exact_key(name))


def without_locants(exact: str) -> str:
    """Return the locantless key of a name whose exact key is known."""
    return loosened(_LOCANT.sub("", exact))


def has_locants(exact: str) -> bool:
    """Return whether an exact key holds a locant that can be taken off."""
    return _LOCANT.search(exact) is not None


def is_code(name: str) -> bool:
    """Return whether ``name`` is a code, where each character counts: JWH-018, 3-MMC, MXE, ADB-INACA."""
    if name.islower():
        return False
    capitals = len(_CAPITALS.findall(_NO_CODE.sub("", name)))
    if _DIGIT.search(name):
        return capitals > 1
    letters = sum(map(str.isalpha, name))
    if letters != capitals:
        return 2 * capitals > letters
    return capitals <= _LEAST_LETTERS or ("-" in name and not _SHOUTED.search(name))


def _spelt_as_in_english(found: re.Match[str]) -> str:
    return {"alfa": "alpha", "gama": "gamma", "orto": "ortho"}[found[0]]
