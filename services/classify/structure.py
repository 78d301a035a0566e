"""Read a structure: its key without salts, charges and isotopes, and the classes whose skeleton it has.

A hit says "has this skeleton", never "is controlled". What comes from outside is capped and looked at before
the chemistry library spends time on it; whatever it cannot read is a value, never an error. The library is
loaded with the first structure, because most alerts carry none and it takes 70 MB.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.classify.patterns import Screen, compiled, counts_of
from services.reference.drawn import (
    MOST_CHARACTERS,
    MOST_HEAVY_ATOMS,
    SMILES,
    chemistry,
    heavy_atoms,
    is_too_large,
    smiles_parameters,
)
from services.reference.structural import ClassRule

_MOST_NEIGHBOURS = 6
_LEAST_ORGANIC = 6  # heavy atoms of a parent; the salts that the catalogue holds as they are have fewer
_MOST_PARTS = 8  # of a salt, told apart before the whole is read
_BLOCK = 14  # characters of an InChIKey that say how the atoms are connected
_CARBON = 6
_NOTHING: Mapping[str, str] = {}

# A SMILES of one part without charges, isotopes and explicit hydrogen: there is nothing to take off.
_PLAIN = re.compile(r"(?:[^\[\].]|\[(?![HDT][H@0-9\]])(?:[A-Z][a-z]?|[cnops])@{0,2}H?[0-9]?\])+")
_NITRO = re.compile(r"\[N\+\]\(=O\)\[O-\]|\[O-\]\[N\+\]\(=O\)")  # its charges stay
_STEREO = re.compile(r"[@/\\]")
_MARKED_ATOM = re.compile(r"\[[0-9]|\[[HDT]\]|^InChI.*/i")  # isotopes, and hydrogen as an atom


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A structure that was read. ``raw_inchikey`` is of what was sent, ``inchikey`` of its salt-free parent.

    ``families`` are the classes that fired, first by precedence; ``flags`` those without one; ``rules`` the
    ids of every rule that fired, as evidence, in the order of their classes. All three are empty for a
    structure that is known by itself.
    """

    raw_inchikey: str
    inchikey: str
    families: tuple[str, ...]
    flags: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A structure that was refused. ``reason`` is a code: too_long, too_large, not_smiles, not_inchi."""

    reason: str


class StructureReader:
    """Reads SMILES and InChI. Safe to share between threads; one call takes about half a millisecond.

    ``known`` are keys by canonical SMILES, as the catalogue holds them: what is drawn like one of these needs
    neither the InChI, which is the dearest step, nor a class.
    """

    def __init__(self, rules: Sequence[ClassRule], *, known: Mapping[str, str] = _NOTHING) -> None:
        self._rules = rules
        self._known = known
        self._chemistry: _Chemistry | None = None

    def read(
        self, *, smiles: str | None = None, inchi: str | None = None, as_sent: bool = True
    ) -> Structure | Unreadable:
        """Return the structure written as ``smiles`` (else as ``inchi``), or why it was refused.

        Unless ``as_sent``, the key of what was sent is left out (the parent's stands for it) where the
        parent is organic: only inorganic salts are in the catalogue as they are.
        """
        text = (smiles if smiles is not None else inchi or "").strip()
        if len(text) > MOST_CHARACTERS:
            return Unreadable(reason="too_long")
        if smiles is None:
            if (refused := _refuse_inchi(text)) is not None:
                return refused
        elif (key := self._known.get(text)) is not None:
            return Structure(raw_inchikey=key, inchikey=key, families=(), flags=(), rules=())
        elif not SMILES.fullmatch(text):
            return Unreadable(reason="not_smiles")
        if self._chemistry is None:
            self._chemistry = _Chemistry(self._rules, known=self._known)
        if smiles is not None:
            return self._chemistry.read_smiles(text, as_sent=as_sent)
        return self._chemistry.read_inchi(text, as_sent=as_sent)


def _refuse_inchi(text: str) -> Unreadable | None:
    """Return why the formula of an InChI rules it out."""
    atoms = heavy_atoms(text)
    if atoms is None:
        return Unreadable(reason="not_inchi")
    return Unreadable(reason="too_large") if atoms > MOST_HEAVY_ATOMS else None


class _Chemistry:
    """The chemistry library and the compiled rules."""

    def __init__(self, rules: Sequence[ClassRule], *, known: Mapping[str, str]) -> None:
        from rdkit.Chem import rdMolDescriptors
        from rdkit.Chem.MolStandardize import rdMolStandardize

        self._known = known
        self._blocks = frozenset(key[:_BLOCK] for key in known.values())
        self._chem: Any = chemistry()
        self._descriptors: Any = rdMolDescriptors
        self._largest = rdMolStandardize.LargestFragmentChooser(preferOrganic=True)
        self._uncharger = rdMolStandardize.Uncharger()
        self._parameters = smiles_parameters()
        self._unfit = compiled(self._chem, f"[#0,D{{{_MOST_NEIGHBOURS + 1}-}}]")
        self._aliphatic_ring = self._chem.MolFromSmarts("[A;R]")
        texts = dict.fromkeys(text for rule in rules for text in (rule.smarts, *rule.exclude))
        patterns = {text: compiled(self._chem, text) for text in texts}
        self._rules = [
            (rule, patterns[rule.smarts], [patterns[text] for text in rule.exclude]) for rule in rules
        ]
        self._screen = Screen([pattern for _, pattern, _ in self._rules])

    def read_smiles(self, text: str, *, as_sent: bool) -> Structure | Unreadable:
        if not as_sent and "." in text and (part := self._largest_part(text)) is not None:
            return self._keyed(part.mol, text=part.text, as_sent=False, refusal="not_smiles")
        mol = self._chem.MolFromSmiles(text, self._parameters)
        return self._described(mol, text=text, as_sent=as_sent, refusal="not_smiles")

    def read_inchi(self, text: str, *, as_sent: bool) -> Structure | Unreadable:
        mol = self._chem.MolFromInchi(text, sanitize=False, removeHs=False)
        return self._described(mol, text=text, as_sent=as_sent, refusal="not_inchi")

    def _largest_part(self, text: str) -> "_Part | None":
        """Return the parent of a salt without reading the salt as a whole, which costs half as much again.

        It is the part that the library would choose: organic, with most atoms. None where that is not plain
        to see, where a part is no molecule by itself, and where the parent is no organic one.
        """
        parts = [
            _Part(text=part, mol=self._chem.MolFromSmiles(part, self._parameters)) for part in text.split(".")
        ]
        if len(parts) > _MOST_PARTS or any(part.mol is None for part in parts):
            return None
        if self._is_too_large([part.mol for part in parts]):
            return None
        sizes = [self._size(part.mol) for part in parts]
        largest = max(sizes)
        part = parts[sizes.index(largest)]
        sure = min(sizes) > (False, 0) and sizes.count(largest) == 1 and largest[0]
        return part if sure and part.mol.GetNumHeavyAtoms() >= _LEAST_ORGANIC else None

    def _size(self, mol: Any) -> tuple[bool, int]:
        """Sanitize a part; return whether it is organic and how many atoms it has, 0 for what is no molecule."""
        if self._chem.SanitizeMol(mol, catchErrors=True) != self._chem.SanitizeFlags.SANITIZE_NONE:
            return False, 0
        organic = any(atom.GetAtomicNum() == _CARBON for atom in mol.GetAtoms())
        return organic, mol.GetNumAtoms(onlyExplicit=False)

    def _described(self, mol: Any, *, text: str, as_sent: bool, refusal: str) -> Structure | Unreadable:
        """Return the structure of a parsed, untouched graph."""
        if mol is None or mol.GetNumAtoms() == 0:
            return Unreadable(reason=refusal)
        if self._is_too_large([mol]):
            return Unreadable(reason="too_large")
        if self._chem.SanitizeMol(mol, catchErrors=True) != self._chem.SanitizeFlags.SANITIZE_NONE:
            return Unreadable(reason=refusal)
        return self._keyed(mol, text=text, as_sent=as_sent, refusal=refusal)

    def _keyed(self, mol: Any, *, text: str, as_sent: bool, refusal: str) -> Structure | Unreadable:
        """Return the structure of a sanitized graph."""
        if _STEREO.search(text) is not None:
            self._chem.AssignStereochemistry(mol, cleanIt=True, force=True)
        plain = _PLAIN.fullmatch(_NITRO.sub("N", text)) is not None  # it is its own parent
        parent = mol if plain else self._parent(mol, text=text)
        key = self._known.get(self._chem.MolToSmiles(parent)) if self._known else None
        key = key or self._chem.MolToInchiKey(parent)
        own = plain or (key and not as_sent and parent.GetNumHeavyAtoms() >= _LEAST_ORGANIC)
        raw = key if own else self._chem.MolToInchiKey(mol)
        if not raw:
            return Unreadable(reason=refusal)
        return self._classified(raw, parent=parent, key=key or raw)

    def _is_too_large(self, mols: Sequence[Any]) -> bool:
        """Return whether parsed, untouched graphs are together no drug: too big, too dense, or not of atoms."""
        return is_too_large(*mols) or any(self._unfit.is_in(mol) for mol in mols)

    def _parent(self, mol: Any, *, text: str) -> Any:
        """Return the largest organic part without charges and isotopes."""
        parent = self._uncharger.uncharge(self._largest.choose(mol) if "." in text else mol)
        if _MARKED_ATOM.search(text) is None:
            return parent
        for atom in parent.GetAtoms():
            atom.SetIsotope(0)
        parent = self._chem.RemoveHs(parent, sanitize=False)
        self._chem.SanitizeMol(parent, catchErrors=True)
        return parent

    def _classified(self, raw: str, *, parent: Any, key: str) -> Structure:
        if {raw[:_BLOCK], key[:_BLOCK]} & self._blocks:
            return Structure(raw_inchikey=raw, inchikey=key, families=(), flags=(), rules=())
        weight = self._descriptors.CalcExactMolWt(parent)
        counts = counts_of(
            formula=self._descriptors.CalcMolFormula(parent),
            aliphatic_ring=len(parent.GetSubstructMatches(self._aliphatic_ring)),
            aromatic=len(parent.GetAromaticAtoms()),
            rings=parent.GetRingInfo().NumRings(),
        )
        fired = [
            rule
            for rule, pattern, excluded in map(self._rules.__getitem__, self._screen.possible(counts))
            if weight <= rule.max_weight
            and pattern.is_in(parent)
            and not any(other.is_in(parent) for other in excluded)
        ]
        fired.sort(key=lambda rule: (rule.precedence is None, rule.precedence or 0, rule.name))
        return Structure(
            raw_inchikey=raw,
            inchikey=key,
            families=tuple(dict.fromkeys(rule.name for rule in fired if rule.precedence is not None)),
            flags=tuple(dict.fromkeys(rule.name for rule in fired if rule.precedence is None)),
            rules=tuple(rule.rule_id for rule in fired),
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a SMILES, and its parsed graph; None where it is not readable by itself."""

    text: str
    mol: Any
