"""`relay healthcheck`: asks a running relay whether it is ready; for images without another HTTP client."""

from typing import Annotated

import httpx
import typer

from services.commands.faults import Failed
from services.commands.output import say
from services.errors import Misconfigured
from services.runtime import settings

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # who listens everywhere is asked here


def healthcheck(
    url: Annotated[
        str | None, typer.Option(help="Address of /readyz; by default that of RELAY_HTTP__*.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds to wait for the answer.")] = 5.0,
) -> None:
    """Ask /readyz; exit status 0 where the relay is ready, 1 where it is not or does not answer."""
    asked = url or ready_url(settings.load().http)
    try:
        answer = httpx.get(asked, timeout=wait, trust_env=False)
    except httpx.InvalidURL as fault:
        raise typer.BadParameter("not a URL", param_hint="--url") from fault
    except httpx.HTTPError as fault:
        raise Failed(f"{asked} does not answer: {type(fault).__name__}") from fault
    if answer.status_code != httpx.codes.OK:
        raise Failed(f"{asked} answers {answer.status_code}: {', '.join(_failing(answer)) or 'not ready'}")
    say(f"relay: {asked} is ready")


def ready_url(http: settings.HttpSettings) -> str:
    """Return the address of /readyz of a relay with these settings: at the port of the metrics, if it has one."""
    own = http.metrics_port is not None
    port = http.metrics_port if http.metrics_port is not None else http.port
    if port == 0:
        setting = "RELAY_HTTP__METRICS_PORT" if own else "RELAY_HTTP__PORT"
        raise Misconfigured(setting, "0 is another port at each start; use --url")
    given = http.metrics_host if own else http.host
    host = _ANY.get(given, given)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/readyz"


def _failing(answer: httpx.Response) -> list[str]:
    try:
        checks = answer.json()["checks"]
        return [str(name) for name, passed in checks.items() if not passed]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
