"""Our client and AXE: extensions, lives in minutes, the call-back pair (axe.md; C-005)."""

from __future__ import annotations

import pytest

from builders.contract import A, B, C, Subject
from builders.contract_account import Account, Control
from builders.contract_client import client_of, soon
from privatenumber.platform import errors
from privatenumber.platform.axe import AxeBind, AxeModify
from privatenumber.platform.client import PlatformClient

pytestmark = pytest.mark.contract("client", mode="AXE")


@pytest.fixture
def client(account: Account, axe: Subject) -> PlatformClient:
    return client_of(account, axe)


def test_every_field_of_a_bind_comes_back_by_the_query(client: PlatformClient, axe: Subject) -> None:
    wish = AxeBind(
        a=A,
        x=axe.x,
        extension="0007",
        life_minutes=1440,
        callback_life_minutes=720,
        callback_tone="cb.wav",
        record_flag=True,
        record_hint_tone="hint.wav",
        user_data="order-1",
    )
    bound = client.axe.bind(wish, deadline=soon())
    assert (bound.x, bound.extension, bound.life_minutes, bound.callback_life_minutes) == (
        axe.x,
        "0007",
        1440,
        720,
    )
    row = client.axe.query(bound.subscription_id, deadline=soon())
    assert (row.x, row.extension, row.a, row.user_data) == (axe.x, "0007", A, "order-1")
    assert (row.time_unit, row.life, row.callback_life) == ("1", 1440, 720)
    assert (row.callback_tone, row.callback_number) == ("cb.wav", None)
    assert (row.record_flag, row.record_hint_tone) == (True, "hint.wav")


def test_the_platform_may_choose_the_extension(client: PlatformClient, axe: Subject) -> None:
    bound = client.axe.bind(AxeBind(a=A, x=axe.x), deadline=soon())
    assert len(bound.extension) == 4
    found = client.axe.find(axe.x, bound.extension, A, deadline=soon())
    assert found is not None
    assert found.subscription_id == bound.subscription_id


def test_a_life_is_counted_in_minutes(client: PlatformClient, control: Control, axe: Subject) -> None:
    """axe.md §7: never rounded to hours."""
    client.axe.bind(AxeBind(a=A, x=axe.x, extension="0007", life_minutes=90), deadline=soon())
    control.advance(90 * 60 - 1)
    assert client.axe.find(axe.x, "0007", A, deadline=soon())
    control.advance(1)
    assert client.axe.find(axe.x, "0007", A, deadline=soon()) is None


def test_a_modified_life_starts_at_the_modification(
    client: PlatformClient, control: Control, axe: Subject
) -> None:
    bound = client.axe.bind(AxeBind(a=A, x=axe.x, extension="0007", life_minutes=10), deadline=soon())
    control.advance(9 * 60)
    client.axe.modify(AxeModify(subscription_id=bound.subscription_id, life_minutes=10), deadline=soon())
    control.advance(9 * 60)
    assert client.axe.find(axe.x, "0007", A, deadline=soon())


def test_the_call_back_pair_is_set_and_cleared(client: PlatformClient, axe: Subject) -> None:
    """axe.md §4."""
    bound = client.axe.bind(
        AxeBind(a=A, x=axe.x, extension="0007", callback_tone="cb.wav"), deadline=soon()
    ).subscription_id
    seen = []
    for change in ({"callback_number": C}, {"callback_tone": "new.wav"}, {"callback_tone": ""}):
        client.axe.modify(AxeModify(subscription_id=bound, **change), deadline=soon())
        row = client.axe.query(bound, deadline=soon())
        seen.append((row.callback_number, row.callback_tone))
    assert seen == [(C, None), (None, "new.wav"), (None, None)]


@pytest.mark.parametrize(
    ("a", "extension"), [(A, "0008"), (B, "0007")], ids=["A stands there", "extension is taken"]
)
def test_a_taken_place_is_a_conflict(client: PlatformClient, axe: Subject, a: str, extension: str) -> None:
    client.axe.bind(AxeBind(a=A, x=axe.x, extension="0007"), deadline=soon())
    with pytest.raises(errors.Conflict):
        client.axe.bind(AxeBind(a=a, x=axe.x, extension=extension), deadline=soon())


def test_an_x_of_another_application_counts_as_gone_at_a_release_only(
    client: PlatformClient, account: Account, control: Control, axe: Subject
) -> None:
    """axe.md §3; result-codes.md §6."""
    assert axe.credentials.foreign is not None
    control.other("AXE")
    with pytest.raises(errors.NotOwned):
        client.axe.bind(AxeBind(a=A, x=axe.credentials.foreign, extension="0007"), deadline=soon())
    with pytest.raises(errors.NotFound):
        client.axe.unbind("3f2b8c10-6a4d-4e57-9b21-000000000003", deadline=soon())
