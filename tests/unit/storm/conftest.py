"""A world of the storm answers downloads in its own process: no test may leave that behind."""

from __future__ import annotations

import pytest

from privatenumber.recordings.download import Downloads


@pytest.fixture(autouse=True)
def _downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Downloads, "_ask", Downloads._ask)
