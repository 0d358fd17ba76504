"""Our client in every mode: local refusals, lost answers, repetitions (result-codes.md §2, §5; auth.md §5).

C-030, C-036.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from builders.contract import INTERFACES, MODES, A, B, C, Mode, Subject
from builders.contract_account import Account, Control, subject_of
from builders.contract_client import SAMPLE_CALLS, client_of, soon
from privatenumber.platform import errors
from privatenumber.platform.ax import AxBind, AxCallee, AxModify
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.axe import AxeBind, AxeModify
from privatenumber.platform.axyb import AxybBindAx, AxybBindYb
from privatenumber.platform.client import PlatformClient
from privatenumber.signing import Scheme

pytestmark = pytest.mark.contract("client")

BINDING_MODES: tuple[Mode, ...] = ("AX", "AXB", "AXE", "AXYB")
FOREIGN = [(mode, api) for mode in MODES for api in SAMPLE_CALLS if INTERFACES[api].mode not in {mode, None}]
LOST = [{"drop": True}, {"hold_s": 0}]


def requests(control: Control, api: str | None = None) -> list[str]:
    """APIs the platform was asked for, oldest first."""
    asked = {"kind": "request", **({"api": api} if api else {})}
    return [entry["api"] for entry in control.admin.requests(**asked)]


def bind(client: PlatformClient, on: Subject, deadline_s: float = 8) -> str:
    """Bind as our rooms do: with X, and E, named wherever the mode lets us."""
    deadline = soon(deadline_s)
    match on.mode:
        case "AX":
            return client.ax.bind(AxBind(a=A, x=on.x), deadline=deadline).subscription_id
        case "AXB":
            return client.axb.bind(AxbBind(a=A, b=B, x=on.x), deadline=deadline).subscription_id
        case "AXE":
            wish = AxeBind(a=A, x=on.x, extension="0007")
            return client.axe.bind(wish, deadline=deadline).subscription_id
        case _:
            wished = AxybBindAx(a=A, area_code=on.area)
            return client.axyb.bind_ax(wished, deadline=deadline).subscription_id


def look_up(client: PlatformClient, on: Subject, a: str = A) -> str | None:
    """Find out whether a bind of ``a`` happened (result-codes.md §5)."""
    match on.mode:
        case "AX":
            ax = client.ax.find(on.x, a, deadline=soon())
            return ax.subscription_id if ax else None
        case "AXB":
            axb = client.axb.find(on.x, a, B, deadline=soon())
            return axb.subscription_id if axb else None
        case "AXE":
            axe = client.axe.find(on.x, "0007", a, deadline=soon())
            return axe.subscription_id if axe else None
        case _:
            return axyb_on_own_numbers(client, on, a)


def axyb_on_own_numbers(client: PlatformClient, on: Subject, a: str) -> str | None:
    """axyb.md §6: query each own number, look for a row with this A."""
    for x in on.numbers:
        try:
            rows = client.axyb.query(x=x, deadline=soon())
        except errors.NotFound:
            continue
        if any(row.a == a for row in rows):
            return x
    return None


def unbind(client: PlatformClient, on: Subject, subscription_id: str) -> None:
    calls: dict[str, Callable[[], None]] = {
        "AX": lambda: client.ax.unbind(subscription_id, deadline=soon()),
        "AXB": lambda: client.axb.unbind(subscription_id, deadline=soon()),
        "AXE": lambda: client.axe.unbind(subscription_id, deadline=soon()),
        "AXYB": lambda: client.axyb.unbind_ax(subscription_id, deadline=soon()),
    }
    calls[on.mode]()


def modify(client: PlatformClient, on: Subject, subscription_id: str) -> None:
    calls: dict[str, Callable[[], None]] = {
        "AX": lambda: client.ax.modify(
            AxModify(subscription_id=subscription_id, max_duration=9), deadline=soon()
        ),
        "AXB": lambda: client.axb.modify(
            AxbModify(subscription_id=subscription_id, max_duration=9), deadline=soon()
        ),
        "AXE": lambda: client.axe.modify(
            AxeModify(subscription_id=subscription_id, life_minutes=90), deadline=soon()
        ),
    }
    calls[on.mode]()


@pytest.mark.parametrize(("mode", "foreign"), FOREIGN)
def test_another_modes_call_is_refused_here_without_a_request(
    account: Account, control: Control, mode: Mode, foreign: str
) -> None:
    """C-030: with the platform's own code, explained; the journal proves that nothing was sent."""
    subject = subject_of(account, mode)
    client = client_of(account, subject)
    with pytest.raises(errors.WrongMode) as refused:
        SAMPLE_CALLS[foreign](client, subject)
    assert (refused.value.code, refused.value.api) == ("1010040", foreign.replace("_yb", ""))
    assert requests(control) == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("api", ["record.url", "call.stop"])
def test_calls_of_every_mode_are_sent_in_every_mode(
    account: Account, control: Control, mode: Mode, api: str
) -> None:
    subject = subject_of(account, mode)
    with pytest.raises(errors.NotFound) if api == "record.url" else nullcontext():
        SAMPLE_CALLS[api](client_of(account, subject), subject)
    assert requests(control) == [api]


@pytest.mark.parametrize("mode", BINDING_MODES)
@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_binding_lives_from_bind_to_release(
    account: Account, subject: Subject, mode: str, scheme: Scheme
) -> None:
    """C-095: under either scheme."""
    client = client_of(account, subject, scheme=scheme)
    bound = bind(client, subject)
    assert look_up(client, subject)
    if mode != "AXYB":
        modify(client, subject, bound)
    unbind(client, subject, bound)
    assert look_up(client, subject) is None


@pytest.mark.parametrize("mode", BINDING_MODES)
@pytest.mark.parametrize("params", LOST, ids=["dropped", "held"])
def test_a_bind_whose_answer_is_lost_is_found_by_a_look_up(
    account: Account, control: Control, subject: Subject, mode: str, params: dict[str, Any]
) -> None:
    """result-codes.md §5: asked for once, bound once, found."""
    client = client_of(account, subject)
    control.admin.fault("timeout_after_success", params=params)
    with pytest.raises(errors.UnknownOutcome):
        bind(client, subject)
    assert look_up(client, subject)
    assert len(control.admin.bindings()) == 1
    assert len(requests(control, f"{subject.family}.bind")) == 1


@pytest.mark.parametrize("mode", BINDING_MODES)
def test_a_bind_that_never_arrived_is_not_found(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    client = client_of(account, subject)
    control.admin.fault("timeout_before", params={"drop": True})
    with pytest.raises(errors.UnknownOutcome):
        bind(client, subject)
    assert look_up(client, subject) is None
    assert bind(client, subject)


@pytest.mark.parametrize("mode", BINDING_MODES)
def test_a_bind_answered_with_rubbish_is_unknown(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    client = client_of(account, subject)
    control.admin.fault("garbage")
    with pytest.raises(errors.UnknownOutcome):
        bind(client, subject)
    assert look_up(client, subject)


@pytest.mark.parametrize("mode", ["AX", "AXB", "AXE"])
def test_a_place_that_somebody_else_took_is_not_ours(account: Account, subject: Subject, mode: str) -> None:
    """result-codes.md §5: another A there means the place is taken, not that our bind happened."""
    client = client_of(account, subject)
    bind(client, subject)
    assert look_up(client, subject, a=C) is None
    with pytest.raises(errors.Conflict):
        bind(client, subject)


@pytest.mark.parametrize("mode", BINDING_MODES)
def test_a_release_whose_answer_is_lost_is_repeated_until_it_is_gone(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    """result-codes.md §5: "gone" is the final answer of a release."""
    client = client_of(account, subject)
    bound = bind(client, subject)
    control.admin.fault("timeout_after_success", params={"drop": True})
    with pytest.raises(errors.NotFound):
        unbind(client, subject, bound)
    assert control.admin.bindings() == []


@pytest.mark.parametrize("mode", BINDING_MODES)
def test_a_passing_failure_is_not_noticed_by_a_release(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    client = client_of(account, subject)
    bound = bind(client, subject)
    control.admin.fault("status", times=3, params={"http_status": 500, "code": "1010001"})
    unbind(client, subject, bound)
    assert len(requests(control, f"{subject.family}.unbind")) == 4


@pytest.mark.parametrize("mode", ["AX", "AXB", "AXE"])
def test_a_modification_whose_answer_is_lost_is_repeated(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    """result-codes.md §5: idempotent by content."""
    client = client_of(account, subject)
    bound = bind(client, subject)
    control.admin.fault("timeout_after_success", times=2, params={"drop": True})
    modify(client, subject, bound)
    assert len(requests(control, f"{subject.family}.modify")) == 3


@pytest.mark.parametrize("mode", BINDING_MODES)
def test_a_query_is_repeated_after_a_short_failure(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    client = client_of(account, subject)
    bind(client, subject)
    control.admin.fault("status", times=2, params={"http_status": 503})
    assert look_up(client, subject)


@pytest.mark.parametrize("mode", BINDING_MODES)
def test_a_lasting_failure_of_a_release_is_a_transient_fault(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    client = client_of(account, subject)
    bound = bind(client, subject)
    control.admin.fault("status", times=None, params={"http_status": 500, "code": "1023001"})
    with pytest.raises(errors.TransientFault):
        unbind(client, subject, bound)
    assert len(control.admin.bindings()) == 1


@pytest.mark.parametrize("mode", BINDING_MODES)
def test_everything_the_client_sends_passes_the_strict_platform(
    account: Account, control: Control, subject: Subject, mode: str
) -> None:
    """emulator-decisions.md 1: only documented forms leave us, every optional member included."""
    control.strict()
    client = client_of(account, subject)
    tones = {"record_flag": True, "record_hint_tone": "rec.wav", "user_data": "order-1"}
    match mode:
        case "AX":
            ax = AxBind(
                a=A, area_code=subject.area, area_match_mode="1", max_duration=9, last_min_voice="l.wav",
                private_sms=False, turned_on=True, direction=1, **tones,
            )  # fmt: skip
            bound = client.ax.bind(ax, deadline=soon()).subscription_id
            callee = AxCallee(subscription_id=bound, callee=C, duration=90, user_data="call-1")
            client.ax.set_callee(callee, deadline=soon())
        case "AXB":
            axb = AxbBind(
                a=A, b=B, area_code=subject.area, area_match_mode="1", max_duration=9, duration=60,
                last_min_voice="l.wav", private_sms=False, direction=2, **tones,
            )  # fmt: skip
            bound = client.axb.bind(axb, deadline=soon()).subscription_id
        case "AXE":
            axe = AxeBind(
                a=A, area_code=subject.area, area_match_mode="1", life_minutes=90, callback_life_minutes=60,
                callback_number=C, **tones,
            )  # fmt: skip
            bound = client.axe.bind(axe, deadline=soon()).subscription_id
        case _:
            first = AxybBindAx(
                a=A, area_code=subject.area, area_match_mode="1", duration=600, yb_duration=60, direction=1,
                pre_voice_x="x.wav", pre_voice_y="y.wav", **tones,
            )  # fmt: skip
            bound = client.axyb.bind_ax(first, deadline=soon()).subscription_id
            second = AxybBindYb(
                subscription_id=bound, b=B, area_code=subject.area, area_match_mode="1", yb_duration=60,
                pre_voice_y="y.wav", user_data="pair-1",
            )  # fmt: skip
            client.axyb.bind_yb(second, deadline=soon())
    if mode != "AXYB":
        modify(client, subject, bound)
    unbind(client, subject, bound)
    assert {entry["code"] for entry in control.admin.requests(kind="request")} == {"0"}
