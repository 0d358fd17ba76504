"""Rules for every test: which sockets a test may open depends on the folder it lives in."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

UNIT = Path(__file__).parent / "unit"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests open no socket (an event loop's own pair excepted), the others only loopback ones."""
    for item in items:
        if item.path.is_relative_to(UNIT):
            item.add_marker(pytest.mark.disable_socket)
        else:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


@pytest.fixture(scope="session", autouse=True)
def _moto_serves_one_request_at_a_time() -> Iterator[None]:
    """moto's tables are plain dictionaries: reading one while another thread writes it fails at random."""
    serve, turn = BotocoreStubber.process_request, threading.RLock()

    def one_at_a_time(stubber: BotocoreStubber, request: Any) -> Any:
        with turn:
            return serve(stubber, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BotocoreStubber, "process_request", one_at_a_time)
        yield
