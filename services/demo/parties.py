"""Who takes part in a relay that is set up for a run: senders with their API keys, receivers with webhook secrets."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from services.storage import webhook_secrets
from services.storage.adapters import LedgerKeys
from services.storage.keys import NewKey
from services.storage.ports import Executor
from services.storage.records import ApiKey
from services.storage.webhook_secrets import SecretBox

_ACTOR = "installation"  # in the audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose API key is wanted, and what it may do."""

    institution_id: str
    country: str
    organisation: str
    countries: frozenset[str]
    scopes: frozenset[str]
    role: str = "ndo"
    contact: str | None = None


async def admit(
    ledger: Executor, *, holders: Iterable[Holder], receivers: Iterable[str], at_rest: str
) -> dict[str, str]:
    """Return a new API key for each holder; give each of `receivers` a webhook secret, encrypted with `at_rest`."""
    keys = {holder.institution_id: await _give_key(ledger, holder) for holder in holders}
    box = SecretBox([at_rest])
    for institution_id in receivers:
        await _give_secret(ledger, box, institution_id)
    return keys


async def _give_key(ledger: Executor, holder: Holder) -> str:
    secret = f"rk_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        id=f"key-{holder.institution_id}",
        institution_id=holder.institution_id,
        country=holder.country,
        organisation=holder.organisation,
        role=holder.role,
        contact=holder.contact,
        countries=holder.countries,
        scopes=holder.scopes,
        created_at=datetime.now(UTC),
    )
    await LedgerKeys(ledger).create(NewKey(key=key, secret=secret), actor=_ACTOR)
    return secret


async def _give_secret(ledger: Executor, box: SecretBox, institution_id: str) -> None:
    now = datetime.now(UTC)
    await ledger.write(
        partial(
            webhook_secrets.rotate,
            institution_id=institution_id,
            secret_id=f"webhook-{institution_id}",
            secret=secrets.token_bytes(32),
            box=box,
            overlap_until=now,
            actor=_ACTOR,
            now=now,
        )
    )
