from collections.abc import Callable, Iterator
from typing import Any

import pytest

from builders.emulator import RunningEmulator, running_emulator
from builders.platform_requests import EmulatedApi


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """An emulator on a virtual clock with one AXB application and three numbers, over real HTTP."""
    with running_emulator() as running:
        yield running


@pytest.fixture
def build() -> Iterator[Callable[..., EmulatedApi]]:
    """Builds emulators inside this process under given settings, and closes them."""
    built: list[EmulatedApi] = []

    def make(**settings: Any) -> EmulatedApi:
        built.append(EmulatedApi(**settings))
        return built[-1]

    yield make
    for api in built:
        api.close()


@pytest.fixture
def api(build: Callable[..., EmulatedApi]) -> EmulatedApi:
    """An emulator inside this process with the default settings."""
    return build()
