"""The bindings function on moto, for every test of its API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from builders.bindings_api import BindingsApi, DictPlatform, running_api

from functions.bindings import app


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[BindingsApi]:
    """The API with two X numbers of Shenzhen."""
    for name, value in {
        "AWS_DEFAULT_REGION": "cn-north-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    with running_api(DictPlatform()) as (bindings_api, rooms):
        monkeypatch.setattr(app, "rooms", lambda: rooms)
        bindings_api.add_numbers("+8617010000001", "+8617010000002")
        yield bindings_api
