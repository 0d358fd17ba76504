"""The demo played on a stack that goes on: what it printed, how it ended, what the API answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from io import StringIO
from typing import Any

import httpx
import pytest
from rich.console import Console

from builders.disclosure import Trace
from local import demo
from local import stack as local_stack
from local.narrate import Narrator
from local.stack import Stack
from privatenumber.settings import Mode


@dataclass(frozen=True)
class Played:
    """The demo's exit code, what a person saw, and every answer of the deployed API."""

    exit_code: int
    said: str
    answers: tuple[Trace, ...]


class Lent(Stack):
    """A stack that its owner stops."""

    def stop(self) -> None:
        """Go on."""


def play_demo(
    stack: Stack, mode: Mode = Mode.AXB, play: Callable[[Stack, Narrator], None] | None = None
) -> Played:
    """Run the demo's `main` for a mode on a running stack."""
    said, answers = StringIO(), list[Trace]()
    console = Console(file=said, highlight=False, soft_wrap=True)
    lent = Lent(**{field.name: getattr(stack, field.name) for field in fields(stack)})
    send = httpx.request

    def recorded(method: str, url: str, **request: Any) -> httpx.Response:
        answer = send(method, url, **request)
        if url.startswith(stack.api_url):
            answers.append(
                Trace("answer", f"{method} {answer.status_code}", f"{answer.headers} {answer.text}")
            )
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx, "request", recorded)
        patch.setattr(local_stack, "up", lambda *_, **__: lent)
        exit_code = demo.main(mode, Narrator(console), play)
    return Played(exit_code, said.getvalue(), tuple(answers))
