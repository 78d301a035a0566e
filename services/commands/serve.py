"""`relay serve` and `relay demo`: the relay itself, and a short run of it on a temporary ledger."""

from enum import StrEnum
from typing import Annotated

import typer

from services.runtime import logs, settings


class Role(StrEnum):
    """A service that a process runs."""

    ALL = "all"
    INGEST = "ingest"
    CLASSIFY = "classify"
    NOTIFY = "notify"
    METRICS = "metrics"
    UPKEEP = "upkeep"


EVERY = tuple(role.value for role in Role if role is not Role.ALL)


def serve(
    roles: Annotated[
        list[Role] | None, typer.Argument(help="Services of this process; all of them by default.")
    ] = None,
) -> None:
    """Run the relay until SIGTERM or SIGINT; what is in flight then has RELAY_DRAIN to finish."""
    held = settings.load()
    logs.configure(level=held.log.level, form=held.log.form)
    from services.runtime import embedded  # the catalogue and the chemistry: only the relay itself loads them

    embedded.serve(held, chosen(roles or [Role.ALL]))


def demo() -> None:
    """Run the relay on a temporary ledger, send the examples, show who got what and how fast."""
    from services.demo import run

    raise typer.Exit(run.main())


def chosen(roles: list[Role]) -> frozenset[str]:
    """Return the services that are meant."""
    return frozenset(EVERY) if Role.ALL in roles else frozenset(role.value for role in roles)
