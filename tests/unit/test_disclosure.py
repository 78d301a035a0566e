"""Who may see what, over every label, audience, kind of recipient, participation, status and surface."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.classifications import Correlation, FirstSeen, RelatedAlert
from schemas.vocabularies import Audience, CorrelationLevel, First, Status, Tlp
from services.disclosure import (
    Content,
    Reader,
    Surface,
    correlate_for,
    disclose,
    disclose_publicly,
    redact,
    released_to,
    stricter,
)
from services.storage.records import Participation, Recipient, RecipientKind, Version
from tests.builders import make_alert, make_finding
from tests.deliveries_rig import email, make_recipient, make_thread, make_version, webhook

# Email (of one person), webhook, page, API, acknowledgement link.
# F full, p findings of products, N notice, - nothing. Released without a list, not named, not the sender's own.
TABLE = {
    #                                CLEAR    GREEN    AMBER    STRICT   RED
    RecipientKind.FOCAL_POINT: ("FFFFF", "FFFFF", "NFFFN", "NFFFN", "-----"),
    RecipientKind.NETWORK: ("FFFFF", "FFFFF", "NFFFN", "-----", "-----"),
    RecipientKind.OBSERVER: ("FFFFF", "-----", "-----", "-----", "-----"),
    RecipientKind.PRIVATE_SECTOR: ("-----", "-----", "-----", "-----", "-----"),
    RecipientKind.SECRETARIAT: ("--FF-", "--FF-", "--FF-", "--FF-", "--FF-"),
}
# The same where the alert's list of audiences names one of the recipient's.
LISTED = TABLE | {RecipientKind.PRIVATE_SECTOR: ("FFFFF", "ppppp", "-----", "-----", "-----")}
# TLP:RED where the recipient is named.
NAMED = {
    RecipientKind.FOCAL_POINT: "NNFNN",
    RecipientKind.NETWORK: "NNFNN",
    RecipientKind.OBSERVER: "-----",
    RecipientKind.PRIVATE_SECTOR: "-----",
    RecipientKind.SECRETARIAT: "--FF-",
}
NOTHING = "-----"
SURFACES = (Surface.EMAIL, Surface.WEBHOOK, Surface.PAGE, Surface.API, Surface.LINK)
TLPS = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED)
LETTERS = {Content.FULL: "F", Content.FINDINGS: "p", Content.NOTICE: "N", Content.NOTHING: "-"}
AUDIENCES = {
    RecipientKind.PRIVATE_SECTOR: frozenset({Audience.PRIVATE_SECTOR}),
    RecipientKind.SECRETARIAT: frozenset[Audience](),
}


def recipient_of(kind: RecipientKind, participation: Participation = Participation.ACTIVE) -> Recipient:
    audiences = AUDIENCES.get(kind, frozenset({Audience.HEALTH, Audience.FORENSIC}))
    return make_recipient(kind=kind, audiences=audiences, participation=participation)


def seen(alert_fields: dict[str, object], recipient: Recipient, *, sender_id: str = "uy-ndo") -> str:
    alert = make_alert(**alert_fields)
    channels = {Surface.EMAIL: email(personal=True), Surface.WEBHOOK: webhook()}
    return "".join(
        LETTERS[
            disclose(
                alert,
                Reader(recipient=recipient, surface=surface, channel=channels.get(surface)),
                sender_id=sender_id,
            ).content
        ]
        for surface in SURFACES
    )


LISTS: tuple[tuple[str, list[str] | None], ...] = (
    ("no list", None),
    ("nobody", []),
    ("one of theirs", ["health", "private_sector"]),
    ("others", ["law_enforcement"]),
    ("public only", ["public"]),
)


def expected(
    kind: RecipientKind, tlp: Tlp, listed: str, participation: Participation, status: Status, *, named: bool
) -> str:
    """Read the tables above; what stands beside the table in the design is said here in words."""
    if status in (Status.DRAFT, Status.TEST):
        return NOTHING
    if kind is RecipientKind.SECRETARIAT:
        return "--FF-"
    if participation not in (Participation.ACTIVE, Participation.OBSERVER):
        return NOTHING
    if listed in ("nobody", "others", "public only"):
        return NOTHING
    if participation is Participation.OBSERVER and tlp is not Tlp.CLEAR:
        return NOTHING
    if kind is RecipientKind.PRIVATE_SECTOR and listed == "no list":
        return NOTHING
    if tlp is Tlp.RED and named:
        return NAMED[kind]
    table = TABLE if listed == "no list" else LISTED
    return table[kind][TLPS.index(tlp)]


@pytest.mark.parametrize("tlp", TLPS)
@pytest.mark.parametrize("status", Status)
def test_the_whole_table(tlp: Tlp, status: Status) -> None:
    for kind, participation, (name, releasable_to), named in product(
        RecipientKind, Participation, LISTS, (False, True)
    ):
        if named and tlp is not Tlp.RED:
            continue
        fields = {
            "tlp": tlp,
            "status": status,
            "releasable_to": releasable_to,
            "named_recipients": ["co-focal"] if named else [],
        }
        got = seen(fields, recipient_of(kind, participation))
        wanted = expected(kind, tlp, name, participation, status, named=named)
        assert got == wanted, (kind, tlp, name, participation, status, named)


def test_the_sending_institution_is_not_told_of_its_own_alert_but_reads_it() -> None:
    own = recipient_of(RecipientKind.FOCAL_POINT)
    for tlp in TLPS:
        assert seen({"tlp": tlp}, own, sender_id="co-focal") == "--FF-"


def test_another_institution_of_the_senders_state_is_told_like_any_other() -> None:
    police = make_recipient("uy-police", country="UY", kind=RecipientKind.NETWORK)
    assert seen({"tlp": "TLP:GREEN"}, police) == "FFFFF"


def test_a_draft_is_seen_by_its_sender_only() -> None:
    assert seen({"status": "draft"}, recipient_of(RecipientKind.FOCAL_POINT), sender_id="co-focal") == "--FF-"
    assert seen({"status": "draft"}, recipient_of(RecipientKind.SECRETARIAT)) == NOTHING


def test_a_test_goes_to_the_recipients_of_the_senders_institution_only() -> None:
    fields = {"status": "test", "tlp": "TLP:AMBER"}
    assert seen(fields, recipient_of(RecipientKind.FOCAL_POINT), sender_id="co-focal") == "NFFFN"
    assert seen(fields, recipient_of(RecipientKind.FOCAL_POINT)) == NOTHING


def test_an_inactive_institution_sees_nothing_not_even_its_own() -> None:
    gone = make_recipient(active=False)
    assert seen({"tlp": "TLP:CLEAR"}, gone, sender_id="co-focal") == NOTHING


def test_a_webhook_whose_owner_wants_no_content_gets_a_notice_above_green() -> None:
    reader = Reader(recipient=make_recipient(), surface=Surface.WEBHOOK, channel=webhook(withheld=True))
    contents = [disclose(make_alert(tlp=tlp), reader, sender_id="uy-ndo").content for tlp in TLPS[:4]]
    assert contents == [Content.FULL, Content.FULL, Content.NOTICE, Content.NOTICE]


def test_red_goes_to_no_shared_mailbox() -> None:
    alert = make_alert(tlp="TLP:RED", named_recipients=["co-focal"])
    reader = Reader(recipient=make_recipient(), surface=Surface.EMAIL, channel=email(personal=False))
    assert disclose(alert, reader, sender_id="uy-ndo").content is Content.NOTHING


def test_a_view_of_red_by_the_secretariat_is_audited() -> None:
    reader = Reader(recipient=recipient_of(RecipientKind.SECRETARIAT), surface=Surface.PAGE)
    assert disclose(make_alert(tlp="TLP:RED"), reader, sender_id="uy-ndo").audited
    assert not disclose(make_alert(tlp="TLP:AMBER"), reader, sender_id="uy-ndo").audited


def test_a_stricter_later_version_closes_the_earlier_one_and_a_wider_one_opens_nothing() -> None:
    reader = Reader(recipient=make_recipient(), surface=Surface.PAGE)
    green, red = make_alert(tlp="TLP:GREEN"), make_alert(tlp="TLP:RED")
    assert disclose(green, reader, sender_id="x", later_tlps=[Tlp.RED]).content is Content.NOTHING
    assert disclose(red, reader, sender_id="x", later_tlps=[Tlp.CLEAR]).content is Content.NOTHING


def test_the_public_feed_needs_the_label_the_audience_and_the_senders_word() -> None:
    def content(**fields: object) -> Content:
        return disclose_publicly(make_alert(**fields)).content

    public = {"tlp": "TLP:CLEAR", "releasable_to": ["public"], "publish_ok": True}
    assert content(**public) is Content.FULL
    assert content(**public | {"publish_ok": False}) is Content.NOTHING
    assert content(**public | {"releasable_to": ["health"]}) is Content.NOTHING
    assert content(**public | {"releasable_to": None}) is Content.NOTHING
    assert content(**public | {"status": "test"}) is Content.NOTHING
    assert content(tlp="TLP:GREEN", releasable_to=["public"]) is Content.NOTHING


def test_no_list_means_every_audience_but_the_explicit_ones() -> None:
    alert = make_alert()
    assert released_to(alert, make_recipient(audiences=frozenset({Audience.REGULATOR})))
    assert not released_to(alert, make_recipient(audiences=frozenset({Audience.PRIVATE_SECTOR})))
    assert not released_to(alert, make_recipient(audiences=frozenset()))


def test_small_cells_are_hidden_from_all_but_the_sender_and_the_secretariat() -> None:
    alert = make_alert(
        harms=[
            {
                "attribution": "suspected",
                "cases": 20,
                "age_bands": [{"from": 18, "to": 24, "cases": 5}, {"from": 25, "to": 34, "cases": 15}],
                "sex": {"female": 8, "male": 12},
            },
            {
                "attribution": "suspected",
                "cases": 20,
                "age_bands": [
                    {"from": 0, "to": 17, "cases": 1},
                    {"from": 18, "to": 24, "cases": 6},
                    {"from": 25, "to": 34, "cases": 13},
                ],
                "sex": {"female": 4, "male": 16},
            },
        ]
    )
    reader = Reader(recipient=make_recipient(), surface=Surface.API)
    shown = redact(alert, Content.FULL, reader, sender_id="uy-ndo")
    assert shown.harms[0] == alert.harms[0]
    assert [band.cases for band in shown.harms[1].age_bands] == [13]  # 6 would give the 1 away
    assert shown.harms[1].sex is None
    assert shown.harms[1].cases == alert.harms[1].cases
    assert redact(alert, Content.FULL, reader, sender_id="co-focal") == alert
    secretariat = Reader(recipient=recipient_of(RecipientKind.SECRETARIAT), surface=Surface.PAGE)
    assert redact(alert, Content.FULL, secretariat, sender_id="uy-ndo") == alert


def test_attachments_follow_their_own_label() -> None:
    def attachment(name: str, tlp: str | None) -> dict[str, object]:
        return {
            "name": name,
            "media_type": "application/pdf",
            "sha256": "0" * 64,
            "kind": "report",
            "tlp": tlp,
        }

    alert = make_alert(attachments=[attachment("a.pdf", None), attachment("b.pdf", "TLP:AMBER")])
    by_mail = Reader(recipient=make_recipient(), surface=Surface.EMAIL, channel=email())
    by_api = Reader(recipient=make_recipient(), surface=Surface.API)
    assert [one.name for one in redact(alert, Content.FULL, by_mail, sender_id="x").attachments] == ["a.pdf"]
    assert len(redact(alert, Content.FULL, by_api, sender_id="x").attachments) == 2


def test_findings_leave_products_substances_and_goods_and_nothing_else() -> None:
    alert = make_alert(
        findings=[
            make_finding(
                {
                    "name": "fentanyl",
                    "confirmation": "confirmed",
                    "purity": {"value": 3, "unit": "% w/w"},
                },
                sold_as="MDMA",
                quantities=[{"value": 12, "unit": "kg"}],
            )
        ],
        harms=[{"attribution": "suspected", "deaths": 1}],
        event_types=["stopped_shipment"],
        shipment={"kind": "stopped", "declared_as": "colorante", "origin": "CN", "transport": "maritime"},
        narrative="What happened.",
        location={"country": "UY", "admin1": ["UY-MO"], "locality": "Montevideo"},
    )
    reader = Reader(
        recipient=recipient_of(RecipientKind.PRIVATE_SECTOR), surface=Surface.WEBHOOK, channel=webhook()
    )
    shown = redact(alert, Content.FINDINGS, reader, sender_id="uy-ndo")
    assert shown.findings[0].sold_as == "MDMA"
    assert shown.findings[0].substances[0].name == "fentanyl"
    assert shown.findings[0].substances[0].purity is None
    assert shown.shipment is not None
    assert (shown.shipment.declared_as, shown.shipment.transport) == ("colorante", "maritime")
    assert shown.shipment.origin is None
    assert shown.location.country == "UY"
    for hidden in ("Montevideo", "UY-MO", "What happened", 'deaths":1', "% w/w", alert.title, alert.summary):
        assert hidden not in shown.model_dump_json()


def test_members_are_not_told_who_the_others_are() -> None:
    alert = make_alert(tlp="TLP:RED", named_recipients=["co-focal", "br-focal"])
    reader = Reader(recipient=make_recipient(), surface=Surface.PAGE)
    assert redact(alert, Content.FULL, reader, sender_id="uy-ndo").named_recipients == ()


def test_a_notice_shows_no_alert() -> None:
    reader = Reader(recipient=make_recipient(), surface=Surface.EMAIL, channel=email())
    with pytest.raises(ValueError, match="no alert"):
        redact(make_alert(), Content.NOTICE, reader, sender_id="uy-ndo")


def test_the_strictest_of_several_labels() -> None:
    assert stricter(Tlp.GREEN, Tlp.RED, Tlp.AMBER_STRICT) is Tlp.RED
    assert stricter(Tlp.AMBER_STRICT, Tlp.AMBER) is Tlp.AMBER_STRICT


def _related(*names: str) -> Correlation:
    return Correlation(
        level=CorrelationLevel.SAME_EVENT,
        incident_id="incident-1",
        related=tuple(
            RelatedAlert(id=name, relay_id=f"SATA-{name}", level=level, reason="key")
            for name, level in zip(
                names, (CorrelationLevel.SAME_EVENT, CorrelationLevel.SAME_THREAT), strict=True
            )
        ),
        firsts=(
            FirstSeen(scope=First.COUNTRY, country="UY", substance="Carfentanil"),
            FirstSeen(scope=First.ADMIN1, country="UY", admin1="UY-MO", family="fentanyl"),
        ),
        states_in_window=3,
    )


def _of(country: str, tlp: str = "TLP:CLEAR", *, strictest: Tlp | None = None, newest: int = 1) -> Version:
    alert = make_alert(location={"country": country}, tlp=tlp)
    thread = make_thread(alert, strictest_tlp=strictest or alert.tlp, version=newest)
    return make_version(alert, message_id=country, thread=thread)


@pytest.mark.parametrize(
    ("others", "level", "related", "states"),
    [
        ({"BR": _of("BR"), "AR": _of("AR")}, "same_event", ["BR", "AR"], 3),
        ({"BR": _of("BR"), "AR": _of("AR", "TLP:RED")}, "same_event", ["BR"], 2),
        ({"BR": _of("BR", "TLP:RED"), "AR": _of("AR")}, "same_threat", ["AR"], 2),
        ({"BR": _of("BR", strictest=Tlp.RED, newest=2), "AR": _of("AR")}, "same_threat", ["AR"], 2),
        ({}, "new", [], 1),
    ],
)
def test_what_derives_from_several_alerts_is_computed_from_those_that_the_reader_may_see(
    others: dict[str, Version], level: str, related: list[str], states: int
) -> None:
    version = make_version(make_alert(), correlation=_related("BR", "AR"))
    reader = Reader(recipient=recipient_of(RecipientKind.FOCAL_POINT), surface=Surface.EMAIL)
    shown = correlate_for(version, reader, Content.FULL, others=others)
    assert (shown.level, [one.id for one in shown.related], shown.states_in_window) == (
        level,
        related,
        states,
    )
    assert (shown.incident_id is None) is (not related)
    assert shown.firsts == version.correlation.firsts


@pytest.mark.parametrize(
    ("seen", "reason", "states"),
    [
        ("BR", "same_substance", 3),  # of the nine that were counted most are not among the related alerts
        ("BR", "same_family", 2),  # another substance
        ("PR", "same_substance", 2),  # a territory of the state that stands beside it
        ("UY", "same_substance", 2),
    ],
)
def test_states_are_counted_by_the_alerts_that_the_reader_sees_and_by_nothing_else(
    seen: str, reason: str, states: int
) -> None:
    related = tuple(
        RelatedAlert(id=name, relay_id=f"SATA-{name}", level=CorrelationLevel.SAME_THREAT, reason=why)
        for name, why in (("US", "same_substance"), (seen, reason))
    )
    version = make_version(
        make_alert(),
        correlation=Correlation(level=CorrelationLevel.SAME_THREAT, related=related, states_in_window=9),
    )
    reader = Reader(recipient=recipient_of(RecipientKind.FOCAL_POINT), surface=Surface.EMAIL)
    shown = correlate_for(version, reader, Content.FULL, others={"US": _of("US"), seen: _of(seen)})
    assert shown.related == related
    assert shown.states_in_window == states


def test_an_older_version_of_another_alert_is_closed_by_what_came_after_it_and_by_nothing_else() -> None:
    version = make_version(make_alert(), correlation=_related("BR", "AR"))
    others = {"BR": _of("BR", strictest=Tlp.RED, newest=3), "AR": _of("AR")}
    reader = Reader(recipient=recipient_of(RecipientKind.FOCAL_POINT), surface=Surface.PAGE)
    for labels, count in (((Tlp.GREEN,), 2), ((Tlp.RED,), 1)):
        shown = correlate_for(version, reader, Content.FULL, others=others, later={"BR": labels})
        assert len(shown.related) == count


def test_who_sees_findings_only_is_not_told_in_which_part_of_the_country_it_is_a_first() -> None:
    version = make_version(make_alert(), correlation=_related("BR", "AR"))
    others = {"BR": _of("BR"), "AR": _of("AR")}
    reader = Reader(recipient=recipient_of(RecipientKind.FOCAL_POINT), surface=Surface.API)
    shown = correlate_for(version, reader, Content.FINDINGS, others=others)
    assert [one.scope for one in shown.firsts] == [First.COUNTRY]


@given(hidden=st.lists(st.sampled_from(["BR", "AR"]), unique=True), kind=st.sampled_from(list(RecipientKind)))
def test_nothing_hidden_is_named_whoever_reads(hidden: list[str], kind: RecipientKind) -> None:
    version = make_version(make_alert(), correlation=_related("BR", "AR"))
    others = {name: _of(name, "TLP:RED" if name in hidden else "TLP:CLEAR") for name in ("BR", "AR")}
    reader = Reader(recipient=recipient_of(kind), surface=Surface.WEBHOOK)
    shown = correlate_for(version, reader, Content.FULL, others=others)
    assert {one.id for one in shown.related}.isdisjoint(hidden)
    assert shown.states_in_window <= 3 - len(hidden)
