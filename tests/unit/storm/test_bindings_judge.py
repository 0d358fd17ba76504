"""The judge of bindings sees what the platform holds and we do not, and the other way round."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from builders.fake_bindings import binding_of
from emulator.axyb import AxybBinding
from emulator.platform import Emulator
from emulator.world import AxbBinding
from privatenumber.bindings.model import Binding, State
from privatenumber.settings import Mode
from storm.judges.bindings import judge_bindings
from storm.judges.verdict import Verdict
from storm.orders import person
from storm.platform import app_key, furnish, settings, x_numbers

NOW = datetime(2026, 9, 14, 8, tzinfo=UTC)
CLOSED = binding_of(Mode.AXB, id="b1", subscription_id="s1", state=State.CLOSED, due_at=None)


def platform() -> Emulator:
    emulator = Emulator(settings(1), start=NOW)
    furnish(emulator)
    return emulator


def with_axyb() -> Emulator:
    emulator = platform()
    x = x_numbers("AXYB")[0]
    emulator.world.axyb.add(
        AxybBinding(
            subscription_id="unknown",
            app_key=app_key("AXYB"),
            x=x,
            bound_at=NOW,
            bind_id="bind",
            a=person(1),
            duration=0,
        )
    )
    return emulator


def judged(emulator: Emulator, *bindings: Binding, stranded: tuple[str, ...] = ()) -> Verdict:
    return judge_bindings(list(bindings), {}, emulator, NOW + timedelta(minutes=1), stranded)


def test_nothing_here_and_nothing_there_is_in_order() -> None:
    assert judged(platform(), CLOSED).holds


def test_what_lives_here_and_not_there_is_a_breach() -> None:
    verdict = judged(platform(), binding_of(Mode.AXB, subscription_id="s1"))
    assert any(one.what.endswith("is active here and not at the platform") for one in verdict.breaches)


def test_what_is_closed_here_and_lives_there_is_a_breach() -> None:
    emulator = platform()
    emulator.world.add_axb(
        AxbBinding("s1", app_key("AXB"), x_numbers("AXB")[0], person(1), person(2), started_at=NOW)
    )
    assert not judged(emulator, CLOSED).holds
    assert not judged(emulator, CLOSED, stranded=("another",)).holds


def test_an_axyb_that_nobody_knows_is_a_breach_unless_its_answer_was_lost() -> None:
    assert not judged(with_axyb(), CLOSED).holds
    assert judged(with_axyb(), CLOSED, stranded=("unknown",)).holds
