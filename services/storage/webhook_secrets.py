"""Secrets of webhooks: encrypted at rest, two valid while one is rotated, shown once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, bindparam, select

from services.errors import Misconfigured
from services.storage import audit
from services.storage.ports import Executor
from services.storage.tables import webhook_secrets as rows

_valid = (
    select(rows.c.secret)
    .where(
        rows.c.institution_id == bindparam("institution"),
        rows.c.expires_at.is_(None) | (rows.c.expires_at > bindparam("at")),
    )
    .order_by(rows.c.created_at.desc(), rows.c.id)
)
_MOST: Final = 3  # signatures in one header: a rotation within a rotation


class SecretBox:
    """Encrypts with the first key and decrypts with any: keys are Fernet keys, newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as fault:
            raise Misconfigured("RELAY_SECRETS__AT_REST", "each is 32 bytes in URL-safe base64") from fault

    def seal(self, secret: bytes) -> bytes:
        """Return the form in which a secret is stored."""
        return self._fernet.encrypt(secret)

    def open(self, sealed: bytes) -> bytes:
        """Return a stored secret; `Misconfigured` where none of the keys fits it."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken as fault:
            raise Misconfigured(
                "RELAY_SECRETS__AT_REST", "a stored secret was made with another key"
            ) from fault


def valid(connection: Connection, institution_id: str, *, box: SecretBox, now: datetime) -> list[bytes]:
    """Return the secrets that sign now, newest first."""
    found = connection.execute(_valid, {"institution": institution_id, "at": now}).scalars()
    return [box.open(sealed) for sealed in list(found)[:_MOST]]


def holders(connection: Connection, *, now: datetime) -> frozenset[str]:
    """Return the institutions whose webhooks can be signed now."""
    signs = select(rows.c.institution_id).where(rows.c.expires_at.is_(None) | (rows.c.expires_at > now))
    return frozenset(connection.execute(signs).scalars())


def rotate(
    connection: Connection,
    institution_id: str,
    *,
    secret_id: str,
    secret: bytes,
    box: SecretBox,
    overlap_until: datetime,
    actor: str,
    now: datetime,
) -> None:
    """Add a secret; those before it go on signing until ``overlap_until``. Safe to repeat with one id."""
    there = connection.execute(select(rows.c.id).where(rows.c.id == secret_id)).scalar()
    if there is not None:
        return
    connection.execute(
        rows.update()
        .where(
            rows.c.institution_id == institution_id,
            rows.c.expires_at.is_(None) | (rows.c.expires_at > overlap_until),
        )
        .values(expires_at=overlap_until)
    )
    connection.execute(
        rows.insert(),
        {
            "id": secret_id,
            "institution_id": institution_id,
            "secret": box.seal(secret),
            "created_at": now,
            "expires_at": None,
        },
    )
    audit.record(
        connection, actor=actor, act="webhook_secret.rotated", subject=institution_id, detail={}, now=now
    )


class LedgerSecrets:
    """`Secrets` in the ledger; what was read is kept for a moment, for every webhook asks."""

    def __init__(
        self, executor: Executor, box: SecretBox, *, keep_for: timedelta = timedelta(seconds=5)
    ) -> None:
        self._executor = executor
        self._box = box
        self._keep_for = keep_for
        self._kept: dict[str, tuple[datetime, list[bytes]]] = {}

    async def valid(self, institution_id: str, *, now: datetime) -> list[bytes]:
        """Return the secrets of an institution that sign now, newest first."""
        kept = self._kept.get(institution_id)
        if kept is not None and kept[0] <= now < kept[0] + self._keep_for:
            return kept[1]
        found = await self._executor.read(
            partial(valid, institution_id=institution_id, box=self._box, now=now)
        )
        self._kept[institution_id] = (now, found)
        return found

    async def rotate(
        self,
        institution_id: str,
        *,
        secret_id: str,
        secret: bytes,
        overlap_until: datetime,
        actor: str,
        now: datetime,
    ) -> None:
        """Add a secret; those before it go on signing until ``overlap_until``."""
        unit = partial(
            rotate,
            institution_id=institution_id,
            secret_id=secret_id,
            secret=secret,
            box=self._box,
            overlap_until=overlap_until,
            actor=actor,
            now=now,
        )
        await self._executor.write(unit)
        self._kept.pop(institution_id, None)
