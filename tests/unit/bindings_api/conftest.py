"""The bindings function on moto, for every test of its API."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from builders.bindings_api import BindingsApi, running_api
from builders.bindings_platform import DictPlatform
from functions.bindings import app


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[BindingsApi]:
    """The API with two X numbers of Shenzhen."""
    with running_api(DictPlatform()) as (bindings_api, rooms):
        monkeypatch.setattr(app, "rooms", lambda: rooms)
        monkeypatch.setattr(app, "utc_now", bindings_api.clock)
        bindings_api.add_numbers("+8617010000001", "+8617010000002")
        yield bindings_api


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """What the function and the layer log during a test."""
    lines = io.StringIO()
    handlers = [handler for handler in app.logger.handlers if isinstance(handler, logging.StreamHandler)]
    before = [handler.setStream(lines) for handler in handlers]
    assert before
    yield lines
    for handler, stream in zip(handlers, before, strict=True):
        if stream is not None:
            handler.setStream(stream)
