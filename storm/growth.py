"""Whether memory grows: samples of what is alive, by module of ours, and the line through the later ones.

Memory is traced by tracemalloc. What a library asked for counts for the line of ours that called it.
"""

from __future__ import annotations

import gc
import os
import sysconfig
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ctypes import CDLL
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from builders.events import ROOT

FRAMES: Final = 1
"""The line that asked for the memory. More of them lead out of a library to the line of ours that called it,
and make everything several times as slow."""

OURS: Final = (ROOT / "layers" / "privatenumber", ROOT / "functions")
LIBRARIES: Final = tuple(Path(sysconfig.get_path(name)) for name in ("purelib", "stdlib"))
_STATM: Final = Path("/proc/self/statm")
RESIDENT: Final = "resident memory"
ALL: Final = "everything"


@dataclass(frozen=True, slots=True)
class Site:
    """Where memory was asked for: our module, the line of it, and the line of a library that asked."""

    module: str
    line: str
    asked: str

    def __str__(self) -> str:
        return self.line if self.asked == self.line else f"{self.line} by {self.asked}"


@dataclass(frozen=True, slots=True)
class Sample:
    """What was alive after so many invocations. ``resident`` is None where the system does not tell."""

    invocations: int
    processor_s: float
    resident: int | None
    sizes: Mapping[Site, int]
    blocks: Mapping[Site, int]

    def modules(self) -> Mapping[str, int]:
        """Bytes by module, and of all of them."""
        found = Counter({ALL: sum(self.sizes.values())})
        for site, size in self.sizes.items():
            found[site.module] += size
        return found


@dataclass(frozen=True, slots=True)
class Growth:
    """How something grew over the second half of the samples, in a thousand invocations; and what it may."""

    what: str
    last: int
    per_thousand: float
    bound: float

    @property
    def holds(self) -> bool:
        """Whether it stays within its bound; that something shrinks is no growth."""
        return self.per_thousand <= self.bound


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may grow in a thousand invocations: bytes and blocks of traced memory, and resident bytes."""

    traced: float
    blocks: float
    resident: float


def take_sample(invocations: int, ours: Sequence[Path] = OURS) -> Sample:
    """Look at what is alive in this process, whose memory is traced."""
    gc.collect()
    resident = _resident()
    sizes, blocks = Counter[Site](), Counter[Site]()
    for found in tracemalloc.take_snapshot().statistics("traceback"):
        frames = [(frame.filename, frame.lineno) for frame in found.traceback]
        if any(filename == __file__ for filename, _ in frames):
            continue  # samples that were taken before
        site = site_of(frames, ours)
        sizes[site] += found.size
        blocks[site] += found.count
    return Sample(invocations, time.process_time(), resident, sizes, blocks)


def site_of(frames: Sequence[tuple[str, int]], ours: Sequence[Path]) -> Site:
    """The site of a trace, whose last frame asked for the memory."""
    asked = _line(*frames[-1])
    for filename, number in reversed(frames):
        module = _module(filename, tuple(ours))
        if module:
            return Site(module, _line(filename, number), asked)
    return Site(f"({_package(frames[-1][0])})", asked, asked)


@cache
def _module(filename: str, ours: tuple[Path, ...]) -> str:
    """The module of a file of ours; empty for any other."""
    for folder in ours:
        if Path(filename).is_relative_to(folder):
            return ".".join(Path(filename).relative_to(folder).with_suffix("").parts)
    return ""


def _line(filename: str, number: int) -> str:
    return f"{_short(filename)}:{number}"


@cache
def _package(filename: str) -> str:
    """What is not ours, by its first name: a library, or a part of Python's own."""
    return Path(_short(filename)).parts[0].removesuffix(".py")


@cache
def _short(filename: str) -> str:
    for folder in (*LIBRARIES, ROOT):
        if Path(filename).is_relative_to(folder):
            return str(Path(filename).relative_to(folder))
    return filename


def _resident() -> int | None:
    """Resident memory without what the tracing itself takes; None where there is no /proc."""
    if not _STATM.exists():
        return None
    trim = getattr(CDLL(None), "malloc_trim", None)
    if trim is not None:
        # What was freed goes back to the system: else the day with most to do would show for ever.
        trim(0)
    pages = int(_STATM.read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") - tracemalloc.get_tracemalloc_memory()


def growths(samples: Sequence[Sample], bounds: Bounds) -> list[Growth]:
    """How everything grew, and each module of ours alone: one that shrinks hides no other."""
    later = second_half(samples)
    modules = [one.modules() for one in later]
    names = sorted({name for one in modules for name in one} - {ALL})
    found = [_growth(f"{ALL}, blocks", later, [sum(one.blocks.values()) for one in later], bounds.blocks)]
    found += [_growth(name, later, [one[name] for one in modules], bounds.traced) for name in (ALL, *names)]
    resident = [one.resident for one in later if one.resident is not None]
    if len(resident) == len(later):
        found.append(_growth(RESIDENT, later, resident, bounds.resident))
    return found


def growing_sites(samples: Sequence[Sample], most: int = 10) -> list[tuple[Site, Growth]]:
    """The sites that grew most over the second half."""
    later = second_half(samples)
    sites = {site for one in later for site in one.sizes}
    found = [
        (site, _growth(str(site), later, [one.sizes.get(site, 0) for one in later], 0)) for site in sites
    ]
    found.sort(key=lambda one: (-one[1].per_thousand, str(one[0])))
    return [one for one in found[:most] if not one[1].holds]


def second_half(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples that are judged: caches have filled by then. Raises ValueError for fewer than three."""
    later = samples[len(samples) // 2 :]
    if len(later) < 3:
        raise ValueError("no line goes through fewer than three samples: let it last longer")
    return later


def slope(points: Iterable[tuple[float, float]]) -> float:
    """How steep the line of least squares through points is."""
    xs, ys = zip(*points, strict=True)
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return float(sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread)


def _growth(what: str, later: Sequence[Sample], values: Sequence[int], bound: float) -> Growth:
    steep = slope((one.invocations / 1000, value) for one, value in zip(later, values, strict=True))
    return Growth(what, values[-1], steep, bound)
