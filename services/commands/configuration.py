"""`relay check-config`: whether the settings are right, and which hold."""

from typing import Annotated

import typer
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from services.commands import output
from services.commands.faults import USAGE
from services.runtime import settings
from services.runtime.together import advice, faults


def check_config(
    table: Annotated[
        bool, typer.Option("--table", help="Write the Markdown table of all settings and their defaults.")
    ] = False,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Write the Markdown table of all metrics.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Check the settings in RELAY_* and show which hold; secrets are not shown.

    Exit status 2 where `relay serve` would not start with them; whether others answer is for `relay doctor`.
    """
    if table or metrics:
        from services.commands import documentation  # it needs the services, which no other use of this does

        typer.echo(documentation.settings_table() if table else documentation.metrics_table())
        return
    held = settings.load()
    rows = [
        {"setting": name, "value": shown(_value(held, name)), "default": shown(default)}
        for name, _, default in settings.described()
    ]
    output.listing(rows, ("setting", "value", "default"), as_json=as_json)
    for sentence in advice(held):
        output.say(f"relay: warning: {sentence}")
    found = list(faults(held))
    for fault in found:
        output.say(f"relay: {fault}")
    if found:
        raise typer.Exit(USAGE)
    output.say("relay: the settings are right")


def shown(value: object) -> str:
    """Return a value as the environment would hold it; of a secret only that it is there."""
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, tuple):
        return " ".join(str(one) for one in value)
    return str(value if isinstance(value, str) else output.plain(value))


def _value(held: settings.Settings, name: str) -> object:
    value: object = held
    for part in name.removeprefix(settings.PREFIX).lower().split("__"):
        value = getattr(value, part)
    return value
