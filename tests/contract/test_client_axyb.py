"""Our client and AXYB: two steps, their look-ups, single pairs (axyb.md; C-006)."""

from __future__ import annotations

import pytest

from builders.contract import A, B, C, D, Subject
from builders.contract_account import Account, Control
from builders.contract_client import client_of, soon
from privatenumber.platform import errors
from privatenumber.platform.axyb import AxybBindAx, AxybBindYb
from privatenumber.platform.client import PlatformClient

pytestmark = pytest.mark.contract("client", mode="AXYB")


@pytest.fixture
def client(account: Account, axyb: Subject) -> PlatformClient:
    return client_of(account, axyb)


def ax(client: PlatformClient, on: Subject, a: str = A) -> str:
    return client.axyb.bind_ax(AxybBindAx(a=a, area_code=on.area), deadline=soon()).subscription_id


def yb(client: PlatformClient, subscription_id: str, b: str = B) -> str:
    wish = AxybBindYb(subscription_id=subscription_id, b=b)
    return client.axyb.bind_yb(wish, deadline=soon()).number


def partners(client: PlatformClient, subscription_id: str) -> list[str | None]:
    return [row.b for row in client.axyb.query(subscription_id=subscription_id, deadline=soon())]


def test_every_field_of_both_binds_comes_back_by_the_query(client: PlatformClient, axyb: Subject) -> None:
    first = client.axyb.bind_ax(
        AxybBindAx(
            a=A,
            area_code=axyb.area,
            direction=1,
            duration=600,
            yb_duration=300,
            record_flag=True,
            record_hint_tone="hint.wav",
            pre_voice_x="x.wav",
            user_data="order-1",
        ),
        deadline=soon(),
    )
    wish = AxybBindYb(subscription_id=first.subscription_id, b=B, yb_duration=120, pre_voice_y="y.wav")
    second = client.axyb.bind_yb(wish, deadline=soon())
    assert second.subscription_id == first.subscription_id
    [row] = client.axyb.query(x=first.number, deadline=soon())
    assert (row.a, row.x, row.y, row.b) == (A, first.number, second.number, B)
    assert (row.direction, row.duration, row.yb_duration, row.user_data) == (1, 600, 120, "order-1")
    assert (row.record_flag, row.pre_voice_x, row.pre_voice_y) == (True, "x.wav", "y.wav")


def test_an_ax_alone_is_one_row_without_partner(client: PlatformClient, axyb: Subject) -> None:
    assert partners(client, ax(client, axyb)) == [None]


def test_pairs_are_released_one_by_one_and_then_together(client: PlatformClient, axyb: Subject) -> None:
    bound = ax(client, axyb)
    y = yb(client, bound, B)
    yb(client, bound, C)
    yb(client, bound, D)
    client.axyb.unbind_y(bound, y, deadline=soon())
    assert partners(client, bound) == [C, D]
    client.axyb.unbind_b(bound, C, deadline=soon())
    assert partners(client, bound) == [D]
    client.axyb.unbind_ax(bound, deadline=soon())
    with pytest.raises(errors.NotFound):
        partners(client, bound)


@pytest.mark.parametrize("release", ["unbind_y", "unbind_b"])
def test_an_empty_partner_is_refused_here_since_it_would_end_everything(
    client: PlatformClient, control: Control, axyb: Subject, release: str
) -> None:
    """axyb.md §3."""
    bound = ax(client, axyb)
    yb(client, bound)
    with pytest.raises(ValueError, match="locator"):
        getattr(client.axyb, release)(bound, "", deadline=soon())
    assert partners(client, bound) == [B]
    assert control.admin.requests(kind="request", api="axyb.unbind") == []


def test_a_second_step_whose_answer_is_lost_is_found_under_the_id(
    client: PlatformClient, control: Control, axyb: Subject
) -> None:
    """result-codes.md §5: a row with this B; a repetition would only be refused."""
    bound = ax(client, axyb)
    control.admin.fault("timeout_after_success", params={"drop": True})
    with pytest.raises(errors.UnknownOutcome):
        yb(client, bound)
    assert partners(client, bound) == [B]
    with pytest.raises(errors.Conflict):
        yb(client, bound)


def test_a_second_step_that_never_arrived_can_be_repeated(
    client: PlatformClient, control: Control, axyb: Subject
) -> None:
    bound = ax(client, axyb)
    control.admin.fault("timeout_before", params={"drop": True})
    with pytest.raises(errors.UnknownOutcome):
        yb(client, bound)
    assert partners(client, bound) == [None]
    assert yb(client, bound)


def test_a_second_step_under_an_ax_that_is_gone(client: PlatformClient, axyb: Subject) -> None:
    bound = ax(client, axyb)
    client.axyb.unbind_ax(bound, deadline=soon())
    with pytest.raises(errors.NotFound):
        yb(client, bound)


def test_without_numbers_left_there_is_no_resource(client: PlatformClient, axyb: Subject) -> None:
    for last in range(len(axyb.numbers)):
        ax(client, axyb, f"+861390013900{last}")
    with pytest.raises(errors.NoResource):
        ax(client, axyb)


def test_the_key_travels_in_the_query_of_every_request(
    client: PlatformClient, control: Control, axyb: Subject
) -> None:
    """axyb.md §1: without it each of these would be refused with 1010002."""
    bound = ax(client, axyb)
    yb(client, bound)
    partners(client, bound)
    client.axyb.unbind_ax(bound, deadline=soon())
    assert {entry["code"] for entry in control.admin.requests(kind="request")} == {"0"}
