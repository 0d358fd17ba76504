"""Where the bars of a chart stand: plain geometry, for a page's SVG and for a PDF alike."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from privatenumber.billing.outputs.report import Chart

WIDTH: Final = 720
_LABEL: Final = 190
_AMOUNT: Final = 90
_BAR: Final = 18
_GAP: Final = 8
_LONGEST_LABEL: Final = 28


@dataclass(frozen=True, slots=True)
class Placed:
    """A bar: its label, its amount as text, and its rectangle in a picture of `WIDTH`, from the top left."""

    label: str
    text: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart that is laid out."""

    name: str
    height: float
    bars: tuple[Placed, ...]


def picture(chart: Chart) -> Picture:
    """Horizontal bars in proportion to their amounts; amounts below nothing have no bar, but their figure."""
    most = max((bar.amount for bar in chart.bars), default=Decimal(0))
    scale = (WIDTH - _LABEL - _AMOUNT) / float(most) if most > 0 else 0.0
    bars = tuple(
        Placed(
            label=_short(bar.label),
            text=f"{bar.amount:,.2f}",
            x=_LABEL,
            y=_GAP + at * (_BAR + _GAP),
            width=round(max(float(bar.amount), 0.0) * scale, 1),
            height=_BAR,
        )
        for at, bar in enumerate(chart.bars)
    )
    return Picture(chart.name, _GAP + len(bars) * (_BAR + _GAP), bars)


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
