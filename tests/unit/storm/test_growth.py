"""Finding what grows in a warm environment, and leaving alone what does not."""

from __future__ import annotations

import gc
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

from storm.growth import (
    ALL,
    FRAMES,
    LIBRARIES,
    Bounds,
    Sample,
    Site,
    growing_sites,
    growths,
    second_half,
    site_of,
    slope,
    take_sample,
)
from storm.plan import DAY_S, Plan
from storm.soak import BOUNDS, Soaked, Wanted, day_of, report

HERE = Path(__file__).parent
MODULE = Path(__file__).stem
Handler = Callable[[Mapping[str, str]], str]


@contextmanager
def traced() -> Iterator[None]:
    """Trace memory; what pytest has made before is not looked at each time."""
    gc.collect()
    gc.freeze()
    tracemalloc.start(FRAMES)
    try:
        yield
    finally:
        tracemalloc.stop()
        gc.unfreeze()


def worked(handler: Handler, *, cycles: int = 6, each: int = 100) -> list[Sample]:
    """Samples of a warm environment that is invoked again and again."""
    samples: list[Sample] = []
    with traced():
        for cycle in range(1, cycles + 1):
            for number in range(each):
                handler({"body": f"order-{cycle}-{number}"})
            samples.append(take_sample(cycle * each, ours=(HERE,)))
    return samples


def grown(samples: Sequence[Sample]) -> set[str]:
    """What grows beyond the bounds; pytest's own resident memory proves nothing."""
    unlimited = Bounds(BOUNDS.traced, BOUNDS.blocks, float("inf"))
    return {one.what for one in growths(samples, unlimited) if not one.holds}


def test_a_list_that_grows_with_every_invocation_is_found_with_its_line() -> None:
    seen: list[dict[str, str]] = []

    def handler(event: Mapping[str, str]) -> str:
        seen.append({"body": event["body"] * 2})
        return "done"

    samples = worked(handler)
    assert grown(samples) == {ALL, f"{ALL}, blocks", MODULE}
    site, growth = growing_sites(samples)[0]
    assert (site.module, growth.per_thousand > BOUNDS.traced) == (MODULE, True)
    assert site.line.endswith(f"{MODULE}.py:{handler.__code__.co_firstlineno + 1}")


def test_what_forgets_and_what_is_bounded_does_not_grow() -> None:
    last: deque[str] = deque(maxlen=50)

    @lru_cache(maxsize=50)
    def masked(body: str) -> str:
        return f"{body[:6]}***"

    def handler(event: Mapping[str, str]) -> str:
        last.append(masked(event["body"]))
        return "".join(last)

    assert grown(worked(handler)) == set()


def test_what_fills_once_does_not_grow() -> None:
    """A cache with as many keys as there are companies, say."""
    known: dict[str, list[str]] = {}

    def handler(event: Mapping[str, str]) -> str:
        known.setdefault(event["body"][-2:], [event["body"]] * 20)
        return "done"

    assert grown(worked(handler)) == set()


def sample(invocations: int, sizes: Mapping[str, int], resident: int | None = None) -> Sample:
    """A sample in which modules hold so many bytes."""
    sites = {Site(name, f"{name}.py:1", f"{name}.py:1"): size for name, size in sizes.items()}
    return Sample(invocations, 0.0, resident, sites, dict.fromkeys(sites, 1))


def test_a_module_that_shrinks_hides_no_other() -> None:
    samples = [sample(n * 1000, {"a": n * 200_000, "b": 9_000_000 - n * 200_000}) for n in range(8)]
    assert grown(samples) == {"a"}


def test_a_module_that_is_new_in_the_second_half_is_judged() -> None:
    samples = [sample(n * 1000, {"a": n * 200_000} if n > 4 else {}) for n in range(8)]
    assert grown(samples) == {ALL, "a"}


def test_resident_memory_is_judged_where_the_system_tells_of_it() -> None:
    """What a library in C keeps, no tracing sees."""
    growing = [sample(n * 1000, {"a": 1}, resident=n * 10_000_000) for n in range(8)]
    assert [one.what for one in growths(growing, BOUNDS) if not one.holds] == ["resident memory"]
    assert all(one.holds for one in growths([sample(n * 1000, {"a": 1}) for n in range(8)], BOUNDS))


def test_fewer_than_three_samples_are_not_judged() -> None:
    with pytest.raises(ValueError, match="fewer than three"):
        second_half([sample(n, {"a": 1}) for n in range(4)])


def test_the_line_of_least_squares() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == pytest.approx(2)
    assert slope([(0, 0), (1, 1), (2, 0)]) == pytest.approx(0)


def test_memory_of_a_library_counts_for_the_line_of_ours_that_called_it() -> None:
    library = str(LIBRARIES[0] / "botocore/parsers.py")
    frames = [("/ours/store/rows.py", 7), ("/elsewhere/tap.py", 3), (library, 9)]
    ours = (Path("/ours"),)
    assert site_of(frames, ours) == Site("store.rows", "/ours/store/rows.py:7", "botocore/parsers.py:9")
    assert site_of(frames[1:], ours) == Site("(botocore)", "botocore/parsers.py:9", "botocore/parsers.py:9")


def test_every_day_has_as_many_orders_and_none_comes_twice() -> None:
    plan = Plan(1, 20, 1.0, ())
    days = [day_of(plan, cycle) for cycle in range(3)]
    assert [len(day) for day in days] == [20, 20, 20]
    assert len({order.id for day in days for order in day}) == 60
    assert all(
        DAY_S * cycle <= order.at_s < DAY_S * (cycle + 1) for cycle, day in enumerate(days) for order in day
    )


def test_it_lasts_as_many_cycles_as_asked_for_or_until_its_processor_time_is_used() -> None:
    assert [Wanted(1, 9, 0.0).enough(done, 1e6) for done in (8, 9)] == [False, True]
    assert [Wanted(1, None, 2.0).enough(6, used) for used in (119, 120)] == [False, True]
    assert not Wanted(1, None, 2.0).enough(5, 1e6)


def test_a_failed_invocation_makes_it_prove_nothing() -> None:
    samples = [sample(n * 1000, {"a": 1}) for n in range(8)]
    assert report(Soaked(samples, {}, {})).endswith("\nsteady")
    failed = Soaked(samples, {}, {"BindingsFunction KeyError": 2})
    assert not failed.holds
    assert report(failed).endswith("FAILED BindingsFunction KeyError: 2\nNOT STEADY")
