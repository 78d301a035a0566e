"""What a chaos run does to a relay: which faults, in which order, and how each is done.

A round has one fault, sometimes two at once. The two longest, which tell whether alerts are taken while the
broker is away, stand alone.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.demo.cluster import Cluster

Place = tuple[str, int]
COUNTS: Final = {"classify": 2, "notify": 2}
PLACES: Final[Sequence[Place]] = (
    ("classify", 0),
    ("classify", 1),
    ("notify", 0),
    ("notify", 1),
    ("ingest", 0),
    ("upkeep", 0),
)
LONG_STOP: Final = 60.0  # seconds
LONG_HALT: Final = 45.0
_HALTED: Final = (12.0, 14.0)  # past the session timeout of 10 s
_STOPPED: Final = (5.0, 20.0)


class Kind(StrEnum):
    """How something is broken."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    HALT = "SIGSTOP"
    BROKER_KILL = "broker kill -9"
    BROKER_STOP = "broker stopped"
    BROKER_HALT = "broker SIGSTOP"
    DATABASE_RESTART = "database restart"
    DATABASE_KILL = "database kill -9"


OF_THE_BROKER: Final = frozenset({Kind.BROKER_KILL, Kind.BROKER_STOP, Kind.BROKER_HALT})
OF_A_PROCESS: Final = (Kind.KILL, Kind.TERM, Kind.HALT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: of a process (`place`), the broker or the database; `lasts` and `after` are seconds."""

    kind: Kind
    place: Place | None = None
    lasts: float = 0.0
    after: float = 0.0  # the start of the round

    def __str__(self) -> str:
        """Return it as a person reads it."""
        where = "" if self.place is None else f" {self.place[0]} {self.place[1]}"
        return f"{self.kind}{where}" + (f" for {self.lasts:.0f} s" if self.lasts else "")


Round = tuple[Fault, ...]


def plan(rounds: int, *, dice: random.Random) -> list[Round]:
    """Return what is done in each round.

    From 3 rounds on one is a broker stopped for 60 s and one a broker halted for 45 s; from 20 on every fault of
    every process comes at least once.
    """
    alone: list[Round] = []
    if rounds >= len((LONG_STOP, LONG_HALT)) + 1:
        alone = [
            (Fault(kind=Kind.BROKER_STOP, lasts=LONG_STOP),),
            (Fault(kind=Kind.BROKER_HALT, lasts=LONG_HALT),),
        ]
    deck = list(_deck(dice))
    while len(deck) < rounds - len(alone):
        deck += _deck(dice)
    singles = [[fault] for fault in deck[: rounds - len(alone)]]
    for fault in deck[len(singles) :]:
        partner = dice.choice(
            [one for one in singles if len(one) == 1 and one[0].place != fault.place] or [[]]
        )
        partner.append(_later(fault, dice))
    whole = [tuple(one) for one in singles] + alone
    dice.shuffle(whole)
    return whole


async def strike(cluster: Cluster, fault: Fault) -> None:
    """Break what `fault` says, for as long as it says, and let it go on."""
    await asyncio.sleep(fault.after)
    kafka, database = cluster.kafka, cluster.postgresql
    match fault.kind:
        case Kind.KILL | Kind.TERM | Kind.HALT:
            await _strike_process(cluster, fault)
        case Kind.BROKER_KILL:
            await asyncio.to_thread(kafka.kill)
            await asyncio.to_thread(kafka.start)
        case Kind.BROKER_STOP:
            await asyncio.to_thread(kafka.stop)
            await asyncio.sleep(fault.lasts)
            await asyncio.to_thread(kafka.start)
        case Kind.BROKER_HALT:
            kafka.pause()
            try:
                await asyncio.sleep(fault.lasts)
            finally:
                kafka.resume()
        case Kind.DATABASE_RESTART:
            await asyncio.to_thread(database.restart)
        case Kind.DATABASE_KILL:
            await asyncio.to_thread(database.kill)
            await asyncio.to_thread(database.start)


async def _strike_process(cluster: Cluster, fault: Fault) -> None:
    assert fault.place is not None
    process = cluster.processes[fault.place]
    match fault.kind:
        case Kind.KILL:
            await process.kill()
        case Kind.TERM:
            await process.stop()
        case _:
            process.pause()
            try:
                await asyncio.sleep(fault.lasts)
            finally:  # halted, it would never end
                process.resume()


def _deck(dice: random.Random) -> Iterator[Fault]:
    """Yield every fault once, in a random order."""
    deck = [
        Fault(kind=kind, place=place, lasts=dice.uniform(*_HALTED) if kind is Kind.HALT else 0.0)
        for kind in OF_A_PROCESS
        for place in PLACES
    ]
    deck += [
        Fault(kind=Kind.BROKER_KILL),
        Fault(kind=Kind.BROKER_STOP, lasts=dice.uniform(*_STOPPED)),
        Fault(kind=Kind.DATABASE_RESTART),
        Fault(kind=Kind.DATABASE_KILL),
    ]
    dice.shuffle(deck)
    yield from deck


def _later(fault: Fault, dice: random.Random) -> Fault:
    return Fault(kind=fault.kind, place=fault.place, lasts=fault.lasts, after=dice.uniform(0.0, 3.0))
