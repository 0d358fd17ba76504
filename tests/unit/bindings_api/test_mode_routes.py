"""Partners, callees, calls: what each route asks of the domain and what it makes of the answer."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from builders.bindings_api import START, A, Answer, B, BindingsApi, C
from builders.bindings_platform import DictPlatform
from builders.fake_bindings import BINDING, PARTNER, FakeRooms, binding_of, joined, partner_of, until
from builders.keyrings import KEYRING
from functions.bindings import app
from privatenumber.bindings import errors
from privatenumber.bindings.commands import BindCommand, Chooser, Sticky
from privatenumber.bindings.errors import PoolReason
from privatenumber.bindings.model import Binding, Callee, PartnerState, Reason, Spread, State, Terms
from privatenumber.bindings.records import party
from privatenumber.codes.results import lookup
from privatenumber.platform.errors import NotSent, PlatformError, error_for, no_answer
from privatenumber.platform.session_calls import Stopped
from privatenumber.settings import Mode
from privatenumber.times import iso

SESSION = "1200_1001_4294967295_20260902010000@callenabler246.huaweicaas.com"
SESSION_OF_NOW = "+8613800138001_1788339600_+8617010000001@x"
"""The platform's newer ones hold numbers."""

PARTNERED = [Mode.AXYB, Mode.X]
CALLED = [Mode.AX, Mode.X]


@dataclass
class Desk:
    """The handler over a service that does as told."""

    api: BindingsApi
    rooms: FakeRooms

    def does(self, after: Binding | Exception, before: Binding | None = None) -> None:
        """Say what the next operation leaves, or raises."""
        self.rooms.after = after
        if before:
            self.rooms.before = before


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    rooms = FakeRooms(binding_of(Mode.AXB), binding_of(Mode.AXB))
    monkeypatch.setattr(app, "rooms", lambda: rooms)
    monkeypatch.setattr(app, "utc_now", lambda: START)
    return Desk(BindingsApi(DictPlatform()), rooms)


def called(mode: Mode, seconds: float = 60) -> Binding:
    """A binding whose callee was just set."""
    return binding_of(mode, callee=Callee(party(KEYRING, C), until(seconds)))


def add(desk: Desk, number: str = C) -> Answer:
    return desk.api.of("POST", BINDING, "/partners", body={"b": number})


class TestBinding:
    @pytest.mark.parametrize("mode", [None, *Mode])
    def test_every_field_reaches_the_command_as_it_was_asked(self, desk: Desk, mode: Mode | None) -> None:
        """bindings/command_reading.py knows which of them exist in which mode."""
        fields: dict[str, Any] = {
            "application": "couriers",
            "order": "order-1001",
            "a": A,
            "b": B,
            "anyone": True,
            "x": "17010000001",
            "area": "0755",
            "fallback_any_area": True,
            "fallback_areas": ("020", "province"),
            "spread": Spread.LEAST_LOADED,
            "sticky": Sticky.PREFER,
            "idle_seconds": 300,
            "release_wait_seconds": 900,
            "chosen_by": Chooser.PLATFORM,
            "extension": "0007",
            "ttl_seconds": 600,
            "direction": 1,
            "max_minutes": 5,
            "sms": False,
            "record_hint_tone": "hint.wav",
            "caller_tone": "caller.wav",
            "callee_tone": "callee.wav",
            "last_minute_tone": "minute.wav",
            "callback_number": C,
            "callback_tone": "nobody.wav",
            "user_reference": "courier/7",
        }
        named = {"mode": mode.value} if mode else {}
        desk.api.call("POST /bindings", body={**fields, **named}, headers={"Idempotency-Key": "k-1"})
        assert desk.rooms.asked == [("bind", BindCommand(**fields, mode=mode, idempotency_key="k-1"))]

    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_bind_answers_201_in_every_mode(self, desk: Desk, mode: Mode) -> None:
        desk.does(binding_of(mode))
        answer = desk.api.bind_in(mode)
        assert (answer.status, answer.body["mode"]) == (201, mode.value)
        assert answer.headers["location"] == f"/bindings/{BINDING}"

    def test_a_bind_whose_y_is_not_known_answers_202_with_x(self, desk: Desk) -> None:
        """AXYB in two steps: A has his X, B not yet his Y."""
        wanted = partner_of(Mode.AXYB, y=None, state=PartnerState.WANTED)
        desk.does(binding_of(Mode.AXYB, partners=(wanted,)))
        answer = desk.api.bind_in(Mode.AXYB)
        assert (answer.status, answer.body["dial"]) == (202, "17020000401")
        assert int(answer.headers["retry-after"]) > 0

    @pytest.mark.parametrize("state", [PartnerState.WANTED, PartnerState.LEAVING])
    def test_a_binding_that_has_ended_keeps_nobody_waiting(self, desk: Desk, state: PartnerState) -> None:
        """Its partners went with it, whatever was under way with them (axyb.md §3)."""
        desk.does(binding_of(Mode.AXYB, state=State.CLOSED, partners=(partner_of(Mode.AXYB, state=state),)))
        assert desk.api.of("DELETE", BINDING).status == 200


class TestRelease:
    @pytest.mark.parametrize(("query", "grace"), [({}, 0), ({"grace_seconds": "600"}, 600)])
    def test_a_binding_ends_now_or_after_a_grace(self, desk: Desk, query: dict[str, str], grace: int) -> None:
        """users.md U-N10: a return call still reaches somebody."""
        desk.does(binding_of(Mode.AXB, reason=Reason.DELETED))
        answer = desk.api.of("DELETE", BINDING, query=query)
        assert desk.rooms.asked == [("release", BINDING, Reason.DELETED, grace, None)]
        assert (answer.status, answer.body["state"], answer.body["reason"]) == (200, "ACTIVE", "deleted")

    def test_one_whose_call_is_waited_for_says_until_when(self, desk: Desk) -> None:
        """C-133: 202, because it goes on by itself."""
        binding = binding_of(Mode.AXB, reason=Reason.DELETED, waits_s=900)
        over = replace(binding, terms=replace(binding.terms, ends_at=START))
        desk.does(over)
        answer = desk.api.of("DELETE", BINDING, query={"wait_seconds": "900"})
        assert desk.rooms.asked == [("release", BINDING, Reason.DELETED, 0, 900)]
        assert (answer.status, answer.body["state"]) == (202, "ACTIVE")
        assert (answer.body["release_wait_seconds"], answer.body["waits_until"]) == (
            900,
            iso(START + timedelta(seconds=900)),
        )

    def test_not_to_wait_is_an_answer_too(self, desk: Desk) -> None:
        """It overrules what was agreed at the bind."""
        desk.does(binding_of(Mode.AXB, state=State.CLOSED))
        desk.api.of("DELETE", BINDING, query={"wait_seconds": "0"})
        assert desk.rooms.asked == [("release", BINDING, Reason.DELETED, 0, 0)]

    @pytest.mark.parametrize("wait", ["", "-1", "1.5", "600s", "1234567"])
    def test_a_wait_is_a_number_of_seconds(self, desk: Desk, wait: str) -> None:
        answer = desk.api.of("DELETE", BINDING, query={"wait_seconds": wait})
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "wait_seconds")
        assert desk.rooms.asked == []

    @pytest.mark.parametrize("grace", ["", "-1", "1.5", "600s", "1234567"])
    def test_a_grace_is_a_number_of_seconds(self, desk: Desk, grace: str) -> None:
        answer = desk.api.of("DELETE", BINDING, query={"grace_seconds": grace})
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "grace_seconds")
        assert desk.rooms.asked == []


class TestPartners:
    @pytest.mark.parametrize("mode", PARTNERED)
    def test_somebody_new_is_201_and_can_be_named(self, desk: Desk, mode: Mode) -> None:
        """axyb.md §2.2, x.md §5."""
        before = binding_of(mode)
        desk.does(joined(before), before)
        answer = add(desk)
        assert desk.rooms.asked == [("add_partner", BINDING, C)]
        assert answer.status == 201
        assert (
            answer.headers["location"] == f"/bindings/{BINDING}/partners/{answer.body['partners'][1]['id']}"
        )
        assert answer.body["partners"][1]["b"] == "+86138****8003"

    @pytest.mark.parametrize("mode", PARTNERED)
    @pytest.mark.parametrize("typed", [B, "138-0013-8002"])
    def test_somebody_who_stands_there_is_200(self, desk: Desk, mode: Mode, typed: str) -> None:
        """Idempotent by number, in whatever form (numbers.md §1.3)."""
        desk.does(binding_of(mode), binding_of(mode))
        answer = add(desk, typed)
        assert (answer.status, answer.headers["location"]) == (200, f"/bindings/{BINDING}/partners/{PARTNER}")

    def test_a_partner_of_unknown_outcome_is_202(self, desk: Desk) -> None:
        """result-codes.md §5."""
        before = binding_of(Mode.AXYB)
        desk.does(joined(before, y=None, state=PartnerState.WANTED), before)
        answer = add(desk)
        assert (answer.status, answer.body["partners"][1]["state"]) == (202, "wanted")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["location"].startswith(f"/bindings/{BINDING}/partners/")

    def test_another_partner_under_way_does_not_keep_this_one_waiting(self, desk: Desk) -> None:
        open_one = partner_of(Mode.AXYB, y=None, state=PartnerState.WANTED)
        before = binding_of(Mode.AXYB, partners=(open_one,))
        desk.does(joined(before), before)
        assert add(desk).status == 201

    @pytest.mark.parametrize("mode", PARTNERED)
    def test_who_is_gone_is_gone_at_once(self, desk: Desk, mode: Mode) -> None:
        """axyb.md §3."""
        desk.does(binding_of(mode, partners=()))
        answer = desk.api.remove_partner(BINDING, PARTNER)
        assert desk.rooms.asked == [("remove_partner", BINDING, PARTNER)]
        assert (answer.status, answer.body["partners"]) == (200, [])

    def test_who_may_still_be_known_to_the_platform_is_202(self, desk: Desk) -> None:
        desk.does(binding_of(Mode.AXYB, partners=(partner_of(Mode.AXYB, state=PartnerState.LEAVING),)))
        answer = desk.api.remove_partner(BINDING, PARTNER)
        assert (answer.status, answer.body["partners"][0]["state"]) == (202, "leaving")
        assert int(answer.headers["retry-after"]) > 0

    @pytest.mark.parametrize("identity", ["", "P-1", "+8613800138001", "p" * 65])
    def test_an_id_that_cannot_be_one_is_not_looked_up(self, desk: Desk, identity: str) -> None:
        answer = desk.api.remove_partner(BINDING, identity)
        assert (answer.status, answer.body["type"]) == (404, "urn:private-number:problem:partner-not-found")
        assert desk.rooms.asked == []

    @pytest.mark.parametrize("body", [{}, {"b": None}, {"b": 1}, {"b": C, "a": A}, {"b": "1" * 41}])
    def test_a_body_that_breaks_rules_is_422(self, desk: Desk, body: dict[str, Any]) -> None:
        assert desk.api.of("POST", BINDING, "/partners", body=body).status == 422
        assert desk.rooms.asked == []


class TestCallee:
    @pytest.mark.parametrize("mode", CALLED)
    def test_a_callee_is_set_for_as_long_as_asked(self, desk: Desk, mode: Mode) -> None:
        """ax.md §6."""
        desk.does(called(mode, 120))
        body = {"callee": C, "seconds": 120, "user_reference": "call-1"}
        answer = desk.api.of("PUT", BINDING, "/callee", body=body)
        assert desk.rooms.asked == [("set_callee", BINDING, C, 120, "call-1")]
        assert (answer.status, answer.body["callee"]["until"]) == (200, "2026-09-02T09:02:00.000Z")

    def test_a_callee_holds_a_minute_unless_told_otherwise(self, desk: Desk) -> None:
        """ax.md §6: default 60."""
        desk.does(called(Mode.AX))
        desk.api.of("PUT", BINDING, "/callee", body={"callee": C})
        assert desk.rooms.asked == [("set_callee", BINDING, C, 60, None)]

    def test_a_callee_that_is_set_is_200_whatever_else_is_under_way(self, desk: Desk) -> None:
        binding = called(Mode.AX)
        desk.does(replace(binding, pending=binding.terms))
        assert desk.api.of("PUT", BINDING, "/callee", body={"callee": C}).status == 200

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"callee": None}, "callee"),
            ({"callee": 13800138003}, "callee"),
            ({"seconds": 0}, "seconds"),
            ({"seconds": 259_201}, "seconds"),
            ({"seconds": None}, "seconds"),
            ({"user_reference": "{}"}, "user_reference"),
            ({"a": A}, "a"),
        ],
    )
    def test_a_body_that_breaks_a_rule_is_422(self, desk: Desk, changes: dict[str, Any], field: str) -> None:
        """ax.md §6: 1 to 259200 seconds."""
        answer = desk.api.of("PUT", BINDING, "/callee", body={"callee": C, **changes})
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, field)
        assert desk.rooms.asked == []


class TestCallNow:
    @pytest.mark.parametrize("mode", CALLED)
    def test_it_sets_the_callee_for_a_minute_and_tells_what_to_dial(self, desk: Desk, mode: Mode) -> None:
        """ax.md §8: immediately before showing X to A, for 60 s."""
        desk.does(called(mode))
        answer = desk.api.of("POST", BINDING, "/call", body={"callee": C, "user_reference": "call-1"})
        assert desk.rooms.asked == [("set_callee", BINDING, C, 60, "call-1")]
        x = called(mode).x
        assert answer.status == 200
        assert answer.body == {"dial": x[3:], "x": x, "until": "2026-09-02T09:01:00.000Z"}

    def test_what_does_not_live_is_409(self, desk: Desk) -> None:
        desk.does(errors.StateConflict("CLOSED", "it has ended"))
        answer = desk.api.of("POST", BINDING, "/call", body={"callee": C})
        assert (answer.status, answer.body["state"]) == (409, "CLOSED")
        assert "dial" not in answer.body

    def test_its_length_is_not_the_callers_to_choose(self, desk: Desk) -> None:
        assert desk.api.of("POST", BINDING, "/call", body={"callee": C, "seconds": 5}).status == 422


class TestStop:
    @pytest.mark.parametrize("outcome", list(Stopped))
    def test_the_outcome_is_all_that_is_said(self, desk: Desk, outcome: Stopped) -> None:
        """recording-and-call-stop.md §3."""
        desk.rooms.stopped = outcome
        answer = desk.api.stop(SESSION)
        assert (answer.status, answer.body) == (200, {"outcome": outcome.value})

    @pytest.mark.parametrize("session", [SESSION, SESSION_OF_NOW, "s", "s" * 256])
    def test_the_session_reaches_the_platform_unchanged(self, desk: Desk, session: str) -> None:
        desk.api.stop(session, "couriers")
        assert desk.rooms.asked == [("stop_call", "couriers", session)]

    def test_a_session_may_come_encoded(self, desk: Desk) -> None:
        desk.api.stop(SESSION_OF_NOW.replace("+", "%2B").replace("@", "%40"), "couriers")
        assert desk.rooms.asked == [("stop_call", "couriers", SESSION_OF_NOW)]

    @pytest.mark.parametrize("session", ["", " ", "1200" * 65, "1200 1001", "1200\n1001", "1200%001001"])
    def test_a_session_that_cannot_be_one_is_422_and_not_repeated(self, desk: Desk, session: str) -> None:
        answer = desk.api.stop(session)
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "session")
        assert "1200" not in answer.text
        assert desk.rooms.asked == []

    def test_it_needs_its_application(self, desk: Desk) -> None:
        answer = desk.api.call("POST /calls/{session}/stop", path={"session": SESSION})
        assert (answer.status, answer.body["errors"][0]["field"]) == (422, "application")

    def test_a_session_appears_in_no_line_and_no_answer(self, desk: Desk, log_lines: io.StringIO) -> None:
        """Newer ones hold numbers: good, refused and failed requests alike."""
        for stopped in (Stopped.STOPPED, no_answer("call.stop"), RuntimeError("broken")):
            desk.rooms.stopped = stopped
            assert SESSION_OF_NOW not in desk.api.stop(SESSION_OF_NOW).text
        desk.api.stop(SESSION_OF_NOW * 8)
        assert log_lines.getvalue().count('"message":"answered"') == 4
        for text in ("13800138001", "1788339600", "@x"):
            assert text not in log_lines.getvalue()

    @pytest.mark.parametrize(
        ("error", "status", "kind"),
        [
            (errors.InvalidRequest("application", "is not configured"), 422, "invalid-fields"),
            (no_answer("call.stop"), 503, "outcome-unknown"),
            (error_for("call.stop", lookup(500, "1020002", "call.stop")), 503, "outcome-unknown"),
            (error_for("call.stop", lookup(403, "1010010", "call.stop")), 503, "platform-paused"),
            (error_for("call.stop", lookup(403, "1010040", "call.stop")), 502, "platform-refused"),
            (NotSent("call.stop", "No connection"), 503, "platform-paused"),
        ],
    )
    def test_what_the_platform_says_against_it_has_its_problem(
        self, desk: Desk, error: Exception, status: int, kind: str
    ) -> None:
        desk.rooms.stopped = error
        answer = desk.api.stop(SESSION)
        assert (answer.status, answer.body["type"]) == (status, f"urn:private-number:problem:{kind}")


ROUTES: dict[str, Callable[[BindingsApi], Answer]] = {
    "bind": lambda api: api.bind(),
    "change": lambda api: api.of("PATCH", BINDING, body={"max_minutes": 5}),
    "release": lambda api: api.of("DELETE", BINDING),
    "add": lambda api: api.of("POST", BINDING, "/partners", body={"b": C}),
    "remove": lambda api: api.remove_partner(BINDING, PARTNER),
    "callee": lambda api: api.of("PUT", BINDING, "/callee", body={"callee": C}),
    "call": lambda api: api.of("POST", BINDING, "/call", body={"callee": C}),
}


def _refused(status: int = 403, code: str = "1012008") -> PlatformError:
    return error_for("axyb.bind", lookup(status, code, "axyb.bind"))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.BindingNotFound(), 404, "binding-not-found"),
        (errors.PartnerNotFound(), 404, "partner-not-found"),
        (errors.InvalidRequest("mode", "AXB has no partners"), 422, "invalid-fields"),
        (errors.InvalidRequest("b", "must be another number than a"), 422, "invalid-fields"),
        (errors.StateConflict("REQUESTED", "not confirmed yet", 30), 409, "state-conflict"),
        (errors.PartyConflict("b"), 409, "party-conflict"),
        (errors.PoolEmpty(PoolReason.PERSON_LIMIT), 503, "no-number-available"),
        (errors.BindRefused(_refused(), BINDING), 502, "platform-refused"),
        (errors.PlatformPaused(None, _refused(403, "1010010")), 503, "platform-paused"),
        (errors.OutcomeUnknown(no_answer("ax.set_callee")), 503, "outcome-unknown"),
        (errors.Busy(), 503, "busy"),
        (RuntimeError("broken"), 500, "internal"),
    ],
)
def test_every_route_answers_every_problem_in_its_one_form(
    desk: Desk, route: str, error: Exception, status: int, kind: str
) -> None:
    """One table for all routes (RFC 9457)."""
    desk.does(error)
    answer = ROUTES[route](desk.api)
    assert (answer.status, answer.body["type"]) == (status, f"urn:private-number:problem:{kind}")
    assert ("retry-after" in answer.headers) == (status == 503 or kind == "state-conflict")
    assert A[3:] not in answer.text
    assert C[3:] not in answer.text


@pytest.mark.parametrize("route", ["add", "callee", "call"])
@pytest.mark.parametrize("identity", ["", "B-1", C])
def test_a_binding_id_that_cannot_be_one_is_not_looked_up(desk: Desk, route: str, identity: str) -> None:
    below, name = {"add": ("/partners", "b"), "callee": ("/callee", "callee"), "call": ("/call", "callee")}[
        route
    ]
    method = "PUT" if route == "callee" else "POST"
    answer = desk.api.of(method, identity, below, body={name: C})
    assert (answer.status, answer.body["type"]) == (404, "urn:private-number:problem:binding-not-found")
    assert desk.rooms.asked == []


def test_a_line_names_binding_and_partner_and_nobody(desk: Desk, log_lines: io.StringIO) -> None:
    """The audit record of who put whom where: by ids."""
    before = binding_of(Mode.AXYB)
    desk.does(joined(before), before)
    location = add(desk).headers["location"]
    desk.does(before)
    desk.api.remove_partner(BINDING, f"{PARTNER[:-1]}4")
    desk.does(called(Mode.AX))
    ROUTES["callee"](desk.api)
    ROUTES["call"](desk.api)
    assert log_lines.getvalue().count(f'"binding":"{location}"') == 2
    assert log_lines.getvalue().count(f'"binding":"/bindings/{BINDING}"') == 2
    assert C[3:] not in log_lines.getvalue()


def test_terms_under_way_do_not_show(desk: Desk) -> None:
    """A change of unknown outcome answers the values before it, in every mode that can change."""
    binding = binding_of(Mode.AX)
    coming: Terms = replace(binding.terms, direction=1)
    desk.does(replace(binding, pending=coming, state=State.ACTIVE))
    answer = desk.api.of("PATCH", BINDING, body={"direction": 1})
    assert (answer.status, answer.body["direction"], answer.body["change_pending"]) == (202, 0, True)
