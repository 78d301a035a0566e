"""`relay recipients`: the directory of who is told, and how states take part."""

import secrets as random
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from services.commands import endpoints, importing, ledger, output
from services.commands.faults import Failed
from services.commands.keys import country_code, country_or_none
from services.directory.participations import decided
from services.notify.channels.signing import secret_text
from services.reference.states import load_states
from services.runtime import secrets_file, settings
from services.storage import recipients, webhook_secrets
from services.storage.recipients import Replaced
from services.storage.records import ChannelKind, Directory, Participation, Recipient
from services.storage.webhook_secrets import SecretBox

app = typer.Typer(no_args_is_help=True, help="The directory: who is told, and how states take part.")
app.command("import")(importing.take_in)
app.command("endpoints")(endpoints.show)
app.command("enable-endpoint")(endpoints.enable)

_COLUMNS = (
    "id",
    "country",
    "participation",
    "kind",
    "organisation",
    "language",
    "channels",
    "deputies",
    "active",
)
_SECRET_BYTES = 32


@app.command("list")
def show_all(
    country: Annotated[
        str | None, typer.Option(callback=country_or_none, help="Only of this country.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="The inactive ones too.")] = False,
    as_json: output.Json = False,
) -> None:
    """List the directory by country; addresses are in `show`."""
    found = sorted(_directory().recipients.values(), key=lambda one: (one.country, one.id))
    rows = [
        _row(one)
        for one in found
        if (everybody or one.active) and (country is None or one.country == country)
    ]
    output.listing(rows, _COLUMNS, as_json=as_json)


@app.command("show")
def show_one(recipient: Annotated[str, typer.Argument(help="Id of an institution.")]) -> None:
    """Write one institution as JSON, with its addresses."""
    output.document(asdict(_known(_directory(), recipient)))


@app.command("set-participation")
def set_participation(
    country: Annotated[str, typer.Argument(callback=country_code, help="A state, as ISO 3166-1 alpha-2.")],
    participation: Annotated[Participation, typer.Argument(help="How it takes part.")],
) -> None:
    """Change how a state and its territories take part; it holds for what is sent from now on."""

    def unit(connection: Connection) -> Replaced:
        taking_part = decided(
            (),
            stated={country: participation},
            known=recipients.participations_of(connection),
            states=load_states(),
        )
        return recipients.replace_all(
            connection,
            tuple(recipients.read(connection, version=0).recipients.values()),
            taking_part=taking_part,
            actor=ledger.ACTOR,
            now=ledger.now(),
        )

    replaced = ledger.using(lambda opened: opened.executor.write(unit))
    importing.tell(replaced)
    output.say(f"relay: {country} is {participation}; version {replaced.version} of the directory")


@app.command("webhook-secret")
def webhook_secret(
    recipient: Annotated[str, typer.Argument(help="Id of an institution with a webhook.")],
    overlap_days: Annotated[
        int, typer.Option(min=0, max=90, help="Days for which the old one signs too.")
    ] = 7,
) -> None:
    """Make a new webhook secret and write it to standard output: it is shown this once."""
    keys = secrets_file.load(settings.load()).at_rest
    key = random.token_bytes(_SECRET_BYTES)
    now = ledger.now()

    def unit(connection: Connection) -> None:
        found = _known(recipients.read(connection, version=0), recipient)
        if not any(channel.kind is ChannelKind.WEBHOOK for channel in found.channels):
            raise Failed(f"{recipient} has no webhook")
        webhook_secrets.rotate(
            connection,
            recipient,
            secret_id=f"webhook-{random.token_hex(6)}",
            secret=key,
            box=SecretBox([one.decode() for one in keys]),
            overlap_until=now + timedelta(days=overlap_days),
            actor=ledger.ACTOR,
            now=now,
        )

    ledger.using(lambda opened: opened.executor.write(unit))
    typer.echo(secret_text(key))
    output.say(f"relay: {recipient}: keep the secret now, it is not shown again")


def _directory() -> Directory:
    read: Callable[[Connection], Directory] = partial(recipients.read, version=0)
    return ledger.using(lambda opened: opened.executor.read(read))


def _known(directory: Directory, recipient: str) -> Recipient:
    found = directory.recipients.get(recipient)
    if found is None:
        raise Failed(f"there is no institution {recipient}")
    return found


def _row(one: Recipient) -> dict[str, Any]:
    return {
        "id": one.id,
        "country": one.country,
        "participation": one.participation,
        "kind": one.kind,
        "organisation": one.organisation,
        "language": one.language,
        "timezone": one.timezone,
        "audiences": sorted(one.audiences),
        "categories": sorted(one.categories),
        "channels": [channel.kind.value for channel in one.channels],
        "deputies": len(one.deputies),
        "active": one.active,
    }
