"""AXYB relations: A behind X, and for each B a Y that A dials (axyb.md §1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.book import Book, EndReason, Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class AxybBinding(Kept):
    """The AX part. ``duration`` and ``yb_duration`` in seconds; 0 = for ever, as long as the AX."""

    bind_id: str
    a: str = field(repr=False)
    duration: int = 7200
    yb_duration: int = 0
    direction: int = 0
    record: bool = False
    record_hint_tone: str | None = None
    pre_voice_x: str | None = None
    pre_voice_y: str | None = None
    user_data: str | None = None

    @property
    def expires_at(self) -> datetime | None:
        """The exact moment the life ends, None = never."""
        return self.bound_at + timedelta(seconds=self.duration) if self.duration else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AxybPair(Kept):
    """One B and the Y that A dials for him; ``x`` is the X of the AX, ``subscription_id`` its own ``bindId``.

    ``ax_id`` is the id of the AX. It ends with the AX at the latest (``limit``).
    """

    ax_id: str
    a: str = field(repr=False)
    y: str
    b: str = field(repr=False)
    duration: int = 0
    limit: datetime | None = None
    pre_voice_y: str | None = None
    user_data: str | None = None
    automatic: bool = False

    @property
    def expires_at(self) -> datetime | None:
        """The exact moment the pair's own life ends, None = with the AX."""
        own = self.bound_at + timedelta(seconds=self.duration) if self.duration else None
        ends = [moment for moment in (own, self.limit) if moment is not None]
        return min(ends, default=None)


class _Pairs(Book[AxybPair]):
    """YB relations by AX, by (A, Y) and by (AX, B)."""

    def __init__(self) -> None:
        super().__init__()
        self.by_ax: dict[str, dict[str, None]] = {}
        self.by_y: dict[str, dict[str, None]] = {}
        self.of_a: dict[tuple[str, str, str], str] = {}
        self.of_b: dict[tuple[str, str], str] = {}

    def get(self, bind_id: str) -> AxybPair:
        """Return a live pair by its id."""
        return self._bindings[bind_id]

    def _placed(self, pair: AxybPair) -> None:
        self.by_ax.setdefault(pair.ax_id, {})[pair.subscription_id] = None
        self.by_y.setdefault(pair.y, {})[pair.subscription_id] = None
        self.of_a[pair.app_key, pair.a, pair.y] = pair.subscription_id
        self.of_b[pair.ax_id, pair.b] = pair.subscription_id

    def _displaced(self, pair: AxybPair) -> None:
        self.by_ax[pair.ax_id].pop(pair.subscription_id, None)
        self.by_y[pair.y].pop(pair.subscription_id, None)
        self.of_a.pop((pair.app_key, pair.a, pair.y), None)
        self.of_b.pop((pair.ax_id, pair.b), None)


class AxybBook(Book[AxybBinding]):
    """AX parts with their pairs. A number in use as X is never used as Y and vice versa."""

    def __init__(self) -> None:
        super().__init__()
        self._pairs = _Pairs()
        self._of: dict[tuple[str, str], dict[str, None]] = {}

    def of(self, app_key: str, a: str, at: datetime) -> list[AxybBinding]:
        """Return the AX parts of one A in an application, oldest first."""
        self.expire(at)
        return [self._bindings[found] for found in self._of.get((app_key, a), {})]

    def on_x(self, x: str, at: datetime) -> AxybBinding | None:
        """Return the AX of an X, which serves one A."""
        return next(iter(self.on(x, at)), None)

    def add_pair(self, pair: AxybPair) -> AxybPair:
        """Store a YB relation; the caller has checked that it may be."""
        return self._pairs.add(pair)

    def end_pair(self, pair: AxybPair, at: datetime) -> None:
        """End one YB relation."""
        self._pairs.end(pair.subscription_id, at)

    def pairs(self, ax_id: str, at: datetime) -> list[AxybPair]:
        """Return the live YB relations of an AX, oldest first."""
        self.expire(at)
        return [self._pairs.get(found) for found in self._pairs.by_ax.get(ax_id, {})]

    def pair_with_y(self, app_key: str, a: str, y: str, at: datetime) -> AxybPair | None:
        """Return the pair that A reaches by dialling a Y."""
        self.expire(at)
        found = self._pairs.of_a.get((app_key, a, y))
        return self._pairs.get(found) if found is not None else None

    def pair_of_b(self, ax_id: str, b: str, at: datetime) -> AxybPair | None:
        """Return the pair of a B under an AX."""
        self.expire(at)
        found = self._pairs.of_b.get((ax_id, b))
        return self._pairs.get(found) if found is not None else None

    def pairs_on_y(self, y: str, at: datetime) -> list[AxybPair]:
        """Return every live pair in which a number serves as Y, oldest first."""
        self.expire(at)
        return [self._pairs.get(found) for found in self._pairs.by_y.get(y, {})]

    def ever_paired(self, at: datetime) -> list[AxybPair]:
        """Return every YB relation there ever was, ended ones first."""
        self.expire(at)
        return [*self._pairs.ended, *self._pairs.all(at)]

    def end_all(self, x: str, at: datetime, reason: EndReason) -> int:
        """End everything in which a number stands, as X or as Y; return how many relations there were."""
        ended = super().end_all(x, at, reason)
        for pair in self.pairs_on_y(x, at):
            self._pairs.end(pair.subscription_id, at, reason)
            ended += 1
        return ended

    def expire(self, at: datetime) -> None:
        """Move what ended up to that moment away: pairs first, each at its own moment."""
        self._pairs.expire(at)
        super().expire(at)

    def _placed(self, binding: AxybBinding) -> None:
        self._of.setdefault((binding.app_key, binding.a), {})[binding.subscription_id] = None

    def _displaced(self, binding: AxybBinding) -> None:
        self._of[binding.app_key, binding.a].pop(binding.subscription_id, None)

    def _removed(self, binding: AxybBinding, at: datetime, reason: EndReason) -> None:
        for bind_id in list(self._pairs.by_ax.get(binding.subscription_id, {})):
            self._pairs.end(bind_id, at, reason)


def pair_of(
    ax: AxybBinding,
    bind_id: str,
    y: str,
    b: str,
    at: datetime,
    *,
    duration: int | None = None,
    pre_voice_y: str | None = None,
    user_data: str | None = None,
    automatic: bool = False,
) -> AxybPair:
    """Make a YB of an AX: what is not given is the AX's; it never outlives the AX (axyb.md §2.2)."""
    return AxybPair(
        subscription_id=bind_id,
        app_key=ax.app_key,
        x=ax.x,
        bound_at=at,
        ax_id=ax.subscription_id,
        a=ax.a,
        y=y,
        b=b,
        duration=ax.yb_duration if duration is None else within(duration, ax.duration),
        limit=ax.expires_at,
        pre_voice_y=pre_voice_y or ax.pre_voice_y,
        user_data=user_data or ax.user_data,
        automatic=automatic,
    )


def within(yb_duration: int, duration: int) -> int:
    """A YB life that would outlast its AX counts as the AX's; 0 is for ever, as long as the AX."""
    return min(yb_duration, duration) if duration else yb_duration
