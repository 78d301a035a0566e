"""The `relay` command: what each of its commands does stands in `services.commands`."""

import gc
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from services.commands import faults
from services.commands.later import Later, group_of

COMMANDS = (
    Later(
        "serve",
        "serve:serve",
        "Run the relay until SIGTERM or SIGINT; what is in flight then has RELAY_DRAIN to finish.",
    ),
    Later(
        "demo",
        "serve:demo",
        "Run the relay on a temporary ledger, send the examples, show who got what and how fast.",
    ),
    Later(
        "migrate",
        "migrate:migrate",
        "Create the ledger, or bring it up to the newest revision; safe to repeat, and to run twice at once.",
    ),
    Later(
        "check-config",
        "configuration:check_config",
        "Check the settings in RELAY_* and show which hold; secrets are not shown.",
    ),
    Later(
        "doctor",
        "doctor:doctor",
        "Check settings, ledger, disk, directory, addresses, mail server and more; exit status 1 where one fails.",
    ),
    Later(
        "classify",
        "classify:classify",
        'Classify alerts: for each line {"classification": ..., "explanation": [...]} or {"problem": ...}.',
    ),
    Later(
        "identify",
        "identify:identify",
        "Identify substances: one JSON object a line in, one a line out, in the same order.",
    ),
    Later("backup", "backups:backup", "Copy the ledger while the relay runs, and check the copy."),
    Later("restore", "backups:restore", "Make a copy the ledger again; the relay must not be running."),
    Later(
        "restored",
        "backups:restored",
        "Mend a database that pg_restore put back, before the relay starts over it: see deploy/README.md.",
    ),
    Later(
        "healthcheck",
        "healthcheck:healthcheck",
        "Ask /readyz; exit status 0 where the relay is ready, 1 where it is not or does not answer.",
    ),
    Later("keys", "keys:app", "API keys, and the secrets of this installation."),
    Later("recipients", "recipients:app", "The directory: who is told, and how states take part."),
    Later("baselines", "baselines:app", "What each state already knows: without it nothing is a first."),
    Later("alerts", "alerts:app", "Accepted alerts and what became of them."),
    Later("reviews", "reviews:app", "What a person should look at: the human queue."),
    Later("merges", "merges:app", "Alerts that were taken for one event, and taking that back."),
    Later("catalogue", "catalogue:app", "Check, show and compare the substance catalogue."),
    Later("deliveries", "deliveries:app", "Notifications and how they ended."),
    Later("dead-letters", "letters:app", "Records that could not be handled."),
    Later("topics", "topics:app", "The topics of the scale-out mode."),
)

# Next to nothing of what is imported and loaded is garbage; looking for it again and again would take a quarter of
# the start. The relay has its own rule once it runs.
_COLLECT_AFTER = (100_000, 50, 100)

app = typer.Typer(
    name="relay",
    cls=group_of(COMMANDS),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # it reads mail, and nothing else here does

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
    gc.set_threshold(*_COLLECT_AFTER)
    sys.exit(run(sys.argv[1:]))
