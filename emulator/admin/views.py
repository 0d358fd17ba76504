"""The state of the emulator itself, of applications and of numbers, as JSON values."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_jsonable_python

from emulator.platform import Emulator
from emulator.world import Application, Mode, Number

View = dict[str, Any]


def health(emulator: Emulator) -> View:
    """Whether it runs, by which clock, and what went wrong inside."""
    return {
        "status": "ok",
        **clock(emulator),
        "seed": emulator.settings.seed,
        "strictness": emulator.settings.strictness,
        "pending": len(emulator.scheduler.pending()),
        "failures": [f"{label}: {type(error).__name__}" for label, error in emulator.scheduler.failures],
    }


def clock(emulator: Emulator) -> View:
    """The emulator's time, and how far it is ahead of the machine's."""
    scheduler = emulator.scheduler
    return {
        "clock": scheduler.kind,
        "now": plain(scheduler.now()),
        "offset_s": round(scheduler.offset.total_seconds(), 3),
    }


def application(found: Application) -> View:
    """An application without its secrets."""
    view: View = plain(found)
    del view["secrets"]
    return view


def number(emulator: Emulator, found: Number) -> View:
    """A number with the relations it carries."""
    view: View = plain(found)
    application = emulator.world.applications.get(found.app_key)
    mode = application.mode if application is not None else Mode.AXB
    return {**view, "pairs": emulator.pool.load(mode, found.x, emulator.scheduler.now())}


def plain(value: object) -> Any:
    """Return a value as JSON can carry it: moments in ISO form, decimals as text."""
    return to_jsonable_python(value)
