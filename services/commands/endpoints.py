"""`relay recipients endpoints` and `enable-endpoint`: addresses that back off, or take nothing any more."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection

from services.commands import ledger, output
from services.notify.occasions import endpoint_id
from services.storage import endpoints, recipients
from services.storage.delivery_records import Health
from services.storage.records import Directory

_COLUMNS = (
    *("id", "recipient_id", "channel", "state", "failures", "failing_since", "next_probe_at"),
    "disabled_reason",
)


def show(as_json: output.Json = False) -> None:
    """List the addresses that fail or are disabled, those that fail for longest first; the address is hidden."""

    def unit(connection: Connection) -> tuple[list[Health], Directory]:
        return endpoints.listed(connection), recipients.read(connection, version=0)

    reading: Callable[[Connection], tuple[list[Health], Directory]] = unit
    found, directory = ledger.using(lambda opened: opened.executor.read(reading))
    owners = {
        endpoint_id(one.id, channel): one.id
        for one in directory.recipients.values()
        for channel in (*one.channels, *one.deputies)
    }
    output.listing([_row(one, owners.get(one.id)) for one in found], _COLUMNS, as_json=as_json)


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
        "disabled_reason": one.disabled_reason,
    }
