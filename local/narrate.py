"""How the demo speaks: acts, timed lines and checks, coloured on a terminal and plain in a pipe."""

from __future__ import annotations

import os
import sys
import time
import webbrowser
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
_RULE = "──"


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
        rows = text.rstrip().splitlines()
        for at, row in enumerate(rows):
            after = rows[at + 1] if at + 1 < len(rows) else ""
            self.console.print(Text(f"          {row}".rstrip(), style=_style(row, after, is_first=at == 0)))

    def show(self, page: Path) -> None:
        """Open a page for whoever sits in front of a screen; elsewhere say where it lies."""
        has_screen = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in _SCREENS)
        is_open = self.console.is_terminal and has_screen and webbrowser.open(page.as_uri())
        self.line(
            "finance", f"{'reads the statement in the browser' if is_open else 'the statement'}: {page}"
        )


def _style(row: str, after: str, *, is_first: bool) -> str:
    """Titles and sums stand out, rules step back; a column's heading is what a rule follows."""
    if is_first:
        return "bold cyan"
    if row.startswith(_RULE):
        return "dim"
    if row.startswith("reconciliation:"):
        return "bold"
    return "bold" if row.startswith("Total") else "italic" if after.startswith(_RULE) else ""
