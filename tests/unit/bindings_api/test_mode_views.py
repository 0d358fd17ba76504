"""A binding of every mode as business systems see it: what to dial, and people masked only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.bindings_api import NUMBERS, START, A, B, C
from builders.fake_bindings import PARTNER, Y1, binding_of, joined, partner_of, until
from builders.keyrings import KEYRING
from functions.bindings.binding_views import binding_view, call_view
from privatenumber.bindings.model import Binding, Callee, PartnerState, State
from privatenumber.bindings.records import party
from privatenumber.settings import Mode

A_MASKED, B_MASKED, C_MASKED = "+86138****8001", "+86138****8002", "+86138****8003"
NOTHING: dict[str, Any] = {
    "extension": None,
    "dial_hint": None,
    "b": None,
    "partners": [],
    "anyone": False,
    "callee": None,
}


def view(binding: Binding, *names: str) -> Any:
    """The named members of a view at the start of the test."""
    whole = binding_view(binding, START)
    return {name: whole[name] for name in names} if len(names) > 1 else whole[names[0]]


def with_callee(mode: Mode, seconds: float, **changes: Any) -> Binding:
    return binding_of(mode, callee=Callee(party(KEYRING, C), until(seconds), "call-1"), **changes)


@pytest.mark.parametrize(
    ("mode", "own"),
    [
        (Mode.AX, {}),
        (Mode.AXB, {"b": B_MASKED}),
        (
            Mode.AXE,
            {
                "extension": "0007",
                "dial_hint": {
                    "en": "Dial 17020000301, wait for the end of the prompt, then enter extension 0007.",
                    "zh": "请拨打 17020000301，听完提示音后输入分机号 0007。",
                },
            },
        ),
        (
            Mode.AXYB,
            {"partners": [{"id": PARTNER, "b": B_MASKED, "y": Y1, "dial": "17020000402", "state": "held"}]},
        ),
        (Mode.X, {"partners": [{"id": PARTNER, "b": B_MASKED, "y": None, "dial": None, "state": "held"}]}),
    ],
)
def test_a_binding_shows_what_its_mode_has_and_nothing_else(mode: Mode, own: dict[str, Any]) -> None:
    """C-001, C-003, C-005 to C-007; axe.md §7 and axyb.md §1 on what people dial."""
    shown = binding_view(binding_of(mode), START)
    x = NUMBERS[mode][0]
    assert {name: shown[name] for name in NOTHING} == {**NOTHING, **own}
    assert (shown["mode"], shown["x"], shown["dial"], shown["a"]) == (mode.value, x, x[3:], A_MASKED)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("state", [State.REQUESTED, State.FAILED])
def test_nothing_to_dial_is_shown_before_it_is_bound(mode: Mode, state: State) -> None:
    """A call would reach nobody, or somebody else."""
    shown = binding_view(binding_of(mode, state=state, due_at=None), START)
    assert [shown[name] for name in ("x", "dial", "extension", "dial_hint")] == [None] * 4


def test_an_x_that_the_platform_has_not_told_is_null() -> None:
    """AXYB: the platform chooses X (axyb.md §1)."""
    for state in State:
        assert view(binding_of(Mode.AXYB, x="", state=state), "x", "dial") == {"x": None, "dial": None}


def test_a_partner_without_a_y_cannot_be_dialled_yet() -> None:
    """axyb.md §2.2."""
    wanted = partner_of(Mode.AXYB, y=None, state=PartnerState.WANTED)
    (shown,) = view(binding_of(Mode.AXYB, partners=(wanted,)), "partners")
    assert (shown["y"], shown["dial"], shown["state"]) == (None, None, "wanted")


def test_partners_are_shown_in_the_order_they_came() -> None:
    partners = view(joined(binding_of(Mode.X)), "partners")
    assert [one["b"] for one in partners] == [B_MASKED, C_MASKED]


def test_a_binding_for_everybody_says_so() -> None:
    """x.md §5."""
    assert view(binding_of(Mode.X, anyone=True, partners=()), "anyone", "partners") == {
        "anyone": True,
        "partners": [],
    }


@pytest.mark.parametrize("mode", [Mode.AX, Mode.X])
def test_a_callee_is_shown_masked_while_he_is_valid(mode: Mode) -> None:
    """ax.md §6."""
    shown = view(with_callee(mode, 60), "callee")
    assert shown == {"callee": C_MASKED, "until": "2026-09-02T09:01:00.000Z"}
    assert view(with_callee(mode, 0), "callee") is None


@pytest.mark.parametrize("state", [State.RELEASING, State.CLOSED])
def test_a_callee_goes_with_his_binding(state: State) -> None:
    """ax.md §3."""
    assert view(with_callee(Mode.AX, 60, state=state), "callee") is None


def test_call_now_names_x_and_the_end_and_no_person() -> None:
    assert call_view(with_callee(Mode.AX, 60)) == {
        "dial": "17020000201",
        "x": "+8617020000201",
        "until": "2026-09-02T09:01:00.000Z",
    }


def test_a_binding_that_ends_when_idle_says_so_and_when_it_was_called_last() -> None:
    """users.md U-S03."""
    assert view(binding_of(Mode.AX), "idle_seconds", "active_at") == {"idle_seconds": None, "active_at": None}
    idle = binding_of(Mode.AX, idle_s=300, active_at=until(30))
    assert view(idle, "idle_seconds", "active_at") == {
        "idle_seconds": 300,
        "active_at": "2026-09-02T09:00:30.000Z",
    }


@pytest.mark.parametrize("mode", list(Mode))
def test_no_view_holds_a_persons_number_or_reference(mode: Mode) -> None:
    """U-D01: not of A, B, a partner or a callee, nor what the caller said of them."""
    binding = replace(joined(with_callee(mode, 60)), user_reference="courier-7")
    for shown in (str(binding_view(binding, START)), str(call_view(binding))):
        assert not any(number[3:] in shown for number in (A, B, C))
        assert "courier-7" not in shown
        assert "call-1" not in shown
