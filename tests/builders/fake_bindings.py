"""A binding service that answers what a test tells it to, and bindings of every mode to be answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from builders.bindings_api import ASKED, COMPANIES, NUMBERS, START, A, B, C
from builders.keyrings import KEYRING
from privatenumber.bindings.model import Binding, Partner, PartnerState, State, Terms
from privatenumber.bindings.partners import PartnerResult
from privatenumber.bindings.records import party
from privatenumber.bindings.service import BindResult
from privatenumber.phone import normalise
from privatenumber.platform.session_calls import Stopped
from privatenumber.settings import Mode
from privatenumber.store.authors import Author

BINDING = "b3f2b8c106a4d4e579b21000000000002"
PARTNER = "p3f2b8c106a4d4e579b21000000000003"
Y1 = "+8617020000402"

_Answer = TypeVar("_Answer")


def binding_of(mode: Mode, **changes: Any) -> Binding:
    """A living binding as a bind of the mode leaves it."""
    terms = Terms(
        a=party(KEYRING, A),
        b=party(KEYRING, B) if mode is Mode.AXB else None,
        ends_at=START + timedelta(hours=2),
        direction=0,
        max_minutes=0,
    )
    binding = Binding(
        id=BINDING,
        application=COMPANIES[mode],
        order="order-1001",
        mode=mode,
        state=State.ACTIVE,
        version=2,
        x=NUMBERS[mode][0],
        area="0755",
        terms=terms,
        created_at=START,
        updated_at=START,
        content_hash="hash",
        due_at=terms.ends_at,
        partners=(partner_of(mode),) if mode in (Mode.AXYB, Mode.X) and "b" in ASKED[mode] else (),
        extension="0007" if mode is Mode.AXE else None,
    )
    return replace(binding, **changes)


def partner_of(mode: Mode, number: str = B, **changes: Any) -> Partner:
    """A partner who stands there; in AXYB he has a Y."""
    y = Y1 if mode is Mode.AXYB else None
    return replace(Partner(PARTNER, party(KEYRING, number), y, PartnerState.HELD), **changes)


def joined(binding: Binding, number: str = C, **changes: Any) -> Binding:
    """The binding with one more partner."""
    another = partner_of(binding.mode, number, id=f"{PARTNER[:-1]}4", **changes)
    return replace(binding, partners=(*binding.partners, another))


@dataclass
class FakeRooms:
    """The rooms of bindings: `before` is what is there, `after` what an operation leaves or raises."""

    before: Binding
    after: Binding | Exception
    stopped: Stopped | Exception = Stopped.STOPPED
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    authors: list[Author] = field(default_factory=list)

    @property
    def service(self) -> FakeRooms:
        return self

    def service_of(self, author: Author) -> FakeRooms:
        self.authors.append(author)
        return self

    def opening(self, action: Callable[[], _Answer]) -> _Answer:
        return action()

    def get(self, binding_id: str) -> Binding:
        return self.before

    def impaired(self, binding: Binding) -> bool | None:
        return binding.state is State.ACTIVE

    def bind(self, command: Any, *, deadline: Any) -> BindResult:
        return BindResult(self._done("bind", command), created=True)

    def change(self, binding_id: str, *, deadline: Any, **changes: Any) -> Binding:
        return self._done("change", binding_id, changes)

    def release(
        self, binding_id: str, *, deadline: Any, reason: Any, grace_s: int, wait_s: int | None
    ) -> Binding:
        return self._done("release", binding_id, reason, grace_s, wait_s)

    def add_partner(self, binding_id: str, number: str, *, deadline: Any) -> PartnerResult:
        after = self._done("add_partner", binding_id, number)
        wanted = normalise(number)
        partner = next(one for one in after.partners if one.party.number == wanted)
        return PartnerResult(after, partner, created=self.before.partner(partner.id) is None)

    def remove_partner(self, binding_id: str, partner_id: str, *, deadline: Any) -> Binding:
        return self._done("remove_partner", binding_id, partner_id)

    def set_callee(
        self,
        binding_id: str,
        number: str,
        *,
        deadline: Any,
        seconds: int = 60,
        user_reference: str | None = None,
    ) -> Binding:
        return self._done("set_callee", binding_id, number, seconds, user_reference)

    def stop_call(self, application_id: str, session_id: str, *, deadline: Any) -> Stopped:
        self.asked.append(("stop_call", application_id, session_id))
        if isinstance(self.stopped, Exception):
            raise self.stopped
        return self.stopped

    def _done(self, *asked: Any) -> Binding:
        self.asked.append(asked)
        if isinstance(self.after, Exception):
            raise self.after
        return self.after


def until(seconds: float) -> datetime:
    """So many seconds after the request came."""
    return START + timedelta(seconds=seconds)
