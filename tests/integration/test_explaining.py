"""What a diagnosis reads: bounded, of the right application, and no more than is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from builders.bills import rows
from builders.dynamodb import local_client, moto_client
from builders.emulated import START, STRANGER, SUBSCRIPTION, A, B, X
from builders.explained import Explained
from builders.keyrings import KEYRING
from builders.requests_made import log_requests
from privatenumber.bindings.model import Reason, State
from privatenumber.calls.diagnosis.explaining import explain, explain_sms
from privatenumber.calls.diagnosis.view import as_text
from privatenumber.privacy import SealBroken, token
from privatenumber.settings import Mode
from privatenumber.store.evidence import BINDINGS, EvidenceStore
from privatenumber.store.items import encode

pytestmark = pytest.mark.anyio

MOST_REQUESTS = 22
"""Facts, two states, four indexes, bindings, eight audits, pauses, and the caller's other calls."""


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with moto_client() as opened:
        yield opened


def crowd(scene: Explained) -> None:
    """More bindings of other people on X than are read, each made after the one before."""
    for n in range(BINDINGS + 3):
        made_at = START - timedelta(minutes=n + 1)
        a, b = f"+8613900{n:06d}", f"+8613901{n:06d}"
        scene.bound(f"crowd-{n}", a=a, b=b, subscription_id=f"crowd-{n}", asked_at=made_at)


async def test_a_crowd_on_x_costs_no_more_than_a_few(client: Any) -> None:
    """design.md §3: cost is proportional to what is asked for, never to what exists."""
    scene = Explained(client)
    crowd(scene)
    call = await scene.call(STRANGER)
    await scene.settle()
    log = log_requests(client)
    (first, *_) = scene.of(call)
    assert first.situation == "binding.wrong_caller"
    assert len(log.operations) <= MOST_REQUESTS
    assert "Scan" not in log.operations


async def test_the_callers_own_binding_is_found_in_any_crowd(client: Any) -> None:
    """By the indexes of the person, however many were made on X since."""
    scene = Explained(client)
    made = scene.bound(b=B, asked_at=START - timedelta(days=3), lives=timedelta(days=9))
    scene.ends(made, START - timedelta(seconds=40), Reason.DELETED)
    crowd(scene)
    call = await scene.call()
    await scene.settle()
    assert scene.of(call)[0].situation == "binding.released"


@pytest.mark.dynamodb_local
async def test_amazons_own_engine_takes_every_read(dynamodb_local: str) -> None:
    """Conditions and indexes that moto might let pass; an extension, since it reads most."""
    scene = Explained(local_client(dynamodb_local), Mode.AXE)
    made = scene.bound(extension="0007")
    scene.ends(made, START - timedelta(seconds=40), Reason.DELETED, by="ops", why="order cancelled")
    call = await scene.call(B, digits=("0007",) * 4)
    await scene.settle()
    (first, *others) = scene.of(call)
    assert first.situation == "extension.ended"
    assert "order cancelled" in [one.value.en for one in first.evidence]
    assert others == []


async def test_what_came_after_the_call_does_not_hide_what_was_before(client: Any) -> None:
    """An X of AX serves one order after the other."""
    scene = Explained(client, Mode.AX)
    made = scene.bound(asked_at=START - timedelta(hours=2))
    scene.ends(made, START - timedelta(seconds=40))
    for n in range(BINDINGS + 3):
        scene.bound(f"next-{n}", subscription_id=f"next-{n}", asked_at=START + timedelta(minutes=n + 30))
    call = await scene.call(STRANGER)
    await scene.settle()
    assert scene.of(call)[0].situation == "binding.expired"


async def test_an_extension_that_ended_is_found_among_many_of_its_x(client: Any) -> None:
    """axe.md §1: many bindings stand on one X at once."""
    scene = Explained(client, Mode.AXE)
    made = scene.bound(extension="0007", asked_at=START - timedelta(hours=2))
    scene.ends(made, START - timedelta(seconds=40))
    for n in range(BINDINGS + 3):
        made_at, other = START - timedelta(minutes=n + 1), f"+8613900{n:06d}"
        scene.bound(
            f"other-{n}", a=other, extension=f"1{n:03d}", subscription_id=f"other-{n}", asked_at=made_at
        )
    call = await scene.call(B, digits=("0007",) * 4)
    await scene.settle()
    assert scene.of(call)[0].situation == "extension.ended"


async def test_b_of_a_binding_is_found_as_a_is(client: Any) -> None:
    scene = Explained(client)
    made = scene.bound(b=B)
    scene.ends(made, START - timedelta(seconds=40))
    call = await scene.call(B)
    await scene.settle()
    (first, *_) = scene.of(call)
    assert first.situation == "binding.expired"
    assert [one.value.en for one in first.evidence if one.what.en == "caller in it"] == ["the other side"]


async def test_bindings_of_another_application_explain_nothing(client: Any) -> None:
    scene = Explained(client)
    scene.bound(b=B, application="another")
    call = await scene.call()
    await scene.settle()
    assert scene.of(call)[0].situation == "binding.never"


async def test_terms_are_those_of_the_call_and_not_of_today(client: Any) -> None:
    """C-139: the direction was opened after the call that it forbade."""
    scene = Explained(client)
    scene.platform.bind(direction=1)
    made = scene.bound(b=B, direction=1)
    call = await scene.call(B)
    await scene.settle()
    opened = made.terms.__class__(made.a, made.b, made.ends_at, 0, 0)
    scene.becomes(made, scene.now, terms=opened)
    (first, *_) = scene.of(call)
    assert first.situation == "direction.forbidden"
    assert "only A may call" in first.explanation.en


async def test_what_does_not_open_any_more_is_done_without(client: Any) -> None:
    """An extension that was typed is sealed; without its key the code alone speaks."""
    scene = Explained(client, Mode.AXE)
    made = scene.bound(extension="0007")
    scene.ends(made, START - timedelta(seconds=40))
    call = await scene.call(B, digits=("0007",) * 4)
    await scene.settle()

    def broken(sealed: bytes, context: str) -> bytes:
        raise SealBroken("erased")

    evidence = EvidenceStore(client, scene.bindings.name, scene.bills.name)
    session = token(KEYRING, call.session_id, purpose="session")
    (first, *_) = explain(evidence, broken, scene.ours, session, clock=lambda: scene.now)
    assert first.situation == "extension.wrong"


async def test_x_of_events_alone_is_told_only_when_it_is_ours(client: Any) -> None:
    """A number in the place of an X may be a person's; the pool knows."""
    scene = Explained(client)
    scene.platform.fault("lose", times=None, match={"event": "fee"})
    call = await scene.call(STRANGER)
    await scene.settle(0.5)
    assert X not in as_text(scene.of(call), "en")
    number = {"pk": f"X#{X}", "sk": "NUMBER", "x": X}
    client.put_item(TableName=scene.bindings.name, Item=encode(number))
    assert X in as_text(scene.of(call), "en")


async def test_a_pause_that_is_running_confirms_arrears(client: Any) -> None:
    """C-110, billing-rules.md §7: our requests are silent as well."""
    scene = Explained(client)
    scene.platform.bind()
    scene.bound(b=B)
    until = "2026-09-02T01:10:00.000Z"
    pause = {"pk": "PAUSE#demo", "sk": "PAUSE", "until": until, "reason": "frozen"}
    client.put_item(TableName=scene.bindings.name, Item=encode(pause))
    scene.platform.world.account_of(scene.ours.app_key).frozen = True
    call = await scene.call()
    await scene.settle()
    (first, *_) = scene.of(call)
    assert first.situation == "account.frozen"
    assert [one.value.en for one in first.evidence if one.source == "pause"] == [
        "2026-09-02 09:10:00 (Beijing time)"
    ]


async def test_a_rule_beside_the_facts_of_a_call_is_told(client: Any) -> None:
    scene = Explained(client)
    scene.platform.bind()
    scene.bound(b=B)
    call = await scene.call()
    await scene.settle()
    (fact, *_) = [row for row in rows(scene.bills) if row.get("kind") == "cdr"]
    rule = {
        **{"pk": fact["pk"], "sk": "RULE#answers_per_day", "kind": "rule", "application": "demo"},
        **{"rule": "answers_per_day", "within": "application", "limit": 3, "counted": 3},
        **{"act": "stopped", "at": "2026-09-02T01:00:09.000Z"},
    }
    client.put_item(TableName=scene.bills.name, Item=encode(rule))
    (first, *_) = scene.of(call)
    assert first.situation == "rule.stopped"
    assert "at most 3" in first.explanation.en


async def test_nothing_is_said_of_what_never_came(client: Any) -> None:
    scene = Explained(client)
    evidence = EvidenceStore(client, scene.bindings.name, scene.bills.name)
    assert explain(evidence, lambda sealed, context: sealed, scene.ours, "unknown") == ()
    assert explain_sms(evidence, scene.ours, "unknown") == ()


async def test_the_binding_that_served_the_call_is_found_by_its_id(client: Any) -> None:
    """C-046, C-133: also when the caller's number was replaced in it meanwhile."""
    scene = Explained(client)
    scene.platform.bind()
    made = scene.bound(b=B)
    call = await scene.call(talk_s=120)
    await scene.settle()
    swapped = scene.bound("other", a=STRANGER, b=B, subscription_id="other")
    terms = made.terms.__class__(swapped.a, made.b, made.ends_at, 0, 0)
    scene.becomes(made, scene.now, terms=terms)
    assert made.subscription_id == SUBSCRIPTION
    assert made.state is State.ACTIVE
    found = scene.of(call)
    assert [one.situation for one in found] == ["call.answered"]
    assert A[3:] not in as_text(found, "en")
