"""A soak of one day: the functions work in a process of their own, and their memory is measured there."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from storm.soak import Soaked, Wanted, soak

pytestmark = pytest.mark.dynamodb_local


@pytest.fixture(scope="module")
def soaked(dynamodb_local: str) -> Soaked:
    # It turns the clocks of its process for good.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        wanted = Wanted(seed=1, cycles=1, minutes=0.0, frames=1, orders=4, warm_up=0)
        return apart.submit(soak, wanted, print, dynamodb_local).result()


def test_every_invocation_is_done(soaked: Soaked) -> None:
    assert soaked.failed == {}
    assert soaked.invocations["BindingsFunction"] >= 4
    assert soaked.invocations["CallbacksFunction"] > 0


def test_memory_is_that_of_the_functions(soaked: Soaked) -> None:
    """The platform and the storm itself stay on the other side."""
    (sample,) = soaked.samples
    modules = sample.modules()
    assert any(name.startswith("privatenumber") for name in modules)
    assert not [name for name in modules if name.startswith("emulator")]
