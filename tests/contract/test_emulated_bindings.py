"""What only the emulator shows of bindings: its seed, its capacity, its journal (emulator-decisions.md)."""

from __future__ import annotations

from collections.abc import Callable

from builders.emulator import APP_KEY, X1, X2, A, B, C, D
from builders.platform_requests import EmulatedApi
from emulator.world import AxbBinding

Build = Callable[..., EmulatedApi]
OK = (200, "0")


def test_ids_repeat_with_the_seed(build: Build) -> None:
    """Decision 8."""
    assert build(seed=5).bound() == build(seed=5).bound()
    assert build(seed=5).bound() != build(seed=6).bound()


def test_an_x_carries_5000_pairs(build: Build) -> None:
    """Decision 70."""
    api = build()
    for number in range(4999):
        a, b = f"+8613900{number:06d}", f"+8615900{number:06d}"
        api.world.add_axb(AxbBinding(f"pair-{number}", APP_KEY, X1, a, b, api.now))
    assert api.bind(A, B).outcome == OK
    assert api.bind(C, D).outcome == (403, "1012009")


def test_an_unbind_by_x_warns(api: EmulatedApi) -> None:
    """C-016: decision 106; it is documented, and seldom meant."""
    api.bound(A, B)
    api.bound(C, D)
    kept = api.bound(A, B, X2)
    assert api.unbind(subscriptionId="", relationNum=X1).outcome == OK
    assert [binding.subscription_id for binding in api.world.all_axb(api.now)] == [kept]
    [warned] = api.emulator.journal.entries(noted=True)
    assert warned.notes == ("relationNum without subscriptionId removed every binding of the X: 2",)


def test_recording_without_announcement_is_noted(api: EmulatedApi) -> None:
    """axb.md §6.3."""
    api.bind(recordFlag="true")
    assert api.notes() == ["recordFlag without recordHintTone: the carrier intercepts such calls"]


def test_the_journal_counts_requests_by_api_and_code(api: EmulatedApi) -> None:
    bound = api.bound()
    api.bind()
    api.query(subscriptionId=bound)
    api.unbind(subscriptionId=bound)
    assert api.emulator.journal.counts() == {
        "axb.bind": {"0": 1, "1012010": 1},
        "axb.query": {"0": 1},
        "axb.unbind": {"0": 1},
    }


def test_the_journal_names_x_and_binding(api: EmulatedApi) -> None:
    bound = api.bound(x=X2)
    [entry] = api.emulator.journal.entries(api="axb.bind")
    assert (entry.x, entry.subscription_id, entry.http_status, entry.code) == (X2, bound, 200, "0")
