"""`relay recipients import`: the directory made what a file says, and what a person should know of it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from services.commands import ledger, output
from services.commands.faults import Failed
from services.directory.entries import Parsed
from services.directory.files import read_directory
from services.directory.notices import silent, told, unsigned
from services.directory.participations import decided, listed
from services.notify.channels.address_guard import AddressGuard
from services.reference.states import States, load_states
from services.runtime import ledgers, settings
from services.storage import recipients, webhook_secrets
from services.storage.recipients import Replaced
from services.storage.records import Participation, Recipient, RecipientKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger knows before an import."""

    participations: Mapping[str, Participation]
    active: frozenset[str]  # institutions
    with_secret: frozenset[str]  # institutions


def take_in(
    file: Annotated[
        Path, typer.Argument(help="The whole directory, as JSON, or as CSV where it ends in .csv.")
    ],
    check: Annotated[
        bool, typer.Option("--check", help="Say what is wrong with it and change nothing.")
    ] = False,
) -> None:
    """Make the directory what a file says: who is not in it becomes inactive. Refused whole for one fault."""
    states = load_states()
    parsed = _read(file, states=states)
    for fault in parsed.faults:
        output.say(f"{file}: {fault.pointer or '/'}: {fault.code}: {fault.detail}")
    if parsed.faults:
        raise Failed(f"{file} has {len(parsed.faults)} faults; nothing was changed")
    known = _known(needed=not check)
    taking_part = _taking_part(parsed, known.participations, states=states)
    found = [
        one if one.kind is RecipientKind.SECRETARIAT else replace(one, participation=taking_part[one.country])
        for one in parsed.recipients
    ]
    if check:
        _tell_ended(known.active - {one.id for one in found if one.active})
    else:
        replaced = ledger.using(
            lambda opened: opened.executor.write(partial(_loaded, parsed=parsed, states=states))
        )
        tell(replaced)
    _warn(found, with_secret=known.with_secret, taking_part=taking_part, states=states)
    counted = f"{len(found)} institutions, {len(told(found))} of them told"
    if check:
        output.say(f"relay: {file} is right: {counted}")
    else:
        output.say(f"relay: {counted}: version {replaced.version} of the directory")


def tell(replaced: Replaced) -> None:
    """Say which states take part otherwise than before, and which institutions end."""
    for country, (before, after) in replaced.participations.items():
        output.say(f"relay: {country} is {after}" + (f", was {before}" if before else ""))
    _tell_ended(replaced.ended)


def _tell_ended(ended: Collection[str]) -> None:
    if ended:
        output.say(f"relay: {len(ended)} end: {' '.join(sorted(ended))}")


def _warn(
    found: list[Recipient],
    *,
    with_secret: Collection[str],
    taking_part: Mapping[str, Participation],
    states: States,
) -> None:
    for sentence in silent(found):
        output.say(f"relay: warning: {sentence}")
    if waiting := unsigned(found, with_secret=with_secret):
        output.say(
            f"relay: warning: webhooks wait for `relay recipients webhook-secret`: {' '.join(waiting)}"
        )
    table = listed(states)
    for country, takes in taking_part.items():
        if country in table and table[country] is not takes:
            output.say(f"relay: {country} is {takes}; the table of states has it as {table[country]}")


def _loaded(connection: Connection, *, parsed: Parsed, states: States) -> Replaced:
    return recipients.replace_all(
        connection,
        parsed.recipients,
        taking_part=_taking_part(parsed, recipients.participations_of(connection), states=states),
        actor=ledger.ACTOR,
        now=ledger.now(),
    )


def _taking_part(
    parsed: Parsed, known: Mapping[str, Participation], *, states: States
) -> Mapping[str, Participation]:
    countries = {one.country for one in parsed.recipients if one.kind is not RecipientKind.SECRETARIAT}
    return decided(countries, stated=parsed.stated, known=known, states=states)


def _known(*, needed: bool) -> Known:
    """Return what the ledger knows; a file may be checked before there is one."""
    if not needed and ledgers.unfit(settings.load().ledger) is not None:
        return Known(participations={}, active=frozenset(), with_secret=frozenset())

    def unit(connection: Connection) -> Known:
        before: Iterable[Recipient] = recipients.read(connection, version=0).recipients.values()
        return Known(
            participations=recipients.participations_of(connection),
            active=frozenset(one.id for one in before if one.active),
            with_secret=webhook_secrets.holders(connection, now=ledger.now()),
        )

    return ledger.using(lambda opened: opened.executor.read(unit))


def _read(file: Path, *, states: States) -> Parsed:
    guard = AddressGuard([str(one) for one in settings.load().notify.allow_networks])
    try:
        return read_directory(file, states=states, refuses_url=guard.refuses_url)
    except OSError as fault:
        raise Failed(f"{file}: {fault.strerror}") from fault
