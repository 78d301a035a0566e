"""`relay serve` and `relay demo`: the relay itself, and a short run of it on a temporary ledger."""

from enum import StrEnum
from importlib.metadata import version
from typing import Annotated

import structlog
import typer

from services.runtime import logs, settings
from services.runtime.together import advice, scales_out

log = structlog.get_logger(__name__)


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
    wanted = chosen(roles or [Role.ALL])
    log.info("starting", version=version("early-warning-relay"), services=sorted(wanted))
    for sentence in advice(held):
        log.warning("a setting hardly does what is meant", advice=sentence)
    # the catalogue, the chemistry, the brokers' clients: only the relay itself loads them
    if scales_out(held):
        from services.runtime import kafka

        kafka.serve(held, wanted)
    else:
        from services.runtime import embedded

        embedded.serve(held, wanted)


def demo(
    cluster: Annotated[
        bool, typer.Option("--cluster", help="On PostgreSQL and Kafka, each service a process of its own.")
    ] = False,
) -> None:
    """Run the relay on a temporary ledger, send the examples, show who got what and how fast."""
    from services.demo import run

    raise typer.Exit(run.main(run.cluster if cluster else run.embedded))


def chosen(roles: list[Role]) -> frozenset[str]:
    """Return the services that are meant."""
    return frozenset(EVERY) if Role.ALL in roles else frozenset(role.value for role in roles)
