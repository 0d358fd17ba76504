"""The binding engine as others use it: bind, find, change, partners, callee, release, the worker's step."""

from __future__ import annotations

from datetime import datetime

from privatenumber.bindings import bind, callees, change, find, partners, release
from privatenumber.bindings.bind import BindResult
from privatenumber.bindings.change import ChangeCommand
from privatenumber.bindings.commands import BindCommand
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.find import Query
from privatenumber.bindings.model import Binding, Page, Reason, State
from privatenumber.bindings.partners import PartnerResult
from privatenumber.bindings.waiting import Ending
from privatenumber.deadline import Deadline
from privatenumber.store.numbers import OUT_OF_SERVICE

__all__ = ["BindCommand", "BindResult", "BindingService"]


class BindingService:
    """The life of bindings over one store and the platform clients of its applications.

    Every operation that writes also raises `Busy` when too many writers met; it may be repeated as it was.
    What had begun by then stands in the binding, and the worker finishes it if nobody repeats it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def bind(self, command: BindCommand, *, deadline: Deadline) -> BindResult:
        """Bind an order's people in the mode of its application.

        `settled` False in the answer: the outcome is not known yet, ask again later.

        Raises
        ------
        InvalidRequest, IdempotencyMismatch, OrderConflict
            about the request; nothing was written
        PoolEmpty, PartyConflict
            no X; nothing is bound
        BindRefused, PlatformPaused
            the platform; the binding has ended, and everything taken for it is free again
        """
        return bind.bind(self._engine, command, deadline)

    def get(self, binding_id: str) -> Binding:
        """Read one binding; raises BindingNotFound."""
        return self._engine.load(binding_id)

    def impaired(self, binding: Binding) -> bool | None:
        """Whether the platform serves no call and no SMS on its X; None where there is nothing to serve.

        Read when asked for: states of numbers come late and go again, and change no binding.
        """
        if binding.state not in (State.ACTIVE, State.RELEASING):
            return None
        number = self._engine.numbers.get(binding.x)
        return number.state in OUT_OF_SERVICE if number else None

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
        """Bindings of an order, of a person (any number form) or of an X, newest first; exactly one filter.

        Raises InvalidRequest. Read from an index: what was written a moment ago may be missing.
        """
        query = Query(application=application, order=order, number=number, x=x)
        return find.find(self._engine, query, limit=limit, cursor=cursor)

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
        """Change an ACTIVE binding; None = unchanged, X never changes. What can change depends on the mode.

        `settled` False in the answer: the outcome is not known yet, the worker finishes it.

        Raises
        ------
        BindingNotFound, InvalidRequest, StateConflict
            about the request
        PartyConflict, OrderConflict
            the new party already stands on this X, or the order has another binding of the new pair
        BindRefused, PlatformPaused
            the platform; the binding is as it was
        """
        command = ChangeCommand(ends_at=ends_at, a=a, b=b, direction=direction, max_minutes=max_minutes)
        return change.change(self._engine, binding_id, command, deadline)

    def add_partner(self, binding_id: str, number: str, *, deadline: Deadline) -> PartnerResult:
        """Put one more B opposite A (AXYB, X mode); the same person again changes nothing.

        A partner in the answer who is not held: his Y is not known yet, the worker finds out.

        Raises
        ------
        BindingNotFound, InvalidRequest, StateConflict
            about the request
        PartyConflict
            X mode: he stands on this X in another binding
        BindRefused, PlatformPaused
            the platform; the binding is as it was
        """
        return partners.add_partner(self._engine, binding_id, number, deadline)

    def remove_partner(self, binding_id: str, partner_id: str, *, deadline: Deadline) -> Binding:
        """Take a B away from A; `settled` False in the answer: the worker goes on until he is gone.

        Raises BindingNotFound, PartnerNotFound, InvalidRequest, StateConflict.
        """
        return partners.remove_partner(self._engine, binding_id, partner_id, deadline)

    def set_callee(
        self,
        binding_id: str,
        number: str,
        *,
        deadline: Deadline,
        seconds: int = 60,
        user_reference: str | None = None,
    ) -> Binding:
        """Say whom A reaches by dialling X within so many seconds (AX, X mode); replaces an earlier one.

        In AX it serves one call: set it before each (ax.md §6).

        Raises
        ------
        BindingNotFound, InvalidRequest, StateConflict
            about the request
        BindRefused, PlatformPaused
            the platform; without an answer of it the same request may be repeated
        """
        return callees.set_callee(self._engine, binding_id, number, seconds, user_reference, deadline)

    def release(
        self,
        binding_id: str,
        *,
        deadline: Deadline,
        reason: Reason = Reason.DELETED,
        grace_s: int = 0,
        wait_s: int | None = None,
    ) -> Binding:
        """End a binding, now or after a grace; idempotent, raises BindingNotFound, InvalidRequest.

        A call that is under way then is waited for up to ``wait_s`` seconds (None: as agreed at the bind).
        State RELEASING or REQUESTED in the answer: the platform has not confirmed it, the worker goes on.
        """
        return release.release(self._engine, binding_id, Ending(reason, grace_s, wait_s), deadline)

    def step(self, binding_id: str, *, as_of: datetime, deadline: Deadline) -> Binding:
        """Do the next step of a binding that is due at ``as_of``; nothing when it is not due.

        Raises BindingNotFound.
        """
        return release.step(self._engine.at(as_of), binding_id, deadline)
