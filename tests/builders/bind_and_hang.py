"""A process that binds at the platform and hangs before it writes that down, to be killed by a test.

python -m builders.bind_and_hang DYNAMODB TABLE EMULATOR NOW: prints BOUND after the platform's answer.
"""

from __future__ import annotations

import signal
import sys
from datetime import datetime
from typing import Any

from builders.bindings import TestClock, command, open_platform, within
from builders.dynamodb import Table, local_client
from builders.keyrings import KEYRING
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.service import BindingService
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.numbers import NumberStore


class Hanging:
    """A platform client whose caller never gets to act on the answer of a bind."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def bind(self, *args: Any, **named: Any) -> Any:
        self._api.bind(*args, **named)
        print("BOUND", flush=True)
        signal.pause()


def main(endpoint: str, name: str, address: str, now: str) -> None:
    table = Table(local_client(endpoint), name)
    clock = TestClock(datetime.fromisoformat(now))
    api: Any = Hanging(open_platform(address, clock))
    engine = Engine(
        store=BindingStore(table.client, name),
        search=BindingSearch(table.client, name),
        numbers=NumberStore(table.client, name),
        platforms=lambda application: api,
        keyring=KEYRING,
        clock=clock,
    )
    BindingService(engine).bind(command(), deadline=within())


if __name__ == "__main__":
    main(*sys.argv[1:5])
