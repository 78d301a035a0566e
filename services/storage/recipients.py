"""The directory as it is stored: institutions, their channels, how their states take part.

An institution that left is kept and inactive: what was sent to it must stay readable. Every change gives the
directory a new version, which routings name.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from schemas.vocabularies import Audience
from services.storage import audit
from services.storage.driver import run
from services.storage.records import Channel, ChannelKind, Directory, Participation, Recipient, RecipientKind
from services.storage.repeating import one_statement
from services.storage.statements import insert_once, next_number
from services.storage.tables import counters, institutions, participations

VERSION: Final = "directory"

_version = select(counters.c.value).where(counters.c.name == VERSION)
_all = select(institutions.c.document, institutions.c.active).order_by(institutions.c.id)
_participations = select(participations.c.country, participations.c.participation)
_update = (
    institutions.update()
    .where(institutions.c.id == bindparam("institution"))
    .values(
        country=bindparam("new_country"),
        organisation=bindparam("new_organisation"),
        kind=bindparam("new_kind"),
        language=bindparam("new_language"),
        timezone=bindparam("new_timezone"),
        audiences=bindparam("new_audiences"),
        categories=bindparam("new_categories"),
        active=bindparam("new_active"),
        document=bindparam("new_document"),
        updated_at=bindparam("new_updated_at"),
    )
)
_take_part = (
    participations.update()
    .where(participations.c.country == bindparam("state"))
    .values(participation=bindparam("new_participation"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What became of the directory."""

    version: int
    ended: tuple[str, ...]  # institutions that were active and are no more, by id
    participations: Mapping[
        str, tuple[Participation | None, Participation]
    ]  # before and now, where they differ


class DirectoryReader:
    """Reads the directory, again only where its version changed: routing asks for it with every message."""

    def __init__(self) -> None:
        self._last: Directory | None = None

    @one_statement
    def unchanged(self, connection: Connection) -> Directory | None:
        """Return the directory where it is still what was read last, else None: a query of one statement."""
        version = run(connection, _version).scalar() or 0
        last = self._last
        return last if last is not None and last.version == version else None

    def __call__(self, connection: Connection) -> Directory:
        """Return the directory as this transaction sees it."""
        version = run(connection, _version).scalar() or 0
        last = self._last
        if last is None or last.version != version:
            last = read(connection, version=version)
            self._last = last
        return last


def read(connection: Connection, *, version: int) -> Directory:
    """Return every institution, active or not, by id."""
    taking_part = participations_of(connection)
    found = (_from_document(row.document, taking_part) for row in connection.execute(_all))
    return Directory(version=version, recipients={one.id: one for one in found})


def participations_of(connection: Connection) -> dict[str, Participation]:
    """Return how each state that the ledger knows takes part."""
    return {row.country: Participation(row.participation) for row in connection.execute(_participations)}


def replace_all(
    connection: Connection,
    recipients: Iterable[Recipient],
    *,
    taking_part: Mapping[str, Participation],
    actor: str,
    now: datetime,
) -> Replaced:
    """Make the directory what is given and return what that changed.

    Who is not among them becomes inactive. A country that ``taking_part`` does not name keeps its participation.
    """
    given = {one.id: one for one in recipients}
    before = read(connection, version=0).recipients
    known = participations_of(connection)
    left = [one for one in before.values() if one.id not in given and one.active]
    for one in (*map(_inactive, left), *given.values()):
        _put(connection, one, now=now)
    for country, participation in taking_part.items():
        connection.execute(
            insert_once(connection, participations),
            {"country": country, "participation": participation.value},
        )
        connection.execute(_take_part, {"state": country, "new_participation": participation.value})
    replaced = Replaced(
        version=next_number(connection, VERSION),
        ended=tuple(
            sorted(one.id for one in before.values() if one.active and not _is_active(given.get(one.id)))
        ),
        participations={
            country: (known.get(country), now_takes)
            for country, now_takes in taking_part.items()
            if known.get(country) is not now_takes
        },
    )
    detail = {
        "version": replaced.version,
        "added": sorted(given.keys() - before.keys()),
        "ended": replaced.ended,
        "participations": replaced.participations,
    }
    audit.record(
        connection,
        actor=actor,
        act="directory.replaced",
        subject=str(replaced.version),
        detail=detail,
        now=now,
    )
    return replaced


def put(connection: Connection, recipient: Recipient, *, actor: str, now: datetime) -> int:
    """Add or change one institution and return the new version of the directory."""
    _put(connection, recipient, now=now)
    version = next_number(connection, VERSION)
    audit.record(
        connection,
        actor=actor,
        act="directory.changed",
        subject=recipient.id,
        detail={"version": version, "active": recipient.active},
        now=now,
    )
    return version


def _put(connection: Connection, one: Recipient, *, now: datetime) -> None:
    values = {
        "country": one.country,
        "organisation": one.organisation,
        "kind": one.kind.value,
        "language": one.language,
        "timezone": one.timezone,
        "audiences": json.dumps(sorted(one.audiences)),
        "categories": json.dumps(sorted(one.categories)),
        "active": one.active,
        "document": _to_document(one),
        "updated_at": now,
    }
    connection.execute(insert_once(connection, institutions), {"id": one.id} | values)
    connection.execute(
        _update, {"institution": one.id} | {f"new_{name}": value for name, value in values.items()}
    )


def _is_active(one: Recipient | None) -> bool:
    return one is not None and one.active


def _inactive(one: Recipient) -> Recipient:
    return Recipient(**{name: getattr(one, name) for name in one.__slots__ if name != "active"}, active=False)


def _to_document(one: Recipient) -> str:
    return json.dumps(
        {
            "id": one.id,
            "country": one.country,
            "organisation": one.organisation,
            "kind": one.kind.value,
            "language": one.language,
            "timezone": one.timezone,
            "audiences": sorted(one.audiences),
            "categories": sorted(one.categories),
            "channels": [asdict(channel) for channel in one.channels],
            "deputies": [asdict(channel) for channel in one.deputies],
            "active": one.active,
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def _from_document(document: str, taking_part: Mapping[str, Participation]) -> Recipient:
    entry: dict[str, Any] = json.loads(document)
    kind = RecipientKind(entry["kind"])
    # The secretariat belongs to no state. A state that nobody set up takes no part: told is who was asked.
    unset = Participation.ACTIVE if kind is RecipientKind.SECRETARIAT else Participation.NOT_PARTICIPATING
    return Recipient(
        id=entry["id"],
        country=entry["country"],
        organisation=entry["organisation"],
        kind=kind,
        language=entry["language"],
        timezone=entry["timezone"],
        audiences=frozenset(Audience(one) for one in entry["audiences"]),
        categories=frozenset(entry["categories"]),
        channels=tuple(_channel(one) for one in entry["channels"]),
        deputies=tuple(_channel(one) for one in entry["deputies"]),
        active=entry["active"],
        participation=taking_part.get(entry["country"], unset),
    )


def _channel(entry: Mapping[str, Any]) -> Channel:
    return Channel(
        kind=ChannelKind(entry["kind"]),
        address=entry["address"],
        personal=entry["personal"],
        withheld=entry["withheld"],
    )
