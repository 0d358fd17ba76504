"""The judges of ends see what ended too early and what ended too late; each excuse is a narrow one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from builders.fake_bindings import binding_of
from emulator.platform import Emulator
from privatenumber.bindings.model import Binding
from privatenumber.settings import Mode
from storm.deals import Deal
from storm.judges.releases import ClosingWatch, Ends, Skew, judge_early, judge_late
from storm.judges.troubles import Trouble, arrears_of, latest_release, troubles_of
from storm.judges.verdict import Verdict
from storm.orders import Order, person
from storm.plan import Fault
from storm.platform import Door, x_numbers
from storm.tables import Written
from storm.upheavals import Console

END = datetime(2026, 9, 14, 8, tzinfo=UTC)
LATER = END + timedelta(days=1)
MINUTE = timedelta(minutes=1)
X = x_numbers("AX")[0]
CRASH = Fault("f1", "function.crash", 0.0, params={"function": "UnbindWorkerFunction"})


def order(mode: str = "AXB") -> Order:
    return Order(1, mode, person(1), person(2), 0.0, 3600, ())


def deal_of(mode: str = "AXB", binding_id: str = "b1", **changes: Any) -> Deal:
    told: dict[str, Any] = {"binding_id": binding_id, "active": True, "ends": [END], **changes}
    return Deal(order(mode), **told)


def binding(**changes: Any) -> Binding:
    found = binding_of(Mode(changes.pop("mode", "AXB")), id="b1", subscription_id="s1")
    return binding_with_end(found, changes.pop("ends_at", END))


def binding_with_end(one: Binding, ends_at: datetime) -> Binding:
    return replace(one, terms=replace(one.terms, ends_at=ends_at))


def console(**changes: Any) -> Console:
    return Console(cast("Emulator", None), cast("Door", None), **changes)


def early(
    at: datetime,
    *,
    deal: Deal | None = None,
    ends_at: datetime = END,
    lives: dict[str, datetime] | None = None,
    skews: tuple[Skew, ...] = (),
    **upheavals: Any,
) -> Verdict:
    ends = Ends({"b1": binding(ends_at=ends_at)}, {"s1": (at, "unbound")}, lives or {})
    return judge_early([deal or deal_of()], ends, skews, console(**upheavals))


def late(*releases: datetime | None, troubles: tuple[Trouble, ...] = (), **upheavals: Any) -> Verdict:
    """So many orders, all due at one moment; None: never released."""
    names = [f"b{n}" for n in range(len(releases))]
    bindings = {name: binding_with_id(name) for name in names}
    ended = {f"s-{name}": (at, "unbound") for name, at in zip(names, releases, strict=True) if at}
    deals = [deal_of(binding_id=name) for name in names]
    return judge_late(deals, Ends(bindings, ended), troubles, console(**upheavals), LATER + timedelta(days=9))


def binding_with_id(name: str) -> Binding:
    return binding_with_end(binding_of(Mode.AXB, id=name, subscription_id=f"s-{name}"), END)


def struck(fault: Fault, *moments: datetime, function: str = "UnbindWorkerFunction") -> list[Trouble]:
    return list(troubles_of(fault, (END, END), [(at, function) for at in moments]))


def platform_fault(api: str, kind: str = "platform.error_5xx") -> Fault:
    return Fault("f1", kind, 0.0, params={"api": api})


def suspended(mode: str, nth: int) -> Fault:
    return Fault("f1", "number.suspended", 0.0, params={"mode": mode, "nth": nth})


def test_arrears_are_felt_until_an_application_was_answered_after_service_had_resumed() -> None:
    """It learns from its first answer then; whoever asks as soon as it has is not excused for longer."""
    paid = END - 31 * MINUTE
    begun, released = END - 90 * MINUTE, END + 10 * MINUTE
    known = {"AXB": [paid + 2 * MINUTE, paid + 25 * MINUTE], "AX": [paid + 10 * MINUTE]}
    assert late(released, troubles=tuple(arrears_of((begun, paid), known))).holds
    for other in ({"AXB": [paid + 10 * MINUTE, paid + 25 * MINUTE]}, {"AX": known["AXB"]}):
        assert not late(released, troubles=tuple(arrears_of((begun, paid), other))).holds


# early


def test_an_end_at_its_time_is_in_order_and_a_minute_before_it_is_a_breach() -> None:
    assert early(END).holds
    assert not early(END - MINUTE).holds


def test_an_early_end_that_somebody_asked_for_is_in_order_from_then_on() -> None:
    asked = deal_of(release_asked_at=END - 10 * MINUTE)
    assert early(END - 10 * MINUTE, deal=asked).holds
    assert not early(END - 11 * MINUTE, deal=asked).holds


def test_a_prolongation_that_came_through_counts_and_the_old_end_is_too_early() -> None:
    prolonged = deal_of(ends=[END, END + 120 * MINUTE])
    assert not early(END, deal=prolonged, ends_at=END + 120 * MINUTE).holds
    assert early(END, deal=prolonged).holds


def test_a_prolongation_that_the_platform_was_told_came_through_whatever_our_books_say() -> None:
    prolonged = deal_of(ends=[END, END + 120 * MINUTE])
    assert not early(END, deal=prolonged, lives={"s1": END + 180 * MINUTE}).holds
    assert early(END, deal=prolonged, lives={"s1": END + 60 * MINUTE}).holds


def test_an_end_in_our_books_that_nobody_agreed_on_is_a_breach() -> None:
    assert not early(END + 60 * MINUTE, ends_at=END + 60 * MINUTE).holds


def test_what_the_platform_lost_is_excused_at_the_moment_of_the_loss_only() -> None:
    at = END - 30 * MINUTE
    assert early(at, lost={"s1": at}).holds
    assert not early(at, lost={"s1": at + MINUTE}).holds
    assert not early(at, lost={"another": at}).holds


def test_what_went_with_its_number_is_excused_at_that_moment_only() -> None:
    at, x = END - 30 * MINUTE, binding().x
    assert early(at, returned={x: at}).holds
    assert not early(at, returned={x: at - 60 * MINUTE}).holds


def test_clocks_that_are_ahead_excuse_as_much_as_they_are_ahead_while_they_are() -> None:
    ahead = Skew((END - 60 * MINUTE, END), 60)
    assert early(END - MINUTE, skews=(ahead,)).holds
    assert not early(END - 2 * MINUTE, skews=(ahead,)).holds
    assert not early(END - MINUTE, skews=(Skew(ahead.window, -60),)).holds
    assert not early(END - MINUTE, skews=(Skew((LATER, LATER + MINUTE), 60),)).holds


def test_a_binding_without_a_platform_ends_when_its_row_was_closed() -> None:
    watch = ClosingWatch(lambda: END - 3 * MINUTE)
    row = {"state": "CLOSED", "binding_id": "b1", "reason": "expired"}
    watch.hear(Written("BindingsTable", ("BINDING#b1", "BINDING"), None, row, {}))
    ends = Ends({"b1": binding(mode="X")}, {}, {}, watch.closed)
    assert not judge_early([deal_of("X")], ends, (), console()).holds


# late


def test_releases_within_the_promise_are_in_order_and_later_ones_are_a_breach() -> None:
    assert late(END + 4 * MINUTE).holds
    assert not late(END + 6 * MINUTE).holds
    assert not late(None).holds


def test_a_day_of_lateness_is_not_excused_by_what_went_wrong_during_it() -> None:
    crashes = [END + hours * 60 * MINUTE for hours in range(1, 24)]
    assert not late(*[LATER] * 30, troubles=tuple(struck(CRASH, *crashes))).holds


def test_what_met_a_release_excuses_it_until_it_is_over_and_the_promise_after_that() -> None:
    trouble = struck(CRASH, END + MINUTE)
    until, _ = latest_release(trouble, END, LATER)
    assert late(until, troubles=tuple(trouble)).holds
    assert not late(until + MINUTE, troubles=tuple(trouble)).holds


def test_one_trouble_that_meets_it_after_another_excuses_it_further() -> None:
    first, second = *struck(CRASH, END + MINUTE), *struck(CRASH, END + 8 * MINUTE)
    alone, chained = (latest_release(each, END, LATER)[0] for each in ([first], [first, second]))
    assert chained > alone
    assert latest_release([second], END, LATER) == (END + 5 * MINUTE, [])


def test_a_trouble_before_it_was_due_or_after_it_ended_is_none() -> None:
    assert latest_release(struck(CRASH, END - 10 * MINUTE), END, LATER)[1] == []
    assert latest_release(struck(CRASH, END + 2 * MINUTE), END, END + MINUTE)[1] == []


def test_a_storm_in_which_hardly_a_release_was_left_alone_is_not_judged() -> None:
    trouble = tuple(struck(CRASH, END))
    assert not late(*[END + MINUTE] * 30, troubles=trouble).holds
    assert late(*[END + MINUTE] * 30).holds


@pytest.mark.parametrize(
    ("fault", "function", "mode", "meets"),
    [
        (platform_fault("axb.unbind"), "UnbindWorkerFunction", "AXB", True),
        (platform_fault("axb.unbind"), "UnbindWorkerFunction", "AX", False),
        (platform_fault("axb.bind"), "UnbindWorkerFunction", "AXB", False),
        (platform_fault("axb.query"), "DriftFunction", "AXB", False),
        (platform_fault("axb.bind", "platform.flow_control"), "BindingsFunction", "AXB", True),
        (platform_fault("axb.bind", "platform.flow_control"), "BindingsFunction", "AX", False),
        (platform_fault("axb.bind", "platform.no_connection"), "UnbindWorkerFunction", "AX", True),
        (platform_fault("axb.bind", "platform.no_connection"), "DriftFunction", "AX", False),
        (Fault("f1", "function.crash", 0.0), "BillingFunction", "AXB", False),
        (Fault("f1", "function.crash", 0.0), "UnbindSweepFunction", "X", True),
        (Fault("f1", "function.crash", 0.0), "BindingsFunction", "AXB", False),
        (suspended("AXB", 0), "", "AXB", False),
        (suspended("AX", 0), "", "AX", True),
        (suspended("AX", 1), "", "AX", False),
        (Fault("f1", "table.outage", 0.0), "UnbindSweepFunction", "X", True),
        (Fault("f1", "table.outage", 0.0), "BillingFunction", "X", False),
        (Fault("f1", "platform.lock_out", 0.0), "", "AXE", True),
    ],
)
def test_only_what_can_touch_a_release_that_is_due_is_in_its_way(
    fault: Fault, function: str, mode: str, *, meets: bool
) -> None:
    assert any(one.touches(mode, X, asked=False) for one in struck(fault, END, function=function)) is meets


def test_a_function_that_ends_what_it_is_asked_to_end_is_in_the_way_of_that_only() -> None:
    (trouble,) = struck(Fault("f1", "function.crash", 0.0), END, function="BindingsFunction")
    assert trouble.touches("AXB", X, asked=True)
    assert not trouble.touches("AXB", X, asked=False)


def test_a_fault_that_never_acted_is_in_nobodys_way() -> None:
    assert struck(CRASH) == []
