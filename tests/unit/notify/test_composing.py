"""What one letter says: decided again when it is sent, compared with no more than its reader may compare."""

import pytest

from schemas.alerts import Alert
from schemas.classifications import Correlation, RelatedAlert
from schemas.vocabularies import CorrelationLevel, Tlp
from services.disclosure import Content, redact
from services.notify import composing
from services.notify.changes import changes, without_before
from services.notify.comparing import replaced_by
from services.notify.links import make_links
from services.notify.occasions import endpoint_id, notification_id
from services.storage.delivery_records import Claim, Told
from services.storage.records import Channel, ChannelKind, Notification, NotificationState, Recipient
from tests.builders import NOW, make_alert
from tests.deliveries_rig import email, make_recipient, make_version, webhook

LINKS = make_links(
    "https://relay.example.org",
    relay_id="SATA-UY-2026-000001",
    opaque_id="N-7F3K-92QD",
    notification_id="n",
    token="t",
    restricted=False,
)


def make_claim(
    recipient: Recipient, channel: Channel, *, later_tlps: tuple[str, ...] = (), **overrides: object
) -> Claim:
    version = make_version()
    given: dict[str, object] = {
        "id": notification_id(
            message_id=version.message.id,
            occasion="issue",
            recipient_id=recipient.id,
            channel=channel.kind,
        ),
        "message_id": version.message.id,
        "occasion": "issue",
        "revision": 0,
        "thread_id": "thread-1",
        "thread_version": 1,
        "recipient_id": recipient.id,
        "channel": channel.kind,
        "endpoint_id": endpoint_id(recipient.id, channel),
        "message_type": version.message_type,
        "urgency": 1,
        "content": "full",
        "why": ("focal_point",),
        "state": NotificationState.CLAIMED,
        "reason": None,
        "attempts": 1,
        "created_at": NOW,
        "next_at": None,
        "first_attempt_at": NOW,
        "settled_at": None,
        "due_at": None,
        "cursor": 1,
    }
    row = Notification(**given | overrides)  # type: ignore[arg-type]  # named one by one above
    return Claim(notification=row, token="t", probe=False, disabled=False, later_tlps=later_tlps)


def told(version: int, *, content: str = "full", received: bool = True) -> Told:
    return Told(
        id=f"n{version}",
        message_id=f"m{version}",
        occasion="issue",
        thread_id="thread-1",
        thread_version=version,
        recipient_id="co-focal",
        channel=ChannelKind.EMAIL,
        endpoint_id=endpoint_id("co-focal", email()),
        message_type="alert",
        content=content,
        state="delivered",
        reason=None,
        received=received,
    )


def test_a_notification_follows_its_recipient_to_a_new_address_but_not_to_another_deputy() -> None:
    before = make_recipient(channels=(email(),), deputies=(email("d1"),))
    after = make_recipient(channels=(email("new"),), deputies=(email("d2"),))
    main = make_claim(before, email()).notification
    deputy = make_claim(before, email("d1"), occasion="deputy 1").notification
    assert composing.address_of(main, before) == email()
    assert composing.address_of(main, after) == email("new")
    assert composing.address_of(deputy, before) == email("d1")
    assert composing.address_of(deputy, after) is None


@pytest.mark.parametrize(
    ("kind", "had_earlier", "content"),
    [
        ("alert", False, Content.NOTHING),
        ("correction", True, Content.GONE),
        ("retraction", True, Content.GONE),
        ("correction", False, Content.NOTHING),
        ("update", True, Content.NOTHING),
    ],
)
def test_what_may_not_be_seen_any_more_is_at_most_taken_back(
    kind: str, content: Content, *, had_earlier: bool
) -> None:
    recipient = make_recipient(audiences=frozenset())
    version = make_version(make_alert(message_type=kind))
    reader = composing.reader_of(recipient, webhook())
    claim = make_claim(recipient, webhook())
    assert composing.permit(claim, version, reader, had_earlier=had_earlier).content is content


def test_a_stricter_later_version_closes_one_that_is_still_on_its_way() -> None:
    recipient = make_recipient()
    reader = composing.reader_of(recipient, webhook())
    claim = make_claim(recipient, webhook(), later_tlps=("TLP:RED",))
    assert composing.permit(claim, make_version(), reader, had_earlier=False).content is Content.NOTHING


def test_the_last_version_that_was_sent_is_the_newest_lower_one_that_may_have_arrived() -> None:
    row = make_claim(make_recipient(), email(), thread_version=4).notification
    last = composing.last_sent([told(1), told(2), told(3, received=False), told(4)], row)
    assert last is not None
    assert last.thread_version == 2
    assert composing.first_mail([told(1), told(2)], row) == "n1"


def test_an_earlier_version_that_was_stricter_is_not_shown_beside_a_wider_one() -> None:
    reader = composing.reader_of(make_recipient(), webhook())
    amber = make_version(make_alert(tlp="TLP:AMBER"))
    green = make_version(make_alert(tlp="TLP:GREEN"))
    compared = [
        composing.earlier_of(told(1), one, reader, now_tlp=Tlp.GREEN, now_content=Content.FULL).alert
        for one in (amber, green)
    ]
    assert [one is None for one in compared] == [True, False]


def test_what_is_cut_from_both_versions_is_no_change_of_a_stricter_one() -> None:
    """Small cells of ages are shown to nobody but the sender."""
    reader = composing.reader_of(make_recipient(), webhook())
    bands = [{"from": 18, "to": 24, "cases": 3}, {"from": 25, "to": 30, "cases": 2}, {"from": 31, "cases": 9}]
    harms = [{"cases": 14, "attribution": "suspected", "age_bands": bands}]
    amber = make_version(make_alert(tlp="TLP:AMBER", harms=harms))
    earlier = composing.earlier_of(told(1), amber, reader, now_tlp=Tlp.GREEN, now_content=Content.FULL)
    assert (earlier.alert, earlier.withheld is not None) == (None, True)
    green = make_alert(harms=harms, message_type="correction", tlp="TLP:GREEN")
    now = redact(green, Content.FULL, reader, sender_id="uy-ndo")
    assert earlier.withheld is not None
    assert without_before(changes(earlier.withheld, now)) == ()


def test_a_notice_holds_no_alert_and_no_classification() -> None:
    recipient = make_recipient(channels=(email(),))
    version = make_version(make_alert(tlp="TLP:AMBER"))
    letter = composing.compose(
        make_claim(recipient, email()),
        version,
        composing.reader_of(recipient, email()),
        Content.NOTICE,
        earlier=None,
        related={},
        links=LINKS,
    )
    assert (letter.alert, letter.classification, letter.correlation, letter.disputed_by) == (None,) * 4
    assert letter.ever_restricted


def _harmed(deaths: int, **fields: object) -> Alert:
    return make_alert(harms=[{"deaths": deaths, "attribution": "suspected"}], **fields)


@pytest.mark.parametrize(("kind", "told"), [("correction", [(None, 0)]), ("update", [])])
def test_a_first_reader_of_a_correction_gets_what_is_right_now(kind: str, told: list[object]) -> None:
    recipient = make_recipient()
    before = make_version(_harmed(1), message_id="m1")
    reason = {"update_reason": "new_harms"} if kind == "update" else {}
    version = make_version(_harmed(0, message_type=kind, version=2, **reason), thread_version=2)
    given = {"related": {}, "links": LINKS}
    letter = composing.compose(
        make_claim(recipient, webhook(), thread_version=2),
        version,
        composing.reader_of(recipient, webhook()),
        Content.FULL,
        earlier=None,
        replaced=before,
        **given,  # type: ignore[arg-type]  # named above
    )
    assert [(one.before, one.after) for one in letter.changes] == told
    assert letter.replaces is None


def test_what_a_correction_replaces_is_the_newest_version_that_stated_facts() -> None:
    history = [
        make_version(make_alert(), thread_version=1),
        make_version(make_alert(message_type="dispute"), thread_version=2),
        make_version(make_alert(), thread_version=0, message_id="late", silent=True),
    ]
    version = make_version(make_alert(message_type="correction"), thread_version=3)
    assert replaced_by(version, [*history, version]) is history[0]
    assert replaced_by(history[0], history) is None


def test_related_alerts_that_the_reader_may_not_see_are_neither_named_nor_counted() -> None:
    related = tuple(
        RelatedAlert(id=name, relay_id=f"SATA-{name}", level=CorrelationLevel.SAME_THREAT, reason="key")
        for name in ("BR", "AR")
    )
    version = make_version(
        correlation=Correlation(level=CorrelationLevel.SAME_THREAT, related=related, states_in_window=3)
    )
    others = {
        "BR": make_version(make_alert(location={"country": "BR"})),
        "AR": make_version(make_alert(location={"country": "AR"}, tlp="TLP:RED")),
    }
    recipient = make_recipient()
    letter = composing.compose(
        make_claim(recipient, webhook()),
        version,
        composing.reader_of(recipient, webhook()),
        Content.FULL,
        earlier=None,
        related=others,
        links=LINKS,
    )
    assert letter.correlation is not None
    assert [one.id for one in letter.correlation.related] == ["BR"]
    assert letter.correlation.states_in_window == 2
