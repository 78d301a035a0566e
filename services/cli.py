"""The `relay` command: what each of its commands does stands in `services.commands`."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from services.commands import (
    alerts,
    backups,
    baselines,
    catalogue,
    classify,
    configuration,
    deliveries,
    doctor,
    faults,
    healthcheck,
    identify,
    keys,
    letters,
    migrate,
    recipients,
    reviews,
    serve,
    topics,
)

app = typer.Typer(
    name="relay",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    serve.serve,
    serve.demo,
    migrate.migrate,
    configuration.check_config,
    doctor.doctor,
    classify.classify,
    identify.identify,
    backups.backup,
    backups.restore,
    healthcheck.healthcheck,
):
    app.command()(_command)
app.add_typer(keys.app, name="keys")
app.add_typer(recipients.app, name="recipients")
app.add_typer(baselines.app, name="baselines")
app.add_typer(alerts.app, name="alerts")
app.add_typer(reviews.app, name="reviews")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(letters.app, name="dead-letters")
app.add_typer(topics.app, name="topics")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"relay {version('early-warning-relay')}")
        raise typer.Exit


@app.callback()
def relay(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit."),
    ] = False,
) -> None:
    """Gather national drug alerts, classify them, tell the focal points, measure how long it took."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    return faults.run(lambda given: app(list(given), prog_name="relay"), arguments)


def main() -> None:
    """Run the command of `sys.argv`."""
    sys.exit(run(sys.argv[1:]))
