"""What a chaos run counts as lost, doubled, re-sent and out of order, and which faults it plans."""

import random
from typing import Any

import pytest

from benchmarks import chaos_faults
from benchmarks.chaos_account import Account, Kept, disordered, heard, settle
from benchmarks.chaos_faults import PLACES, Kind, plan
from benchmarks.chaos_load import Load, Try

REF = "CHAOS-000001"
FIRST, SECOND = (REF, 1), (REF, 2)


def hook(version: int, *, under: str | None = None, status: int = 204) -> dict[str, Any]:
    return {
        "path": "/chaos-webhook",
        "status": status,
        "national_ref": REF,
        "alert_version": version,
        "occasion": "issue",
        "id": under or f"hook-{version}",
    }


def mail(version: int, *, under: str | None = None) -> dict[str, Any]:
    return {
        "to": ["chaos-email@example.org"],
        "national_ref": REF,
        "alert_version": version,
        "id": f"<{under or f'mail-{version}'}@example.org>",
    }


def account_of(
    hooks: list[dict[str, Any]],
    mails: list[dict[str, Any]],
    *,
    states: dict[tuple[str, int], str] | None = None,
    notifications: tuple[tuple[str, str], ...] = (),
) -> Account:
    account = Account(rounds=1, drained_after=1.0)
    states = {FIRST: "classified"} if states is None else states
    ledger = Kept(states=states, again=0, violations=0, notifications=notifications)
    settle(account, accepted={FIRST, *states}, told=heard(hooks, mails), ledger=ledger)
    account.disordered = disordered(hooks, mails)
    return account


def test_what_both_places_heard_once_is_in_order() -> None:
    account = account_of([hook(1)], [mail(1)], notifications=(("hook-1", "delivered"),))
    assert account.complaints() == []
    assert account.closing_line() == (
        "chaos: rounds 1, accepted 1, classified 1, dead 0, lost 0, doubled 0, re-sent 0"
    )


@pytest.mark.parametrize(
    ("hooks", "mails"),
    [([], [mail(1)]), ([hook(1)], []), ([hook(1, status=503)], [mail(1)])],
    ids=["no webhook", "no mail", "webhook refused"],
)
def test_what_a_place_did_not_hear_is_lost(hooks: list[dict[str, Any]], mails: list[dict[str, Any]]) -> None:
    assert len(account_of(hooks, mails).lost) == 1


def test_a_later_version_stands_for_an_earlier_one_and_not_the_other_way_round() -> None:
    both = {FIRST: "classified", SECOND: "classified"}
    assert account_of([hook(2)], [mail(1), mail(2)], states=both).lost == []
    assert account_of([hook(1)], [mail(1), mail(2)], states=both).lost == [f"{SECOND}: not told by webhook"]


@pytest.mark.parametrize("state", ["pending", "held"])
def test_what_the_ledger_has_not_ended_is_lost_though_it_was_told(state: str) -> None:
    assert account_of([hook(1)], [mail(1)], states={FIRST: state}).lost == [f"{FIRST}: {state}"]


def test_what_the_ledger_does_not_know_is_lost() -> None:
    assert account_of([hook(1)], [mail(1)], states={}).lost == [f"{FIRST}: unknown to the ledger"]


def test_the_dead_need_not_be_told() -> None:
    account = account_of([], [], states={FIRST: "dead"})
    assert (account.lost, account.dead, account.classified) == ([], 1, 0)


def test_a_delivery_that_nobody_has_is_lost_and_so_is_a_notification_without_an_end() -> None:
    ended = (("hook-1", "delivered"), ("hook-9", "delivered"), ("hook-8", "failed"), ("hook-7", "superseded"))
    assert len(account_of([hook(1)], [mail(1)], notifications=ended).lost) == 2


@pytest.mark.parametrize("fault", ["again", "violations"])
def test_what_the_ledger_says_against_itself_fails(fault: str) -> None:
    account = Account(drained_after=1.0)
    nothing: dict[str, Any] = {"states": {}, "again": 0, "violations": 0, "notifications": ()}
    settle(account, accepted=set(), told={}, ledger=Kept(**nothing))
    assert account.complaints() == []
    settle(account, accepted=set(), told={}, ledger=Kept(**nothing | {fault: 1}))
    assert len(account.complaints()) == 1


def test_an_alert_in_the_ledger_that_nobody_was_answered_for_fails() -> None:
    account = Account(drained_after=1.0)
    ledger = Kept(states={FIRST: "classified"}, again=0, violations=0, notifications=())
    settle(account, accepted=set(), told={}, ledger=ledger)
    assert account.complaints() == ["the ledger has 1 alerts that no 202 stands for"]


def test_another_id_is_doubled_and_the_same_id_re_sent() -> None:
    account = account_of([hook(1), hook(1), hook(1, under="other")], [mail(1), mail(1, under="other")])
    assert (account.doubled, account.resent) == (2, 1)


def test_one_in_a_hundred_re_sent_fails() -> None:
    account = Account(delivered=1000, resent=9, drained_after=60.0)
    assert account.complaints() == []
    account.resent = 10
    assert len(account.complaints()) == 1


def test_a_run_that_is_not_drained_in_time_fails() -> None:
    assert Account(drained_after=60.1).complaints() != []
    assert Account(drained_after=None).complaints() != []


def test_a_lower_version_behind_a_higher_one_is_out_of_order_by_its_channel_alone() -> None:
    assert disordered([hook(1), hook(2)], [mail(1), mail(1), mail(2)]) == []
    assert disordered([hook(2), hook(1)], [mail(1), mail(2)]) == [f"{REF} version 1 behind 2 by webhook"]
    assert disordered([hook(2, status=503), hook(1)], []) == []


def test_twenty_rounds_break_everything_in_every_way() -> None:
    for seed in range(30):
        rounds = plan(20, dice=random.Random(seed))
        assert len(rounds) == 20
        assert {len(one) for one in rounds} == {1, 2}
        faults = [fault for one in rounds for fault in one]
        of_processes = {(one.kind, one.place) for one in faults if one.place is not None}
        assert of_processes == {(kind, place) for kind in chaos_faults.OF_A_PROCESS for place in PLACES}
        assert {one.kind for one in faults} == set(Kind)
        assert all(one.lasts >= 12 for one in faults if one.kind is Kind.HALT)
        alone = [one[0] for one in rounds if len(one) == 1]
        assert any(one.kind is Kind.BROKER_STOP and one.lasts >= 60 for one in alone)
        assert any(one.kind is Kind.BROKER_HALT and one.lasts >= 45 for one in alone)


@pytest.mark.parametrize("rounds", [1, 2, 3, 50])
def test_there_are_as_many_rounds_as_asked_for_and_the_same_seed_gives_the_same(rounds: int) -> None:
    planned = plan(rounds, dice=random.Random(5))
    assert len(planned) == rounds
    assert planned == plan(rounds, dice=random.Random(5))


def test_availability_counts_what_was_refused_and_the_longest_time_without_a_good_answer() -> None:
    load = Load(port=1, keys={}, per_second=1, dice=random.Random(0))
    load.tries = [
        Try(0, 1.0, 202),
        Try(10, 10.5, 202),
        Try(11, 12.0, 0),
        Try(12, 14.0, 200),
        Try(30, 30.1, 503),
    ]
    assert load.availability([(10.0, 15.0)]) == (3, 1, 3.5)
    assert load.availability([(10.0, 15.0), (30.0, 31.0)]) == (4, 2, 3.5)
    assert load.availability([(10.25, 15.0)]) == (2, 1, 3.75)  # what began before is another fault's
