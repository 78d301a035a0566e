"""The ports over an executor: each method is one unit of work or one query."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from services.errors import Invalid
from services.storage import audit, dead_letters, keys, leases, outbox, receipts, sign_ins
from services.storage.dead_letters import DeadLetter
from services.storage.keys import NewKey
from services.storage.ports import Executor
from services.storage.receipt_records import Answer, Submission
from services.storage.records import ApiKey, Message, Record


class LedgerReceipts:
    """`Receipts` in the ledger."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def accept(self, submission: Submission) -> Answer:
        """Keep a message with its outgoing record, once."""
        return await self._executor.write(partial(receipts.accept, submission=submission), first=True)

    async def get(self, message_id: str) -> Message | None:
        """Return an accepted message."""
        return await self._executor.read(partial(receipts.get, message_id=message_id))

    async def fits(
        self, *, country: str, sender_id: str, status: str, reference: str
    ) -> frozenset[tuple[str, str]]:
        """Return the alerts that a reference could mean."""
        query = partial(
            receipts.fits, country=country, sender_id=sender_id, status=status, reference=reference
        )
        return await self._executor.read(query)

    async def page(
        self, *, sender_id: str | None, after: tuple[datetime, str] | None, most: int
    ) -> list[Message]:
        """Return messages in order of receipt."""
        return await self._executor.read(partial(receipts.page, sender_id=sender_id, after=after, most=most))

    async def counts(self) -> dict[str, int]:
        """Return how many messages are in each state."""
        return await self._executor.read_slowly(receipts.counts)

    async def stale(self, *, before: datetime, most: int) -> list[Message]:
        """Return messages still pending that were last published before `before`."""
        return await self._executor.read(partial(receipts.stale, before=before, most=most))

    async def publish_again(self, message: Message, *, now: datetime) -> bool:
        """Put a pending message on its topic again."""
        return await self._executor.write(partial(receipts.publish_again, message=message, now=now))

    async def forget_keys(self, *, before: datetime, most: int) -> int:
        """Delete idempotency keys past their retention."""
        return await self._executor.write(partial(receipts.forget_keys, before=before, most=most))


class LedgerKeys:
    """`Keys` in the ledger."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def find(self, secret: str, *, now: datetime) -> ApiKey | None:
        """Return the usable key that `secret` is."""
        return await self._executor.read(partial(keys.find, secret=secret, now=now))

    async def listed(self) -> list[ApiKey]:
        """Return all keys."""
        return await self._executor.read(keys.listed)

    async def create(self, new: NewKey, *, actor: str) -> None:
        """Store a new key."""
        await self._executor.write(partial(keys.create, new=new, actor=actor))

    async def revoke(self, key_id: str, *, at: datetime, actor: str) -> bool:
        """End a key."""
        return await self._executor.write(partial(keys.revoke, key_id=key_id, at=at, actor=actor))

    async def rotate(self, key_id: str, new: NewKey, *, overlap_until: datetime, actor: str) -> bool:
        """Replace a key."""
        unit = partial(keys.rotate, key_id=key_id, new=new, overlap_until=overlap_until, actor=actor)
        return await self._executor.write(unit)


class LedgerDeadLetters:
    """`DeadLetters` in the ledger."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def keep(self, record: Record, fault: Invalid, *, group: str, now: datetime) -> None:
        """Keep a record with its reason, once."""
        unit = partial(dead_letters.keep, record=record, fault=fault, group=group, now=now)
        await self._executor.write(unit)

    async def listed(self, *, most: int) -> list[DeadLetter]:
        """Return the newest."""
        return await self._executor.read(partial(dead_letters.listed, most=most))

    async def replay(self, letter_id: str, *, now: datetime) -> bool:
        """Put one on its topic again."""
        return await self._executor.write(partial(dead_letters.replay, letter_id=letter_id, now=now))

    async def count(self) -> int:
        """Return how many wait for a person."""
        return await self._executor.read(dead_letters.count)


class LedgerAudit:
    """`Audit` in the ledger."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def record(
        self, *, actor: str, act: str, subject: str, detail: dict[str, object], now: datetime
    ) -> None:
        """Write down one act."""
        unit = partial(audit.record, actor=actor, act=act, subject=subject, detail=detail, now=now)
        await self._executor.write(unit)

    async def chain(self, *, most: int) -> int:
        """Chain what is not chained yet."""
        return await self._executor.write(partial(audit.chain, most=most))

    async def broken(self) -> int | None:
        """Return the first record that does not follow from the one before."""
        return await self._executor.read_slowly(audit.broken)


class LedgerLeases:
    """`Leases` in the ledger."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def acquire(self, name: str, *, holder: str, now: datetime, until: datetime) -> bool:
        """Take or renew a lease."""
        return await self._executor.write(
            partial(leases.acquire, name=name, holder=holder, now=now, until=until)
        )

    async def held(self) -> dict[str, datetime]:
        """Return until when each lease is held."""
        return await self._executor.read(leases.held)


class LedgerOutbox:
    """What upkeep and metrics ask of the outbox."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def prune(self, *, groups: Sequence[str], now: datetime, keep_for: timedelta, most: int) -> int:
        """Delete old records that every group has read; return how many."""
        unit = partial(outbox.prune, groups=groups, before=now - keep_for, most=most)
        return await self._executor.write(unit)

    async def backlog(self, *, group: str, topics: Sequence[str]) -> tuple[int, datetime | None]:
        """Return how many records a group has still to read, and the time of the oldest."""
        return await self._executor.read(partial(outbox.backlog, group=group, topics=topics))


class LedgerSignIns:
    """`SignIns` in the ledger."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def put_code(
        self, recipient_id: str, *, address_sha256: str, code_sha256: str, now: datetime, expires_at: datetime
    ) -> None:
        """Keep a code; an earlier one of this address is void."""
        unit = partial(
            sign_ins.put_code,
            recipient_id=recipient_id,
            address_sha256=address_sha256,
            code_sha256=code_sha256,
            now=now,
            expires_at=expires_at,
        )
        await self._executor.write(unit)

    async def take_code(self, *, address_sha256: str, code_sha256: str, now: datetime) -> str | None:
        """Return whose code this is and spend it, or count a wrong one."""
        unit = partial(sign_ins.take_code, address_sha256=address_sha256, code_sha256=code_sha256, now=now)
        return await self._executor.write(unit)

    async def check_code(self, *, address_sha256: str, code_sha256: str, now: datetime) -> bool:
        """Return whether this is the code, which stays good, or count a wrong one."""
        unit = partial(sign_ins.check_code, address_sha256=address_sha256, code_sha256=code_sha256, now=now)
        return await self._executor.write(unit)

    async def open_session(
        self, session_id: str, *, recipient_id: str, now: datetime, expires_at: datetime
    ) -> None:
        """Keep a session."""
        unit = partial(
            sign_ins.open_session,
            session_id=session_id,
            recipient_id=recipient_id,
            now=now,
            expires_at=expires_at,
        )
        await self._executor.write(unit)

    async def session(self, session_id: str, *, now: datetime) -> str | None:
        """Return the recipient of a session that lives."""
        return await self._executor.read(partial(sign_ins.session, session_id=session_id, now=now))

    async def close_session(self, session_id: str) -> None:
        """End a session."""
        await self._executor.write(partial(sign_ins.close_session, session_id=session_id))
