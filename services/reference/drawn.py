"""Structures as senders write them: whether SMILES and InChI can be read, without spending time on what is none.

The chemistry library is loaded with the first structure, because most alerts carry none: it takes a tenth of a second
and 35 MB, each structure then 0.1 to 0.3 ms.
"""

import re
from functools import cache
from typing import Any, Final

MOST_CHARACTERS: Final = 500  # that are read
MOST_HEAVY_ATOMS: Final = 100
MOST_RINGS: Final = (
    20  # bonds beyond a tree; the search for rings in a denser graph has no bound worth having
)

SMILES: Final = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:/\\.%~]+")
_INCHI: Final = re.compile(r"InChI=1S?/([A-Za-z0-9.]+)(?:/[\x21-\x7e]*)?")
_FORMULA_PART: Final = re.compile(r"([A-Z][a-z]?)([0-9]{0,6})")
_MULTIPLIER: Final = re.compile(r"[0-9]{1,6}")


def heavy_atoms(inchi: str) -> int | None:
    """Return how many atoms but hydrogen the formula of an InChI states; None for what is no InChI.

    Asked before it is parsed: the parser would reserve memory by what it says.
    """
    matched = _INCHI.fullmatch(inchi)
    if matched is None:
        return None
    atoms = 0
    for part in matched[1].split("."):
        multiplier = _MULTIPLIER.match(part)
        formula = part[multiplier.end() :] if multiplier else part
        count = sum(int(n or 1) for element, n in _FORMULA_PART.findall(formula) if element != "H")
        atoms += count * (int(multiplier[0]) if multiplier else 1)
    return atoms


def is_too_large(*graphs: Any) -> bool:
    """Return whether parsed, untouched graphs are together no drug: too big, or too dense."""
    atoms = sum(graph.GetNumAtoms() for graph in graphs)
    if atoms > MOST_HEAVY_ATOMS * 3 or sum(graph.GetNumBonds() for graph in graphs) - atoms >= MOST_RINGS:
        return True
    heavy: int = sum(graph.GetNumHeavyAtoms() for graph in graphs)
    return heavy > MOST_HEAVY_ATOMS


def is_smiles(text: str) -> bool:
    """Return whether a text is the SMILES of molecules; what is too large to be read counts as one."""
    if SMILES.fullmatch(text) is None:
        return False
    return len(text) > MOST_CHARACTERS or _is_molecule(chemistry().MolFromSmiles(text, smiles_parameters()))


def is_inchi(text: str) -> bool:
    """Return whether a text is the InChI of molecules; what is too large to be read counts as one."""
    atoms = heavy_atoms(text)
    if atoms is None:
        return False
    if atoms > MOST_HEAVY_ATOMS or len(text) > MOST_CHARACTERS:
        return True
    return _is_molecule(chemistry().MolFromInchi(text, sanitize=False, removeHs=False))


@cache
def chemistry() -> Any:
    """Return the chemistry library, loaded now and made silent: it would write what senders wrote to the log."""
    from rdkit import Chem, RDLogger

    logger: Any = RDLogger
    logger.DisableLog("rdApp.*")
    return Chem


@cache
def smiles_parameters() -> Any:
    """Return how SMILES are parsed: as a graph, whose valences are looked at once its size is known."""
    parameters = chemistry().SmilesParserParams()
    parameters.sanitize = False
    parameters.allowCXSMILES = False
    parameters.parseName = False
    return parameters


def _is_molecule(graph: Any) -> bool:
    if graph is None or graph.GetNumAtoms() == 0:
        return False
    library = chemistry()
    sound: bool = is_too_large(graph) or (
        library.SanitizeMol(graph, catchErrors=True) == library.SanitizeFlags.SANITIZE_NONE
    )
    return sound
