"""The bindings function in every mode against the emulated platform (C-001, C-003, C-005, C-006, C-007).

The composition is the function's own; only tables and keys are moto's, and the clock is the emulator's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings_api import (
    APP_KEYS,
    APP_SECRET,
    APPLICATION,
    COMPANIES,
    NUMBERS,
    A,
    Answer,
    B,
    BindingsApi,
    C,
    D,
    running_api,
)
from builders.bindings_platform import DictPlatform
from builders.emulator import RunningEmulator
from emulator.clock import VIRTUAL_START
from functions.bindings import app
from privatenumber.platform.client import Urllib3Transport
from privatenumber.settings import Mode
from privatenumber.times import iso

MASKED = {A: "+86138****8001", B: "+86138****8002", C: "+86138****8003", D: "+86138****8004"}


class Desk:
    """The API of one application, and the emulator beside it."""

    def __init__(self, api: BindingsApi, emulator: RunningEmulator, mode: Mode) -> None:
        self.api = api
        self.emulator = emulator
        self.mode = mode

    def bind(self, **more: Any) -> dict[str, Any]:
        """Bind A, and read the binding back: it is what was answered, and its X is one of ours."""
        bound = self.api.bind_in(self.mode, **more)
        assert (bound.status, bound.body["state"], bound.body["mode"]) == (201, "ACTIVE", self.mode.value)
        assert bound.body["x"] in NUMBERS[self.mode]
        assert bound.body["a"] == MASKED[A]
        read = self.api.of("GET", bound.body["id"]).body
        assert (bound.body["impaired"], read.pop("impaired")) == (None, False)  # only a reading looks at X
        assert read == {name: value for name, value in bound.body.items() if name != "impaired"}
        return self.ok(bound)

    def ok(self, answer: Answer, status: int | None = None) -> dict[str, Any]:
        """The body of a good answer, which no person's number is in."""
        assert answer.status in ((200, 201) if status is None else (status,)), answer.text
        assert not any(number[3:] in answer.text for number in MASKED)
        body: dict[str, Any] = answer.body
        return body

    def held(self) -> list[dict[str, Any]]:
        """What the platform holds."""
        return self.emulator.admin.bindings()

    def call(self, caller: str, called: str, **script: Any) -> dict[str, Any]:
        """Let somebody call at the emulator."""
        return self.emulator.admin.call(caller, called, **script)

    def released(self, identity: str) -> None:
        """Release the binding; nothing of it is left at the platform, and it can be done again."""
        for _ in range(2):
            gone = self.ok(self.api.of("DELETE", identity), 200)
            assert (gone["state"], gone["reason"]) == ("CLOSED", "deleted")
        assert self.held() == []


OPEN = Callable[[Mode], Desk]


@pytest.fixture
def open_desk(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[OPEN]:
    """Open the API for the application of a mode, which the emulator knows with its numbers."""
    with running_api(
        DictPlatform(), way=Urllib3Transport(), base_url=emulator.address, now=VIRTUAL_START
    ) as (api, rooms):
        monkeypatch.setattr(app, "rooms", lambda: rooms)
        monkeypatch.setattr(app, "utc_now", lambda: api.now)

        def opened(mode: Mode) -> Desk:
            key = APP_KEYS[COMPANIES[mode]]
            emulator.admin.reset(now=VIRTUAL_START.isoformat())
            emulator.admin.application(key, secret=APP_SECRET, mode=mode.value)
            emulator.admin.numbers(*NUMBERS[mode], app_key=key)
            api.furnish(mode)
            return Desk(api, emulator, mode)

        yield opened


def test_axb_a_pair_is_bound_changed_and_released(open_desk: OPEN) -> None:
    """axb.md §2 to §5."""
    desk = open_desk(Mode.AXB)
    bound = desk.bind(sms=False, caller_tone="callerHintTone.wav")
    assert bound["b"] == MASKED[B]
    changed = desk.ok(desk.api.of("PATCH", bound["id"], body={"b": C, "max_minutes": 5}))
    assert (changed["b"], changed["x"]) == (MASKED[C], bound["x"])
    (row,) = desk.held()
    assert (row["x"], row["a"], row["b"], row["max_duration"]) == (bound["x"], A, C, 5)
    desk.released(bound["id"])


def test_ax_a_calls_whom_the_order_names_next(open_desk: OPEN) -> None:
    """ax.md §2, §6, §7 row 8: the callee is set just in time, and serves one call."""
    desk = open_desk(Mode.AX)
    bound = desk.bind(max_minutes=60)
    callee = desk.ok(desk.api.of("PUT", bound["id"], "/callee", body={"callee": C, "seconds": 120}))
    assert callee["callee"]["callee"] == MASKED[C]
    now = desk.ok(desk.api.of("POST", bound["id"], "/call", body={"callee": D}))
    assert (now["x"], now["dial"]) == (bound["x"], bound["x"][3:])
    talk = desk.call(A, now["x"], wait=True)
    assert talk["callee"] == D
    desk.api.pass_time(61)
    changed = desk.ok(desk.api.of("PATCH", bound["id"], body={"a": B}))
    assert (changed["a"], changed["callee"]) == (MASKED[B], None)
    desk.released(bound["id"])
    late = desk.api.of("POST", bound["id"], "/call", body={"callee": D})
    assert (late.status, late.body["state"]) == (409, "CLOSED")


def test_axe_people_are_told_x_and_the_extension_of_our_choice(open_desk: OPEN) -> None:
    """axe.md §2, §6.1, §7."""
    desk = open_desk(Mode.AXE)
    bound = desk.bind(extension="0007", callback_number=D)
    assert bound["extension"] == "0007"
    assert bound["x"][3:] in bound["dial_hint"]["en"]
    second = desk.ok(desk.api.bind_in(Mode.AXE, C, order="order-1002", x=bound["x"]))
    assert second["extension"] not in (None, "0007")
    taken = desk.api.bind_in(Mode.AXE, D, order="order-1003", x=bound["x"], extension="0007")
    assert (taken.status, taken.body["field"]) == (409, "extension")
    assert {(row["x"], row["extension"]) for row in desk.held()} == {
        (bound["x"], "0007"),
        (bound["x"], second["extension"]),
    }
    later = iso(desk.api.now + timedelta(hours=3))
    assert desk.ok(desk.api.of("PATCH", bound["id"], body={"ends_at": later}))["ends_at"] == later
    fixed = desk.api.of("PATCH", bound["id"], body={"a": D})
    assert (fixed.status, fixed.body["errors"][0]["field"]) == (422, "a")
    desk.ok(desk.api.of("DELETE", second["id"]))
    desk.released(bound["id"])


def test_axyb_partners_come_and_go_each_with_a_y(open_desk: OPEN) -> None:
    """axyb.md §2.1, §2.2, §3: two steps at the platform are one of ours."""
    desk = open_desk(Mode.AXYB)
    bound = desk.bind()
    (first,) = bound["partners"]
    assert (first["b"], first["state"], first["dial"]) == (MASKED[B], "held", first["y"][3:])
    added = desk.api.of("POST", bound["id"], "/partners", body={"b": C})
    second = desk.ok(added, 201)["partners"][1]
    assert added.headers["location"].endswith(f"/partners/{second['id']}")
    assert desk.ok(desk.api.of("POST", bound["id"], "/partners", body={"b": C}), 200)["partners"][1] == second
    assert {pair["b"]: pair["y"] for row in desk.held() for pair in row["pairs"]} == {
        B: first["y"],
        C: second["y"],
    }
    left = desk.ok(desk.api.remove_partner(bound["id"], first["id"]), 200)
    assert left["partners"] == [second]
    assert [pair["b"] for row in desk.held() for pair in row["pairs"]] == [C]
    gone = desk.api.remove_partner(bound["id"], first["id"])
    assert (gone.status, gone.body["type"]) == (404, "urn:private-number:problem:partner-not-found")
    desk.released(bound["id"])


def test_x_relations_are_ours_alone(open_desk: OPEN) -> None:
    """x.md §1, §5: the platform stores no binding and is asked for nothing."""
    desk = open_desk(Mode.X)
    bound = desk.bind()
    (first,) = bound["partners"]
    assert (first["b"], first["y"], first["dial"]) == (MASKED[B], None, None)
    (_, second) = desk.ok(desk.api.of("POST", bound["id"], "/partners", body={"b": C}), 201)["partners"]
    assert desk.ok(desk.api.remove_partner(bound["id"], first["id"]))["partners"] == [second]
    set_ = desk.ok(desk.api.of("PUT", bound["id"], "/callee", body={"callee": D, "seconds": 600}))
    assert set_["callee"]["callee"] == MASKED[D]
    assert desk.ok(desk.api.of("POST", bound["id"], "/call", body={"callee": C}))["x"] == bound["x"]
    everybody = desk.ok(desk.api.bind_in(Mode.X, D, order="practice-7", b=None, anyone=True, x=bound["x"]))
    assert (everybody["anyone"], everybody["partners"]) == (True, [])
    assert desk.emulator.admin.counts() == {}
    desk.ok(desk.api.of("DELETE", everybody["id"]))
    desk.released(bound["id"])


@pytest.mark.parametrize("mode", list(Mode))
def test_a_session_nobody_knows_has_ended(open_desk: OPEN, mode: Mode) -> None:
    """recording-and-call-stop.md §3: in every mode."""
    desk = open_desk(mode)
    company = COMPANIES[mode]
    unknown = desk.api.stop("1200_1001_4294967295_20260902010000@callenabler246.huaweicaas.com", company)
    assert desk.ok(unknown, 200) == {"outcome": "already_ended"}


def test_a_call_that_runs_is_stopped_once(open_desk: OPEN) -> None:
    """recording-and-call-stop.md §3, effect."""
    desk = open_desk(Mode.AXB)
    x = desk.bind()["x"]
    session = desk.call(A, x)["session_id"]
    desk.emulator.admin.advance(10)
    outcomes = [desk.ok(desk.api.stop(session, APPLICATION))["outcome"] for _ in range(2)]
    assert outcomes == ["stopped", "already_ended"]
