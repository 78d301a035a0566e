"""How a product looks, by words of four languages: what is compared of its colours, its shape and its markings.

A word that is in no table is compared as it is written: it may keep two reports of one product apart, and joins no
two products.
"""

import re

from services.reference.names import exact_key

_WORD = re.compile(r"[^\W_]+")
_COLOURS = {
    "white": "white blanco blanca blanc blanche branco branca",
    "black": "black negro negra noir noire preto preta",
    "grey": "grey gray gris grise cinza cinzento cinzenta",
    "red": "red rojo roja rouge vermelho vermelha",
    "pink": "pink rosa rosado rosada rose",
    "orange": "orange naranja anaranjado anaranjada laranja alaranjado alaranjada",
    "yellow": "yellow amarillo amarilla jaune amarelo amarela",
    "green": "green verde vert verte",
    "blue": "blue azul bleu bleue celeste",
    "purple": "purple violet violette violeta morado morada purpura pourpre roxo roxa lila lilas mauve",
    "brown": "brown marron cafe brun brune castanho castanha",
    "beige": "beige bege beis crema cream creme tan",
    "gold": "gold golden dorado dorada dore doree dourado dourada",
    "silver": "silver plateado plateada argente argentee prateado prateada",
}
_SHAPES = {
    "round": "round circular redondo redonda rond ronde circulaire",
    "oval": "oval ovalado ovalada ovale",
    "triangle": "triangle triangular triangulo triangulaire",
    "square": "square cuadrado cuadrada carre carree quadrado quadrada",
    "rectangle": "rectangle rectangular rectangulo rectangulaire retangular retangulo bar barra barre",
    "hexagon": "hexagon hexagonal hexagono hexagone",
    "octagon": "octagon octagonal octogonal octogono octogone",
    "diamond": "diamond rombo romboidal losange losango",
    "heart": "heart corazon coeur coracao",
    "star": "star estrella etoile estrela",
    "skull": "skull calavera crane caveira",
    "shield": "shield escudo bouclier ecusson",
    "capsule": "capsule capsula caplet",
}


def _by_word(table: dict[str, str]) -> dict[str, str]:
    written = {word: name for name, words in table.items() for word in words.split()}
    plurals = {f"{word}{ending}": name for word, name in written.items() for ending in ("s", "es")}
    return {**plurals, "azuis": "blue", "marrones": "brown", **written}


_COLOUR_OF = _by_word(_COLOURS)
_SHAPE_OF = _by_word(_SHAPES)


def colours(text: str | None) -> str:
    """Return the colours that a text names, in one order; else the text as it is compared, "" for none."""
    words = _words(text)
    return " ".join(sorted({_COLOUR_OF[word] for word in words if word in _COLOUR_OF})) or " ".join(words)


def shape(text: str | None) -> str:
    """Return the shape that a text names; "" where it names none, or several, or one that is not known."""
    found = {_SHAPE_OF[word] for word in _words(text) if word in _SHAPE_OF}
    return found.pop() if len(found) == 1 else ""


def markings(text: str | None) -> str:
    """Return the letters and digits of a marking: M / 30, M-30 and M30 are one."""
    return "".join(_words(text))


def _words(text: str | None) -> list[str]:
    return _WORD.findall(exact_key(text)) if text else []
