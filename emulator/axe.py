"""AXE bindings, their extensions and call-back records: several A behind one X (axe.md §1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.book import Book, EndReason, Kept

MINUTES_PER_UNIT = {"0": 60, "1": 1}
"""``timeUnit``: 0 hours, 1 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxeBinding(Kept):
    """A behind an extension of X. Lives in their own units; 0 = for ever, as long as the binding.

    ``given_life`` and ``given_unit`` are what the bind carried: the query shows them (axe.md §5).
    """

    a: str = field(repr=False)
    extension: str
    started_at: datetime
    time_unit: str = "0"
    life: int = 0
    callback_life: int = 0
    callback_unit: str = "0"
    last_unit: str = "0"
    given_life: int | None = None
    given_unit: str | None = None
    callback_tone: str | None = None
    callback_number: str | None = field(default=None, repr=False)
    display_mode: str = "0"
    record: bool = False
    record_hint_tone: str | None = None
    user_data: str | None = None

    @property
    def expires_at(self) -> datetime | None:
        """The exact moment the life ends, None = never."""
        minutes = self.life * MINUTES_PER_UNIT[self.time_unit]
        return self.started_at + timedelta(minutes=minutes) if minutes else None

    @property
    def callback_minutes(self) -> int:
        """Life of a call-back record in minutes; 0 = as long as the binding."""
        return self.callback_life * MINUTES_PER_UNIT[self.callback_unit]


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """The last user who reached A through X."""

    caller: str = field(repr=False)
    written_at: datetime


class AxeBook(Book[AxeBinding]):
    """AXE bindings; extension and party are unique on an X, a call-back record dies with its binding."""

    def __init__(self) -> None:
        super().__init__()
        self._extensions: dict[tuple[str, str], str] = {}
        self._parties: dict[tuple[str, str], str] = {}
        self._callers: dict[str, CallbackRecord] = {}

    def by_extension(self, x: str, extension: str, at: datetime) -> AxeBinding | None:
        """Return the live binding behind an extension of X."""
        self.expire(at)
        found = self._extensions.get((x, extension))
        return self._bindings[found] if found is not None else None

    def of_party(self, x: str, a: str, at: datetime) -> AxeBinding | None:
        """Return the live binding of an A on X."""
        self.expire(at)
        found = self._parties.get((x, a))
        return self._bindings[found] if found is not None else None

    def extensions_on(self, x: str, at: datetime) -> frozenset[str]:
        """Return the extensions in use on X."""
        return frozenset(binding.extension for binding in self.on(x, at))

    def record_caller(self, subscription_id: str, caller: str, at: datetime) -> None:
        """Write the call-back record of a binding; the latest caller counts."""
        if subscription_id in self._bindings:
            self._callers[subscription_id] = CallbackRecord(caller, at)

    def last_caller(self, subscription_id: str, at: datetime) -> str | None:
        """Return the last caller while the record lives; an expired record is deleted (axe.md §6.2)."""
        record, binding = self._callers.get(subscription_id), self.by_id(subscription_id, at)
        if record is None or binding is None:
            return None
        minutes = binding.callback_minutes
        if minutes and at >= record.written_at + timedelta(minutes=minutes):
            del self._callers[subscription_id]
            return None
        return record.caller

    def _placed(self, binding: AxeBinding) -> None:
        self._extensions[binding.x, binding.extension] = binding.subscription_id
        self._parties[binding.x, binding.a] = binding.subscription_id

    def _displaced(self, binding: AxeBinding) -> None:
        self._extensions.pop((binding.x, binding.extension), None)
        self._parties.pop((binding.x, binding.a), None)

    def _removed(self, binding: AxeBinding, at: datetime, reason: EndReason) -> None:
        self._callers.pop(binding.subscription_id, None)
