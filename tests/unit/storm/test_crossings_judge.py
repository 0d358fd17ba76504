"""The judge of calls sees who was connected with somebody that he has, or has no longer, to do with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from builders.fake_bindings import binding_of
from emulator.platform import Emulator
from privatenumber.settings import Mode
from storm.deals import Deal
from storm.judges.calls import judge_calls
from storm.judges.crossings import Moments, PeopleWatch, took_part
from storm.judges.verdict import Verdict
from storm.orders import Order, person, stranger
from storm.tables import Written

BEGAN = datetime(2026, 9, 14, 8, tzinfo=UTC)
ENDED = BEGAN + timedelta(hours=2)
DURING = BEGAN + timedelta(hours=1)
SECOND = timedelta(seconds=1)
X = "+8617001000001"
A, B, C, SOMEBODY = person(1), person(2), person(3), stranger(1)


@dataclass
class Books:
    """A platform that held one binding, and our row of it."""

    mode: str = "AX"
    ended: datetime | None = ENDED
    people: Moments = field(
        default_factory=lambda: [(BEGAN - timedelta(minutes=1), frozenset({A, B})), (ENDED, frozenset())]
    )
    bs: list[str] = field(default_factory=lambda: [B])
    ways: list[SimpleNamespace] = field(default_factory=list)

    def call(self, at: datetime, sender: str, receiver: str, dialled: str = X) -> Books:
        route = SimpleNamespace(destination=receiver)
        self.ways.append(
            SimpleNamespace(
                route=route, started_at=at, call_in_at=at, mode=self.mode, dialled=dialled, caller=sender
            )
        )
        return self

    def judged(self) -> Verdict:
        kept = SimpleNamespace(subscription_id="s1", bound_at=BEGAN, started_at=BEGAN, ended_at=self.ended)
        books = SimpleNamespace(kept_bindings=lambda: [kept], bindings=list)
        emulator = SimpleNamespace(
            books=books,
            calls=SimpleNamespace(calls=dict(enumerate(self.ways))),
            sms=SimpleNamespace(messages={}),
        )
        binding = binding_of(
            Mode(self.mode), id="b1", order="order-00001", subscription_id="s1", x=X, partners=()
        )
        deal = Deal(Order(1, self.mode, A, B, 0.0, 60, ()), binding_id="b1", x=X, asked_at=BEGAN, bs=self.bs)
        # People stand for their own tokens here.
        return judge_calls(cast("Emulator", emulator), [deal], [binding], {"b1": self.people}, str)


def test_anybody_reaches_a_while_the_order_lives() -> None:
    assert Books().call(DURING, SOMEBODY, A).judged().holds


def test_nobody_reaches_a_after_the_end_at_the_platform() -> None:
    assert Books().call(ENDED, SOMEBODY, A).judged().holds
    assert not Books().call(ENDED + SECOND, SOMEBODY, A).judged().holds
    assert not Books().call(ENDED + timedelta(days=20), SOMEBODY, A).judged().holds


def test_nobody_reaches_a_before_the_platform_held_it() -> None:
    assert not Books().call(BEGAN - timedelta(minutes=1), SOMEBODY, A).judged().holds


def test_what_lives_on_at_the_platform_connects_nobody_once_it_is_closed_with_us() -> None:
    assert not Books(ended=None).call(ENDED + timedelta(minutes=1), SOMEBODY, A).judged().holds


def test_another_number_and_another_person_are_crossings() -> None:
    assert not Books().call(DURING, SOMEBODY, A, dialled="+8617001000002").judged().holds
    assert not Books().call(DURING, SOMEBODY, C).judged().holds


def test_an_axb_connects_its_two_and_nobody_else() -> None:
    assert Books("AXB").call(DURING, A, B).call(DURING, B, A).judged().holds
    assert not Books("AXB").call(DURING, SOMEBODY, A).judged().holds


def test_a_b_who_was_replaced_is_reached_until_then_and_not_later() -> None:
    books: dict[str, Any] = {
        "mode": "AXB",
        "bs": [B, C],
        "people": [(BEGAN, frozenset({A, B})), (DURING, frozenset({A, C})), (ENDED, frozenset())],
    }
    assert Books(**books).call(DURING - SECOND, A, B).call(DURING + SECOND, A, C).judged().holds
    assert not Books(**books).call(DURING + 2 * SECOND, A, B).judged().holds
    assert not Books(**books).call(DURING - 2 * SECOND, C, A).judged().holds


def test_a_of_axe_calls_back_whoever_reached_him_last_and_nobody_before() -> None:
    another = stranger(2)
    later = DURING + timedelta(minutes=5)

    def contacts() -> Books:
        return Books("AXE").call(DURING, another, A).call(DURING + 9 * SECOND, SOMEBODY, A)

    assert contacts().call(later, A, SOMEBODY).judged().holds
    assert not contacts().call(later, A, another).judged().holds
    assert not Books("AXE").call(DURING, A, SOMEBODY).judged().holds


def test_a_call_back_to_somebody_who_reached_him_in_another_mode_is_a_crossing() -> None:
    assert not Books("AX").call(DURING, SOMEBODY, A).call(DURING + 9 * SECOND, A, SOMEBODY).judged().holds


def written(old: dict[str, Any] | None, **row: Any) -> Written:
    new = {"binding_id": "b1", "state": "ACTIVE", "a_token": "anna", "partners": (), **row}
    return Written("BindingsTable", ("BINDING#b1", "BINDING"), old, new, {})


def test_a_change_under_way_holds_both_and_a_final_row_holds_nobody() -> None:
    moments = iter([BEGAN, DURING, ENDED])
    watch = PeopleWatch(lambda: next(moments))
    watch.hear(written(None, b_token="ben"))
    watch.hear(written(None, b_token="ben", pending={"a_token": "anna", "b_token": "carl"}))
    watch.hear(written(None, b_token="carl", state="CLOSED"))
    assert [people for _, people in watch.then["b1"]] == [{"anna", "ben"}, {"anna", "ben", "carl"}, set()]
    assert took_part(watch.then["b1"], "carl", DURING, SECOND)
    assert not took_part(watch.then["b1"], "carl", BEGAN, SECOND)
    assert not took_part(watch.then["b1"], "ben", ENDED + SECOND, SECOND)
