"""The binding engine as others use it: bind, get, find, change, release, and the worker's step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from privatenumber.bindings.model import Binding, Page, Reason
from privatenumber.platform.client import Deadline
from privatenumber.settings import Mode


@dataclass(frozen=True, slots=True)
class BindCommand:
    """What a business system asks for. Exactly one of ``ends_at`` (aware UTC) and ``ttl_seconds`` is given.

    ``a``, ``b`` and ``x`` in any form that numbers.md §1.3 accepts. ``record_hint_tone`` set = calls are recorded.
    """

    application: str
    order: str
    a: str = field(repr=False)
    b: str = field(repr=False)
    mode: Mode = Mode.AXB
    area: str | None = None
    x: str | None = None
    ends_at: datetime | None = None
    ttl_seconds: int | None = None
    direction: int = 0
    max_minutes: int = 0
    record_hint_tone: str | None = None
    user_reference: str | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    fallback_any_area: bool = False


@dataclass(frozen=True, slots=True)
class BindResult:
    """The binding, and whether this request made it (False: the same request came before)."""

    binding: Binding
    created: bool


class BindingService:
    """The life of bindings over one store and the platform clients of its applications."""

    def bind(self, command: BindCommand, *, deadline: Deadline) -> BindResult:
        """Bind an order's parties. State REQUESTED in the answer: the outcome is not known yet, ask again later."""
        raise NotImplementedError

    def get(self, binding_id: str) -> Binding:
        """Read one binding; raises BindingNotFound."""
        raise NotImplementedError

    def find(
        self,
        *,
        application: str,
        order: str | None = None,
        number: str | None = None,
        x: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page:
        """Bindings of an order, of a person (any number form) or of an X, newest first; exactly one filter."""
        raise NotImplementedError

    def change(
        self,
        binding_id: str,
        *,
        deadline: Deadline,
        ends_at: datetime | None = None,
        a: str | None = None,
        b: str | None = None,
        direction: int | None = None,
        max_minutes: int | None = None,
    ) -> Binding:
        """Change an ACTIVE binding; None = unchanged. `settled` False in the answer: the outcome is not known yet."""
        raise NotImplementedError

    def release(self, binding_id: str, *, deadline: Deadline, reason: Reason = Reason.DELETED) -> Binding:
        """End a binding; idempotent. State RELEASING or REQUESTED in the answer: it is finished later by the sweep."""
        raise NotImplementedError

    def step(self, binding_id: str, *, as_of: datetime, deadline: Deadline) -> Binding:
        """Do the next step of a binding that is due at ``as_of``; nothing when it is not due."""
        raise NotImplementedError
