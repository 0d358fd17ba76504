"""Our client and AX: every field there and back, several X of an A, temporary callees (ax.md; C-001)."""

from __future__ import annotations

import pytest

from builders.contract import A, C, D, Subject
from builders.contract_account import Account, Control
from builders.contract_client import client_of, soon
from privatenumber.platform import errors
from privatenumber.platform.ax import AxBind, AxCallee, AxModify, AxPreVoice
from privatenumber.platform.client import PlatformClient

pytestmark = pytest.mark.contract("client", mode="AX")


@pytest.fixture
def client(account: Account, ax: Subject) -> PlatformClient:
    return client_of(account, ax)


def test_every_field_of_a_bind_comes_back_by_the_query(client: PlatformClient, ax: Subject) -> None:
    wish = AxBind(
        a=A,
        x=ax.x,
        direction=1,
        max_duration=60,
        record_flag=True,
        record_hint_tone="hint.wav",
        last_min_voice="last.wav",
        private_sms=False,
        turned_on=False,
        pre_voice=AxPreVoice(caller_hint_tone="a.wav", callee_hint_tone="b.wav"),
        user_data="order-1",
    )
    bound = client.ax.bind(wish, deadline=soon())
    row = client.ax.find(ax.x, A, deadline=soon())
    assert row is not None
    assert (bound.a, bound.x, row.subscription_id) == (A, ax.x, bound.subscription_id)
    assert (row.direction, row.max_duration, row.turned_on, row.private_sms) == (1, 60, False, False)
    assert (row.record_flag, row.record_hint_tone, row.last_min_voice) == (True, "hint.wav", "last.wav")
    assert row.pre_voice == {"callerHintTone": "a.wav", "calleeHintTone": "b.wav"}
    assert row.user_data == "order-1"


def test_a_query_by_a_returns_all_its_x(client: PlatformClient, ax: Subject) -> None:
    for x in ax.numbers[:3]:
        client.ax.bind(AxBind(a=A, x=x), deadline=soon())
    rows = client.ax.query(a=A, deadline=soon())
    assert tuple(row.x for row in rows) == ax.numbers[:3]


def test_a_new_a_keeps_the_binding(client: PlatformClient, ax: Subject) -> None:
    bound = client.ax.bind(AxBind(a=A, x=ax.x), deadline=soon()).subscription_id
    client.ax.modify(AxModify(subscription_id=bound, a=D), deadline=soon())
    [row] = client.ax.query(subscription_id=bound, deadline=soon())
    assert (row.a, row.x) == (D, ax.x)


def test_the_callee_is_reached(client: PlatformClient, control: Control, ax: Subject) -> None:
    bound = client.ax.bind(AxBind(a=A, x=ax.x), deadline=soon()).subscription_id
    client.ax.set_callee(AxCallee(subscription_id=bound, callee=C), deadline=soon())
    assert control.call(A, ax.x, wait=True)["callee"] == C


def test_a_callee_whose_answer_is_lost_is_set_again(
    client: PlatformClient, control: Control, ax: Subject
) -> None:
    """result-codes.md §5: idempotent by content, only its life starts anew."""
    bound = client.ax.bind(AxBind(a=A, x=ax.x), deadline=soon()).subscription_id
    control.admin.fault("timeout_after_success", params={"drop": True})
    client.ax.set_callee(AxCallee(subscription_id=bound, callee=C), deadline=soon())
    assert len(control.admin.requests(kind="request", api="ax.set_callee")) == 2
    assert control.call(A, ax.x, wait=True)["callee"] == C


def test_a_callee_of_a_binding_that_is_gone(client: PlatformClient, ax: Subject) -> None:
    bound = client.ax.bind(AxBind(a=A, x=ax.x), deadline=soon()).subscription_id
    client.ax.unbind(bound, deadline=soon())
    with pytest.raises(errors.NotFound):
        client.ax.set_callee(AxCallee(subscription_id=bound, callee=C), deadline=soon())


def test_a_sixth_x_is_the_limit_of_a_person(client: PlatformClient, ax: Subject) -> None:
    for x in ax.numbers[:5]:
        client.ax.bind(AxBind(a=A, x=x), deadline=soon())
    with pytest.raises(errors.LimitPerUser):
        client.ax.bind(AxBind(a=A, x=ax.numbers[5]), deadline=soon())
    bound = client.ax.bind(AxBind(a=D, x=ax.numbers[5]), deadline=soon()).subscription_id
    with pytest.raises(errors.LimitPerUser):
        client.ax.modify(AxModify(subscription_id=bound, a=A), deadline=soon())


def test_a_release_is_refused_while_x_is_suspended(
    client: PlatformClient, control: Control, ax: Subject
) -> None:
    """numbers.md §3: AX is the one mode that does not release then; it is not gone."""
    bound = client.ax.bind(AxBind(a=A, x=ax.x), deadline=soon()).subscription_id
    control.state(ax.x, "9")
    with pytest.raises(errors.NumberState):
        client.ax.unbind(bound, deadline=soon())
    control.state(ax.x, "5")
    client.ax.unbind(bound, deadline=soon())
