"""`relay keys`: who may call, and the secrets of this installation."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from schemas.blocks import Mailbox
from schemas.vocabularies import SenderRole
from services.commands import ledger, output
from services.commands.faults import Failed
from services.reference.states import load_states
from services.runtime.secrets_file import new_key
from services.storage import recipients
from services.storage.keys import SCOPES, NewKey
from services.storage.records import ApiKey, Directory

app = typer.Typer(no_args_is_help=True, help="API keys, and the secrets of this installation.")

_COLUMNS = ("id", "institution", "country", "scopes", "countries", "created_at", "expires_at", "state")
_DAYS = typer.Option(min=1, max=3650, help="Days until it ends; never by default.")


_PERMITS = (
    "send: alerts, and changes of its own; amend: changes of those of its state's other institutions; read: alerts "
    "and notifications that it may see; acknowledge: read its notifications and answer them; secretariat: every "
    "alert, and the human queue."
)


def _scopes(given: list[str]) -> list[str]:
    wrong = sorted(set(given) - SCOPES)
    if wrong:
        raise typer.BadParameter(f"{' '.join(wrong)}: not among {', '.join(sorted(SCOPES))}")
    return given


def _country_codes(given: list[str] | None) -> list[str] | None:
    for code in given or ():
        country_code(code)
    return given


def country_or_none(given: str | None) -> str | None:
    """Return a state or territory where one was given on the command line."""
    return given if given is None else country_code(given)


def country_code(code: str) -> str:
    """Return a state or territory given on the command line, or refuse one that the relay does not know."""
    if load_states().get(code) is None:
        raise typer.BadParameter("no state that the relay knows, as ISO 3166-1 alpha-2, such as UY")
    return code


def _mailbox(given: str | None) -> str | None:
    try:
        return given if given is None else TypeAdapter(Mailbox).validate_python(given)
    except ValidationError as fault:
        raise typer.BadParameter("write the address of a role mailbox") from fault


@app.command()
def create(
    institution: Annotated[str, typer.Option(help="Id of the institution in the directory.")],
    scope: Annotated[
        list[str],
        typer.Option(callback=_scopes, help=f"What it may do; repeat it for several. {_PERMITS}"),
    ],
    country: Annotated[
        str | None,
        typer.Option(callback=country_or_none, help="Its state, where the directory does not have it."),
    ] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Its name, as alerts show it, where the directory does not have it.")
    ] = None,
    unlisted: Annotated[
        bool,
        typer.Option("--not-in-directory", help="It only sends: no alert and no answer ever reaches it."),
    ] = False,
    role: Annotated[SenderRole, typer.Option(help="What kind of institution it is.")] = SenderRole.NDO,
    contact: Annotated[
        str | None, typer.Option(callback=_mailbox, help="A role mailbox, never a person's.")
    ] = None,
    reports_for: Annotated[
        list[str] | None,
        typer.Option(callback=_country_codes, help="Countries that it may report for; its own by default."),
    ] = None,
    expires_in: Annotated[int | None, _DAYS] = None,
    as_json: output.Json = False,
) -> None:
    """Create an API key and write it to standard output: it is shown this once and kept nowhere.

    State and name of the institution are those of the directory.
    """
    now = ledger.now()
    state, name = _identity(institution, country=country, organisation=organisation, unlisted=unlisted)
    key = ApiKey(
        id=_new_id(),
        institution_id=institution,
        country=state,
        organisation=name,
        role=role,
        contact=contact,
        countries=frozenset(reports_for or [state]),
        scopes=frozenset(scope),
        created_at=now,
        expires_at=_after(now, expires_in),
    )
    new = NewKey(key=key, secret=_new_secret())
    ledger.using(lambda opened: opened.keys.create(new, actor=ledger.ACTOR))
    _show(new, as_json=as_json)


def _identity(
    institution: str, *, country: str | None, organisation: str | None, unlisted: bool
) -> tuple[str, str]:
    """Return the state and the name of an institution: those of the directory, where it is to be there.

    A key of an id that the directory does not have would get the institution its own alerts back, and no test.
    """
    read: Callable[[Connection], Directory] = partial(recipients.read, version=0)
    found = ledger.using(lambda opened: opened.executor.read(read)).recipients.get(institution)
    if unlisted:
        if found is not None:
            raise typer.BadParameter(f"{institution} is in the directory", param_hint="--not-in-directory")
        if country is None or organisation is None:
            raise typer.BadParameter("needs --country and --organisation", param_hint="--not-in-directory")
        return country, organisation
    if found is None or not found.active:
        raise typer.BadParameter(
            f"the directory has no active institution {institution} (`relay recipients list`); "
            "one that only sends needs --not-in-directory",
            param_hint="--institution",
        )
    if country not in (None, found.country):
        raise typer.BadParameter(f"{institution} is of {found.country}", param_hint="--country")
    if organisation not in (None, found.organisation):
        raise typer.BadParameter("the directory has another name", param_hint="--organisation")
    return found.country, found.organisation


@app.command("list")
def show(as_json: output.Json = False) -> None:
    """List all keys, oldest first, the revoked ones too."""
    now = ledger.now()
    found = ledger.using(lambda opened: opened.keys.listed())
    output.listing([_row(key, now=now) for key in found], _COLUMNS, as_json=as_json)


@app.command()
def rotate(
    key: Annotated[str, typer.Argument(help="Id of the key to replace.")],
    overlap_days: Annotated[int, typer.Option(min=0, max=90, help="Days for which both are valid.")] = 7,
    expires_in: Annotated[int | None, _DAYS] = None,
    as_json: output.Json = False,
) -> None:
    """Replace a key by a new one with the same rights; the old one ends after the overlap."""
    now = ledger.now()

    async def replaced(opened: ledger.Ledger) -> NewKey | None:
        old = next((one for one in await opened.keys.listed() if one.id == key), None)
        if old is None:
            return None
        new = NewKey(key=_successor(old, now=now, expires_in=expires_in), secret=_new_secret())
        until = now + timedelta(days=overlap_days)
        done = await opened.keys.rotate(key, new, overlap_until=until, actor=ledger.ACTOR)
        return new if done else None

    successor = ledger.using(replaced)
    if successor is None:
        raise Failed(f"there is no key {key} that could be replaced")
    _show(successor, as_json=as_json)


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="Id of the key to end.")]) -> None:
    """End a key now; a running relay notices within seconds."""
    ended = ledger.using(lambda opened: opened.keys.revoke(key, at=ledger.now(), actor=ledger.ACTOR))
    if not ended:
        raise Failed(f"there is no key {key} to end")
    output.say(f"relay: {key} is revoked")


@app.command()
def secret() -> None:
    """Write new values of RELAY_SECRETS__LINKS and RELAY_SECRETS__AT_REST, as lines of an environment file."""
    typer.echo(f"RELAY_SECRETS__LINKS=1:{new_key()}")
    typer.echo(f"RELAY_SECRETS__AT_REST={new_key()}")


def _successor(old: ApiKey, *, now: datetime, expires_in: int | None) -> ApiKey:
    return ApiKey(
        id=_new_id(),
        institution_id=old.institution_id,
        country=old.country,
        organisation=old.organisation,
        role=old.role,
        contact=old.contact,
        countries=old.countries,
        scopes=old.scopes,
        created_at=now,
        expires_at=_after(now, expires_in),
    )


def _new_id() -> str:
    return f"key-{secrets.token_hex(6)}"


def _new_secret() -> str:
    return f"rk_{secrets.token_urlsafe(32)}"


def _after(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


def _show(new: NewKey, *, as_json: bool) -> None:
    if as_json:
        output.document({"id": new.key.id, "key": new.secret, "expires_at": new.key.expires_at})
    else:
        typer.echo(new.secret)
    output.say(f"relay: {new.key.id} for {new.key.institution_id}; keep the key now, it is not shown again")


def _row(key: ApiKey, *, now: datetime) -> dict[str, object]:
    return {
        "id": key.id,
        "institution": key.institution_id,
        "country": key.country,
        "organisation": key.organisation,
        "role": key.role,
        "scopes": sorted(key.scopes),
        "countries": sorted(key.countries),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "state": _state(key, now=now),
    }


def _state(key: ApiKey, *, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "valid"
