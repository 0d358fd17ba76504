"""`python -m local.demo [--mode ax|axb|axe|axyb|x]`: a mode's typical order through the deployed stack.

Every step goes over HTTP: the business system's signed requests to the deployed API, the platform's
signed pushes to the deployed callbacks. Each claim printed with a tick was checked.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Mapping

from local import stack as local_stack
from local.billing_acts import platforms_start
from local.deploy import ROOT
from local.narrate import DemoFailed, Narrator
from local.plays import ax_order, axb_order, axe_order, axyb_order, x_order
from local.processes import StackError
from local.tenant import BY_MODE
from privatenumber.settings import Mode
from privatenumber.times import beijing_month, utc_now

FOLDER = ROOT / ".local" / "demo"
Play = Callable[[local_stack.Stack, Narrator], None]
PLAYS: Mapping[Mode, Play] = {
    Mode.AXB: axb_order.play,
    Mode.AX: ax_order.play,
    Mode.AXE: axe_order.play,
    Mode.AXYB: axyb_order.play,
    Mode.X: x_order.play,
}


def main(mode: Mode = Mode.AXB, say: Narrator | None = None, play: Play | None = None) -> int:
    """Set the stack up for a mode's company, play, stop it; exit 0 when every claim held."""
    say = say or Narrator()
    begun = time.monotonic()
    title = f"an order in mode {mode.value}"
    say.console.print(f"[bold]Private Number on a laptop[/bold]: {title} from bind to its end")
    now = utc_now()
    starts = platforms_start(now)
    if starts > now:
        month = beijing_month(starts)
        say.line("clock", f"the month ends before the demo does: the platform's begins with {month}")
    try:
        stack = local_stack.up(
            lambda step: say.line("stack", step),
            folder=FOLDER,
            tenants=(BY_MODE[mode],),
            platform_starts=starts,
        )
    except StackError as error:
        say.console.print(str(error), style="red")
        return 1
    try:
        (play or PLAYS[mode])(stack, say)
    except (DemoFailed, RuntimeError) as error:
        say.console.print(f"\nThe demo stopped: {error}\nLogs: {local_stack.logs(FOLDER)}", style="red")
        return 1
    except KeyboardInterrupt:
        say.console.print("\nInterrupted; stopping what was started.")
        return 130
    finally:
        stack.stop()
    took = time.monotonic() - begun
    say.console.print(
        f"\n[bold green]Done:[/bold green] {say.checks} claims checked in {took:.0f} s; all stopped."
    )
    say.console.print("Next: `make up` leaves the stack running to play with, `make test` runs every test.")
    return 0


def chosen() -> Mode:
    """Read the mode from the command line."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    names = [mode.value.lower() for mode in PLAYS]
    parser.add_argument("--mode", type=str.lower, choices=names, default="axb", help="which mode to play")
    return Mode(parser.parse_args().mode.upper())


if __name__ == "__main__":
    # A demo that is told to end stops what it started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(chosen()))
