"""`relay recipients endpoints` and `enable-endpoint`: addresses that back off, or take nothing any more."""

from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection

from services.commands import ledger, output
from services.notify.occasions import endpoint_id
from services.storage import endpoints, recipients
from services.storage.delivery_records import Health
from services.storage.endpoints import Refusing

_COLUMNS = (
    *("id", "recipient_id", "channel", "state", "failures", "failing_since", "next_probe_at"),
    "reason",
)


def show(as_json: output.Json = False) -> None:
    """List the addresses that fail, are disabled or refuse everything, longest first; the address is hidden."""
    rows = ledger.using(lambda opened: opened.executor.read_slowly(unwell))
    output.listing(rows, _COLUMNS, as_json=as_json)


def unwell(connection: Connection) -> list[dict[str, object]]:
    """Return what is wrong with addresses: failing and disabled ones, then those that refuse everything.

    Of the last only what is in the directory now: another address is no fault any more.
    """
    directory = recipients.read(connection, version=0)
    owners = {
        endpoint_id(one.id, channel): one.id
        for one in directory.recipients.values()
        if one.active
        for channel in (*one.channels, *one.deputies)
    }
    failing = endpoints.listed(connection)
    backs_off = {one.id for one in failing}
    refusing = [
        one
        for one in endpoints.refusing(connection)
        if one.endpoint_id in owners and one.endpoint_id not in backs_off
    ]
    return [
        *(_row(one, owners.get(one.id)) for one in failing),
        *(_refusing_row(one, owners[one.endpoint_id]) for one in refusing),
    ]


def enable(
    endpoint: Annotated[str, typer.Argument(help="Id, as `relay recipients endpoints` shows it.")],
) -> None:
    """Use an address again, after a receiver answered 410 or was repaired: what waits for it is due at once."""
    unit = partial(endpoints.enable, endpoint_id=endpoint, actor=ledger.ACTOR, now=ledger.now())
    if not ledger.using(lambda opened: opened.executor.write(unit)):
        raise typer.BadParameter(f"no address {endpoint} fails or is disabled", param_hint="ENDPOINT")
    output.say(f"relay: {endpoint} is used again; what failed is sent by `relay deliveries replay`")


def _row(one: Health, recipient_id: str | None) -> dict[str, object]:
    return {
        "id": one.id,
        "recipient_id": recipient_id,  # None: the directory has another address now
        "channel": one.id.partition(":")[0],
        "state": "failing" if one.disabled_reason is None else "disabled",
        "failures": one.failures,
        "failing_since": one.failing_since,
        "next_probe_at": one.next_probe_at,
        "reason": one.disabled_reason,
    }


def _refusing_row(one: Refusing, recipient_id: str) -> dict[str, object]:
    return {
        "id": one.endpoint_id,
        "recipient_id": recipient_id,
        "channel": one.endpoint_id.partition(":")[0],
        "state": "refusing",
        "failures": one.failed,
        "failing_since": one.since,
        "next_probe_at": None,
        "reason": one.reason,
    }
