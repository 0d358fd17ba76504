from collections.abc import Iterator

import pytest

from builders.emulator import RunningEmulator, running_emulator


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """An emulator on a virtual clock with one AXB application and three numbers, over real HTTP."""
    with running_emulator() as running:
        yield running
