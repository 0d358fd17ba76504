"""How the demo speaks: acts, timed lines and checks, coloured on a terminal and plain in a pipe."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text


class DemoFailed(AssertionError):
    """Something the demo claims did not happen; the message says what was expected."""


@dataclass
class Narrator:
    """Prints the timeline and keeps count of what was checked."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    begun: float = field(default_factory=time.monotonic)
    checks: int = 0

    def act(self, number: int, title: str) -> None:
        """Open an act of the demo."""
        self.console.print()
        self.console.print(Text(f"{number}  {title}", style="bold cyan"))

    def line(self, who: str, what: str, style: str = "") -> None:
        """Print one step: seconds since the start, who did it, what happened."""
        seconds = f"{time.monotonic() - self.begun:6.1f}s  "
        self.console.print(Text.assemble((seconds, "dim"), (f"{who:<10}", "bold"), (what, style)))

    def check(self, condition: object, claim: str) -> None:
        """Print a claim with its tick; raise DemoFailed when it is not so."""
        if not condition:
            raise DemoFailed(claim)
        self.checks += 1
        self.console.print(Text.assemble(("         ✓ ", "green"), (claim, "green")))

    def block(self, text: str) -> None:
        """Print a document (statement, reconciliation) indented as it is."""
        for row in text.rstrip().splitlines():
            self.console.print(Text(f"          {row}"))
