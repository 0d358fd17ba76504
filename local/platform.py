"""The emulator's control plane, as the demo and the tests of the stack use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Platform:
    """The running emulator: `base_url` is the platform's access address."""

    base_url: str

    def get(self, path: str, **query: str) -> Any:
        """Read from the control plane; CSV exports come back as text."""
        answer = httpx.get(f"{self.base_url}/__emu/{path}", params=query, timeout=60).raise_for_status()
        return answer.json() if "json" in answer.headers["content-type"] else answer.text

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Change something: place a call, move the clock, arm a fault."""
        answer = httpx.request(method, f"{self.base_url}/__emu/{path}", json=body or {}, timeout=120)
        answer.raise_for_status()
        return answer.json() if answer.content else None
