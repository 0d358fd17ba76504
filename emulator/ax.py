"""AX bindings and their temporary callees: one A behind each X (ax.md §1, §6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from emulator.book import Book, EndReason, Kept


@dataclass(frozen=True, slots=True)
class TemporaryCallee:
    """Whom A reaches by dialling X; a call must arrive before ``expires_at``."""

    number: str
    set_at: datetime
    expires_at: datetime
    user_data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AxBinding(Kept):
    """A behind an X; the life never ends by itself. ``max_duration`` in minutes, 0 = no limit.

    None is what nobody set: it has its default and no query shows it (ax.md §5).
    """

    a: str = field(repr=False)
    direction: int | None = None
    turned_on: bool | None = None
    display_real: bool | None = None
    """``calleeNumDisplay`` 1: the platform accepts it and intercepts calls to A (ax.md §2)."""
    record: bool = False
    record_hint_tone: str | None = None
    max_duration: int | None = None
    last_min_voice: str | None = None
    private_sms: bool | None = None
    caller_hint_tone: str | None = None
    callee_hint_tone: str | None = None
    user_data: str | None = None


class AxBook(Book[AxBinding]):
    """AX bindings; a temporary callee lives and dies with its binding."""

    def __init__(self) -> None:
        super().__init__()
        self._of: dict[tuple[str, str], set[str]] = {}
        self._callees: dict[str, TemporaryCallee] = {}

    def of(self, app_key: str, a: str) -> list[AxBinding]:
        """Return the bindings of one A in an application, oldest first."""
        return [self._bindings[found] for found in sorted(self._of.get((app_key, a), ()), key=self.serial)]

    def on_x(self, x: str) -> AxBinding | None:
        """Return the binding of an X, which carries one at most."""
        found = next(iter(self._on.get(x, {})), None)
        return self._bindings[found] if found is not None else None

    def set_callee(self, subscription_id: str, callee: TemporaryCallee) -> None:
        """Set the temporary callee of a binding; an earlier one is overwritten."""
        self._callees[subscription_id] = callee

    def callee(self, subscription_id: str, at: datetime) -> TemporaryCallee | None:
        """Return the temporary callee that is valid at that moment."""
        callee = self._callees.get(subscription_id)
        return callee if callee is not None and at < callee.expires_at else None

    def use_callee(self, subscription_id: str) -> None:
        """Forget a temporary callee that served its call."""
        self._callees.pop(subscription_id, None)

    def _placed(self, binding: AxBinding) -> None:
        self._of.setdefault((binding.app_key, binding.a), set()).add(binding.subscription_id)

    def _displaced(self, binding: AxBinding) -> None:
        self._of[binding.app_key, binding.a].discard(binding.subscription_id)

    def _removed(self, binding: AxBinding, at: datetime, reason: EndReason) -> None:
        self._callees.pop(binding.subscription_id, None)
