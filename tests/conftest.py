"""Rules for every test: which sockets a test may open depends on the folder it lives in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from builders.mocked_dynamodb import safe_and_quick

UNIT = Path(__file__).parent / "unit"

# How long one example takes says how busy the machine is, nothing about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests open no socket (an event loop's own pair excepted), the others only loopback ones."""
    for item in items:
        if item.path.is_relative_to(UNIT):
            item.add_marker(pytest.mark.disable_socket)
        else:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


@pytest.fixture(scope="session", autouse=True)
def _moto_is_safe_and_quick() -> Iterator[None]:
    with safe_and_quick():
        yield
