"""The account of a chaos run, id by id: what was accepted, what the receivers' own logs say, what the ledger says.

Doubled and re-sent are counted by what a message says: a second success for the same alert version, occasion,
recipient and channel under another id (doubled), or under the same id (re-sent). An alert is lost where the ledger
has not brought it to an end, or where a place that is due to hear it heard neither it nor, instead, a later version.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select

from benchmarks.chaos_load import PREFIX, Name
from services.storage.deliveries_reading import violations
from services.storage.tables import notifications, receipts, verdicts

WEBHOOK: Final = ("webhook", "chaos-webhook")  # channel and recipient: each gets everything
EMAIL: Final = ("email", "chaos-email")
DRAINED_WITHIN: Final = 60.0  # seconds after the last fault
_MOST_RESENT: Final = 0.01
_ENDED_WELL: Final = frozenset({"delivered", "superseded", "withheld"})

Told = dict[tuple[tuple[str, str], Name, str], list[str]]  # (place, alert version, occasion) -> ids in order


@dataclass(slots=True, kw_only=True)
class Account:
    """What a run came to. `lost`, `disordered`, `different` and `faults` are lines for people."""

    rounds: int = 0
    accepted: int = 0
    classified: int = 0
    dead: int = 0
    delivered: int = 0
    doubled: int = 0
    resent: int = 0
    lost: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    drained_after: float | None = None  # seconds after the last fault; None: not at all

    def closing_line(self) -> str:
        """The last line that the run prints."""
        return (
            f"chaos: rounds {self.rounds}, accepted {self.accepted}, classified {self.classified}, "
            f"dead {self.dead}, lost {len(self.lost)}, doubled {self.doubled}, re-sent {self.resent}"
        )

    def complaints(self) -> list[str]:
        """Return why the run failed; empty: it passed."""
        found = [f"lost: {one}" for one in self.lost]
        found += [f"wrong order: {one}" for one in self.disordered]
        found += [f"another verdict: {one}" for one in self.different]
        found += self.faults
        if self.doubled:
            found.append(f"{self.doubled} doubled")
        if self.resent >= max(1, self.delivered) * _MOST_RESENT:
            found.append(f"{self.resent} of {self.delivered} deliveries were re-sent, 1 % or more")
        if self.drained_after is None or self.drained_after > DRAINED_WITHIN:
            took = "never" if self.drained_after is None else f"after {self.drained_after:.0f} s"
            found.append(f"drained {took}, not within {DRAINED_WITHIN:.0f} s of the last fault")
        if self.classified + self.dead != self.accepted:
            found.append("accepted is not classified + dead")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the ledger has: state of each message, (id, state) of each notification."""

    states: Mapping[Name, str]
    again: int  # verdicts beyond the first of a message
    violations: int  # that its own audit finds
    notifications: Sequence[tuple[str, str]]


def kept(connection: Connection) -> Kept:
    """Read what the account asks of the ledger."""
    of_run = receipts.c.national_ref.startswith(f"{PREFIX}-")
    messages = connection.execute(
        select(receipts.c.national_ref, receipts.c.version, receipts.c.state).where(of_run)
    )
    later = select(func.count()).select_from(verdicts).where(verdicts.c.revision > 0)
    rows = connection.execute(select(notifications.c.id, notifications.c.state))
    return Kept(
        states={(row.national_ref, row.version): row.state for row in messages},
        again=connection.execute(later).scalar_one(),
        violations=violations(connection, now=datetime.now(UTC), patience=timedelta(0)),
        notifications=[(row.id, row.state) for row in rows],
    )


def heard(webhooks: Iterable[Mapping[str, Any]], mails: Iterable[Mapping[str, Any]]) -> Told:
    """Return what the receivers took, in the order in which it came."""
    told: Told = defaultdict(list)
    for entry in webhooks:
        if entry["status"] == 204:
            place = ("webhook", str(entry["path"]).strip("/"))
            name = (str(entry["national_ref"]), int(entry["alert_version"]))
            told[place, name, str(entry["occasion"])].append(str(entry["id"]))
    for entry in mails:
        name = (str(entry["national_ref"]), int(entry["alert_version"]))
        for address in entry["to"]:  # the letter does not name its occasion: of this load there is but one
            place = ("email", str(address).partition("@")[0])
            told[place, name, "issue"].append(str(entry["id"]).strip("<>").partition("@")[0])
    return told


def disordered(webhooks: Iterable[Mapping[str, Any]], mails: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return each arrival of a version behind a higher one at the same recipient and channel."""
    found: list[str] = []
    newest: dict[tuple[str, str], int] = {}
    for channel, entries in (("webhook", webhooks), ("email", mails)):
        for entry in entries:
            if entry.get("status", 204) != 204:
                continue
            place = (channel, str(entry["national_ref"]))
            version = int(entry["alert_version"])
            if version < newest.get(place, 0):
                found.append(f"{place[1]} version {version} behind {newest[place]} by {channel}")
            newest[place] = max(version, newest.get(place, 0))
    return found


def settle(account: Account, *, accepted: set[Name], told: Told, ledger: Kept) -> None:
    """Write into `account` what the receivers and the ledger say of what was accepted."""
    states = ledger.states
    account.accepted = len(accepted)
    account.classified = sum(states.get(name) == "classified" for name in accepted)
    account.dead = sum(states.get(name) == "dead" for name in accepted)
    account.delivered = sum(len(ids) for ids in told.values())
    account.doubled = sum(len(set(ids)) - 1 for ids in told.values())
    account.resent = sum(len(ids) - len(set(ids)) for ids in told.values())
    newest: dict[tuple[tuple[str, str], str], int] = defaultdict(int)
    for place, (reference, version), _ in told:
        newest[place, reference] = max(version, newest[place, reference])
    for name in sorted(accepted):
        state = states.get(name, "unknown to the ledger")
        if state not in ("classified", "dead"):
            account.lost.append(f"{name}: {state}")
        elif state == "classified":
            account.lost += [
                f"{name}: not told by {place[0]}"
                for place in (WEBHOOK, EMAIL)
                if newest[place, name[0]] < name[1]
            ]
    arrived = {one for ids in told.values() for one in ids}
    for notification_id, state in ledger.notifications:
        if state not in _ENDED_WELL:
            account.lost.append(f"notification {notification_id} is {state}")
        elif state == "delivered" and notification_id not in arrived:
            account.lost.append(f"notification {notification_id} is delivered, and nobody has it")
    if ledger.again:
        account.faults.append(f"{ledger.again} verdicts were made again without a cause")
    if ledger.violations:
        account.faults.append(f"the audit of the deliveries finds {ledger.violations} violations")
    unknown = len(states.keys() - accepted)
    if unknown:
        account.faults.append(f"the ledger has {unknown} alerts that no 202 stands for")
