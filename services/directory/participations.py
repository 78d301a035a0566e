"""How each state takes part once a directory is loaded, or once a person said so.

The table of states only fills in what nobody decided: what stands in the ledger was decided by a person, and an
import that put the table over it would tell a state again that has left.
"""

from collections.abc import Collection, Mapping

from services.reference.states import Participation as Listed
from services.reference.states import States
from services.storage.records import Participation


def listed(states: States) -> Mapping[str, Participation]:
    """Return how every listed state takes part; a territory as its state does, what is unclear not at all."""
    known = {one.value: one for one in Participation}
    return {
        state.code: known.get(_listed(states, state.code).value, Participation.NOT_PARTICIPATING)
        for state in states
    }


def decided(
    countries: Collection[str],
    *,
    stated: Mapping[str, Participation],
    known: Mapping[str, Participation],
    states: States,
) -> Mapping[str, Participation]:
    """Return how each of `countries`, and whatever else `stated` changes, takes part.

    `stated` wins, then what is `known` to the ledger, then the table. What is said of a state holds for its
    territories, unless something is said of the territory itself.
    """
    table = listed(states)
    told_with = {code for code in known if states.sovereign(code) in stated}
    return {
        code: _first(code, states.sovereign(code), (stated, known, table))
        for code in sorted({*countries, *stated, *told_with})
    }


def _first(code: str, sovereign: str, sources: tuple[Mapping[str, Participation], ...]) -> Participation:
    for source in sources:
        for one in (code, sovereign):
            if one in source:
                return source[one]
    return Participation.NOT_PARTICIPATING


def _listed(states: States, code: str) -> Listed:
    return states.participation(code)
